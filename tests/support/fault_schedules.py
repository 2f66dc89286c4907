"""Schedules of faults: what happens to logs between and during pulls, and how pulls end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import strategies as st
from tests.support.collected import Collected, WatchedSource
from tests.support.faults import Killed, dying
from tests.support.log_host import LogHost

from clickstream import pipeline
from clickstream.collect import LogSource
from clickstream.errors import InputError
from clickstream.lake import Lake
from clickstream.settings import Source

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
    "clock": ("second", "minute", "day", "set_back"),
}
"""Names of faults, and the actions of a LogHost that each is made of."""

PULL_AGAIN = "pull"
"""Something that happens during a pull: another pull."""

LAST_PULLS = 4
"""Pulls after which nothing may be left: one whose first sight of a file was its last but one."""


@dataclass(frozen=True)
class Pull:
    """A pull, what happens during it after how many operations each, and how it ends.

    It is killed before or after a write to S3, or the files can't be read from some operation on.
    """

    during: tuple[tuple[int, str], ...] = ()
    dies: tuple[int, bool] | None = None
    breaks: int | None = None


Step = str | Pull


def pulls(actions: Sequence[str]) -> st.SearchStrategy[Pull]:
    """Pulls during which these actions happen."""
    during = st.tuples(st.integers(0, 6), st.sampled_from([*actions, "write", PULL_AGAIN]))
    kills = st.none() | st.tuples(st.integers(0, 8), st.booleans())
    breaks = st.none() | st.integers(0, 12)
    return st.builds(Pull, st.lists(during, max_size=5).map(tuple), kills, breaks)


def schedules(*faults: str, min_size: int = 0, max_size: int = 16) -> st.SearchStrategy[list[Step]]:
    """Schedules in which all of these faults may happen."""
    actions = [action for name in faults for action in FAULTS[name]]
    steps = st.sampled_from([*actions, "write"]) | st.just("write") | st.just(Pull())
    return st.lists(steps | pulls(actions), min_size=min_size, max_size=max_size)


def any_schedules(min_size: int = 0, max_size: int = 16) -> st.SearchStrategy[list[Step]]:
    """Schedules of one fault alone, or of some or all of them combined."""
    chosen = st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, unique=True)
    return chosen.flatmap(lambda names: schedules(*names, min_size=min_size, max_size=max_size))


class Run:
    """Plays a schedule on a host, and checks after each pull that succeeded what is in raw."""

    def __init__(
        self, lake: Lake, host: LogHost, source: Source, open_logs: Callable[[], LogSource]
    ) -> None:
        self.lake, self.host, self.source, self.open_logs = lake, host, source, open_logs
        self.collected = Collected(lake, host, source.name)

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Pull):
                self.pull(step)
            else:
                self.host.act(step)
        self.finish()

    def pull(self, pull: Pull) -> None:
        logs = WatchedSource(self.open_logs(), self.host.directory, breaks=pull.breaks)
        logs.schedule = [(gap, self._acting(name)) for gap, name in pull.during]
        before = self.collected.on_disk() if pull == Pull() else []
        lake = dying(self.lake, *pull.dies) if pull.dies else self.lake
        with suppress(Killed, InputError):
            pulled = pipeline.pull(lake, self.source, logs)
            if not logs.is_broken:
                self.collected.add(pulled, [*logs.opened, *before])
        for _, act in logs.schedule:
            act()
        self.collected.check()

    def finish(self) -> None:
        """Let the host become quiet: then everything that is on it is in raw, and nothing waits."""
        self.host.settle()
        for _ in range(LAST_PULLS):
            last = pipeline.pull(self.lake, self.source, self.open_logs())
        assert (last.lines, last.refused, last.waiting) == (0, [], []), "not quiet"
        self.collected.add(last, self.collected.on_disk())
        self.collected.check()

    def _acting(self, name: str) -> Callable[[], None]:
        if name == PULL_AGAIN:
            return lambda: self.pull(Pull((), None, breaks=10**9))
        return lambda: self.host.act(name)
