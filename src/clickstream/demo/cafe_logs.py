"""The log files of the demo's café, and the state that is needed to continue them.

The first demo writes the newest hours, without half of the lines of four hours. Later it writes
the four weeks before, and the lines that were left out, as late lines. `var/cafe.json` records the
first day of the story and the first hour of the newest logs: all lines depend only on these two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from clickstream.demo.cafe import CafeRules, Truth, story, write_history
from clickstream.demo.cafe.older_logs import late_in, write_late_lines, write_older_days
from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range

LATE_FROM, LATE_TO = 10, 13
"""The UTC hours of yesterday with late lines."""


@dataclass(frozen=True)
class CafeLogs:
    """The café's logs in a directory.

    `story_begins` is the first day of the story and of the older logs. `begin` is the first hour of
    the newest logs. `late_hours` are the hours with late lines.
    """

    directory: Path
    story_begins: date
    begin: Hour
    late_hours: tuple[Hour, ...]

    @classmethod
    def new(cls, directory: Path, begin: Hour, last: Hour, has_history: bool) -> CafeLogs:
        """Return the logs of a first demo, whose newest hours are `begin` to `last`."""
        yesterday = Hour.first_of(str(last.event_date - timedelta(days=1)))
        late = hour_range(yesterday.plus(LATE_FROM), yesterday.plus(LATE_TO))
        story_begins = last.event_date - timedelta(days=story.DAYS)
        return cls(directory, story_begins, begin, tuple(late) if has_history else ())

    @classmethod
    def load(cls, directory: Path, state: Path) -> CafeLogs | None:
        """Return the logs of an earlier demo; None if there are none.

        Raises InputError for logs of an earlier version without a recorded story.
        """
        if not (directory / "access.log").exists():
            return None
        if not state.exists():
            raise InputError(
                f"{state} is missing: an earlier version wrote the logs in {directory}, and this "
                "one can't continue them. Remove all state of the demo by `make clean-demo`."
            )
        stored = json.loads(state.read_text(encoding="utf-8"))
        return cls(
            directory,
            date.fromisoformat(stored["story_begins"]),
            Hour.parse(stored["begin"]),
            tuple(map(Hour.parse, stored["late_hours"])),
        )

    def save(self, state: Path) -> None:
        """Store the description of the logs; call it before their first line is written."""
        stored = {
            "story_begins": str(self.story_begins),
            "begin": str(self.begin),
            "late_hours": [str(hour) for hour in self.late_hours],
        }
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(json.dumps(stored, indent=1), encoding="utf-8")

    @property
    def rules(self) -> CafeRules:
        """The rules of the café."""
        return CafeRules(story_begins=self.story_begins)

    @property
    def first(self) -> Hour:
        """The first hour of the older days."""
        return Hour.first_of(str(self.story_begins))

    def write_newest(self, last: Hour) -> Truth:
        """Write the newest hours up to `last` without late lines, and return their true counts."""
        is_late = late_in(self.late_hours)
        return write_history(self.directory, self.begin, last, self.rules, is_late)

    def write_older(self) -> Iterator[Path]:
        """Write the missing files of older days, then the late lines, and yield each file."""
        yield from write_older_days(self.directory, self.first, self.begin.previous, self.rules)
        if late := write_late_lines(self.directory, self.late_hours, self.rules):
            yield late
