"""Schedules of faults: what happens to logs between and during pulls, and how pulls end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

from hypothesis import strategies as st
from tests.support.collected import Collected, Opened, WatchedSource
from tests.support.faults import Killed, dying
from tests.support.log_host import BANNER, LogHost

from clickstream.collect import Host
from clickstream.lake import Lake
from clickstream.pipeline.hosts.access import open_source
from clickstream.pipeline.pull.host import HOST_FAILURES, Pulled, pull_source

CLOCK_SET_BACK = "clock set back"

FAULTS = {
    "rename": ("rename",),
    "rename before the server reopens its log": ("rename_only", "reopen"),
    "copytruncate": ("copy", "truncate", "copytruncate"),
    "gzip during a pull": ("rename", "gzip_begin", "gzip_write", "gzip"),
    "dateext": ("dateext", "gzip"),
    "hourly": ("hourly", "gzip"),
    "several sites": ("write shop", "rename shop", "gzip shop"),
    "shrinking": ("shrink",),
    "replacement": ("replace", "overwrite"),
    "deleted files": ("rename", "remove"),
    "half lines": ("write_half",),
    "late lines": ("write_late",),
    "clock": ("step_forward", "day"),
    CLOCK_SET_BACK: ("set_back",),
}
"""Names of faults, and the actions of a LogHost that each is made of."""

PULL_AGAIN = "pull"
"""Something that happens during a pull: another pull."""

COME_BACK = "come back"
"""An action of a test that makes the host reachable again."""

LAST_PULLS = 4
"""Pulls after which nothing may be left: one whose first sight of a file was its last but one."""

ONLY_HALF = "No line of the log has a known format"
"""What is said of a file that has nothing but the second half of a line."""

LATER_SECONDS = 3_600
"""How much later the last pulls are: intents of killed pulls are given up after half an hour."""


@dataclass(frozen=True)
class Pull:
    """A pull, what happens during it after how many operations each, and how it ends.

    It is killed before or after a write to S3, or the files can't be read from some operation on.
    """

    during: tuple[tuple[int, str], ...] = ()
    dies: tuple[int, bool] | None = None
    breaks: int | None = None


Step = str | Pull


def actions_of(*faults: str) -> list[str]:
    """The actions of these faults."""
    return [action for name in faults for action in FAULTS[name]]


def pulls(actions: Sequence[str]) -> st.SearchStrategy[Pull]:
    """Pulls during which these actions happen."""
    during = st.tuples(st.integers(0, 6), st.sampled_from([*actions, "write", PULL_AGAIN]))
    kills = st.none() | st.tuples(st.integers(0, 8), st.booleans())
    breaks = st.none() | st.integers(0, 12)
    return st.builds(Pull, st.lists(during, max_size=5).map(tuple), kills, breaks)


def schedules(
    actions: Sequence[str], min_size: int = 0, max_size: int = 16
) -> st.SearchStrategy[list[Step]]:
    """Schedules of these actions, lines that are written, and pulls."""
    steps = st.sampled_from([*actions, "write"]) | st.just("write") | st.just(Pull())
    return st.lists(steps | pulls(actions), min_size=min_size, max_size=max_size)


HERE = [name for name in FAULTS if name != CLOCK_SET_BACK]
"""The faults of this machine: its clock is that of the pulls, so nobody sees it set back."""

ANY_SCHEDULES = st.lists(st.sampled_from(sorted(HERE)), min_size=1, unique=True).flatmap(
    lambda names: schedules(actions_of(*names))
)
"""Schedules of one fault of this machine alone, or of some or all of them combined."""

HOSTS = st.fixed_dictionaries(
    {
        "banner": st.sampled_from([b"", BANNER]),
        "appends": st.booleans(),
        "whole_seconds": st.booleans(),
    }
)
"""How a LogHost is made."""


AT_RANDOM = 0.2
"""Two examples of a long schedule: the first one of hypothesis is the simplest, with few faults."""


class Run:
    """Plays a schedule on a host, and checks after each pull that succeeded what is in raw.

    `acts` are actions of the test itself by name, such as one that breaks the connection.
    """

    def __init__(
        self, lake: Lake, logs: LogHost, host: Host, acts: Mapping[str, Callable[[], object]] = {}
    ) -> None:
        self.lake, self.logs, self.host, self.acts = lake, logs, host, acts
        self.collected = Collected(lake, logs, host.name)

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Pull):
                self.pull_source(step)
            else:
                self.act(step)
        self.finish()

    def act(self, name: str) -> None:
        if name == PULL_AGAIN:
            self._pull_watched(self.lake, Pull(), [])
        elif name in self.acts:
            self.acts[name]()
        else:
            self.logs.act(name)

    def pull_source(self, step: Pull) -> None:
        before = [] if step.during else self.collected.on_disk()
        lake = dying(self.lake, *step.dies) if step.dies else self.lake
        self._pull_watched(lake, step, before)

    def _pull_watched(self, lake: Lake, step: Pull, before: Sequence[Opened]) -> None:
        """Pull; nothing happened to the files that were there `before`, if any."""
        schedule = [(gap, partial(self.act, name)) for gap, name in step.during]
        watched = WatchedSource(self.logs.directory, schedule, step.breaks)
        try:
            pulled = self._pull(lake, watched)
            if not watched.is_broken:
                self.collected.add(pulled, [*watched.opened, *before])
        except (Killed, *HOST_FAILURES):
            pass
        for _, act in watched.schedule:
            act()
        self.collected.check()

    def _pull(self, lake: Lake, watched: WatchedSource) -> Pulled:
        with open_source(lake.settings, self.host) as source:
            watched.inner = source
            return pull_source(lake, self.host.source, watched, self.host.name)

    def finish(self) -> None:
        """Let the host become quiet: then everything that is on it is in raw, and nothing waits."""
        self.logs.settle()
        if COME_BACK in self.acts:
            self.acts[COME_BACK]()
        now = time.time
        with patch.object(time, "time", lambda: now() + LATER_SECONDS):
            for _ in range(LAST_PULLS):
                last = self._pull(self.lake, WatchedSource(self.logs.directory))
        refused = [text for text in last.refused if ONLY_HALF not in text]
        left = (last.lines, refused, last.waiting)
        assert left == (0, [], []), f"not quiet: {left}"
        self.collected.add(last, self.collected.on_disk())
        self.collected.check()
