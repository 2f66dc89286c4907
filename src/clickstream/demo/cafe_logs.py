"""The log files of the demo's café, and the state that is needed to continue them.

The first demo writes the newest hours before the stack starts. A process of the stack then writes
the weeks before (`live_cafe`), and a second server's file with lines that were left out. The demo
releases this file when their hours are built, so they are late lines. `var/cafe.json` records the
first day of the story, how many of its days have logs, and the first of the newest hours. A line
depends only on its hour and the first day of the story.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, by_day, hour_range
from clickstream.demo.cafe import CafeRules, Truth, story, write_history
from clickstream.demo.cafe.history import REACH_HOURS
from clickstream.demo.cafe.log_files import (
    HELD_BACK,
    SECOND_SERVER,
    hour_in_progress,
    late_in,
    path_of_date,
    write_late_lines,
    write_older_days,
)

LATE_FROM, LATE_TO = 10, 13
"""The UTC hours of yesterday with late lines."""


@dataclass(frozen=True)
class CafeLogs:
    """The café's logs in a directory.

    `story_begins` is the first day of the story, and the older logs have its last `days` days.
    `begin` is the first hour of the newest logs. `late_hours` are the hours with late lines.
    """

    directory: Path
    story_begins: date
    begin: Hour
    late_hours: tuple[Hour, ...]
    days: int = story.DAYS

    @classmethod
    def new(cls, directory: Path, begin: Hour, last: Hour, days: int = story.DAYS) -> CafeLogs:
        """Return the logs of a first demo, whose newest hours are `begin` to `last`."""
        yesterday = Hour.first_of(str(last.event_date - timedelta(days=1)))
        late = hour_range(yesterday.plus(LATE_FROM), yesterday.plus(LATE_TO))
        story_begins = last.event_date - timedelta(days=story.DAYS)
        return cls(directory, story_begins, begin, tuple(late), days)

    @classmethod
    def load(cls, directory: Path, state: Path) -> CafeLogs | None:
        """Return the logs of an earlier demo; None if there are none.

        Raises InputError for logs without a recorded story.
        """
        if not (directory / "access.log").exists():
            return None
        if not state.exists():
            raise InputError(
                f"{state} is missing, so the logs in {directory} can't be continued. Remove all "
                "state of the demo by `make clean-demo`."
            )
        stored = json.loads(state.read_text(encoding="utf-8"))
        return cls(
            directory,
            date.fromisoformat(stored["story_begins"]),
            Hour.parse(stored["begin"]),
            tuple(map(Hour.parse, stored["late_hours"])),
            stored["days"],
        )

    def save(self, state: Path) -> None:
        """Store the description of the logs; call it before their first line is written."""
        stored = {
            "story_begins": str(self.story_begins),
            "begin": str(self.begin),
            "late_hours": [str(hour) for hour in self.late_hours],
            "days": self.days,
        }
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(json.dumps(stored, indent=1), encoding="utf-8")

    @property
    def rules(self) -> CafeRules:
        """The rules of the café."""
        return CafeRules(story_begins=self.story_begins)

    @property
    def first(self) -> Hour:
        """The first hour of the logs."""
        return Hour.first_of(str(self.story_begins + timedelta(days=story.DAYS - self.days)))

    @property
    def first_of_shop(self) -> Hour:
        """The first hour of the shop: people who came before the logs begin order later."""
        return self.first.minus(REACH_HOURS)

    def complete_to(self) -> Hour:
        """Return the last hour before which, and in which, no line is missing except late lines.

        It is the hour before `first` while no file is complete.
        """
        for of_day in by_day(self.first, self.begin.previous):
            if not path_of_date(self.directory, of_day[0]).exists():
                return of_day[0].previous
        return hour_in_progress(self.directory, datetime.now(UTC)).previous

    def write_newest(self, last: Hour) -> Truth:
        """Write the newest hours up to `last` without late lines, and return their true counts."""
        is_late = late_in(self.late_hours)
        return write_history(self.directory, self.begin, last, self.rules, is_late)

    def write_older(self) -> Iterator[Path]:
        """Write the missing files of the days before the newest hours, and yield each file.

        Then write the late lines to a file that no source reads.
        """
        is_late = late_in(self.late_hours)
        last = self.begin.previous
        yield from write_older_days(self.directory, self.first, last, self.rules, is_late)
        write_late_lines(self.directory, self.late_hours, self.rules)

    @property
    def has_held_back_lines(self) -> bool:
        """Whether the late lines are written and not yet released."""
        return (self.directory / HELD_BACK).exists()

    @property
    def has_late_lines(self) -> bool:
        """Whether the late lines are released, or there are none."""
        return not self.late_hours or (self.directory / SECOND_SERVER).exists()

    def release_late_lines(self) -> None:
        """Rename the file with the late lines, so that the next pull reads it."""
        (self.directory / HELD_BACK).rename(self.directory / SECOND_SERVER)
