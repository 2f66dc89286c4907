"""State of collection: what the pulls of each host and shop observed.

`sources/HOST.json` holds one small object for each host; a directory source has one host, which has
the name of the source. A pull writes it last, by compare-and-swap. `clickstream status` reads it,
and so does each publication, to name the hosts that its hours lack.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from clickstream.core.errors import ClickstreamError
from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore


@dataclass(frozen=True)
class SetAsideFile:
    """A file that is not an access log. `identity` changes when the file is written to."""

    name: str
    identity: str


@dataclass(frozen=True)
class RefusedFile:
    """A file that can't be read, or only up to some line, and the reason."""

    name: str
    identity: str
    reason: str


@dataclass(frozen=True)
class WaitingFile:
    """A file with lines that the last pull could not store yet, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class PullState:
    """What the pulls of one host observed; the files are those of the last successful pull.

    Times are Unix seconds. `host` is the host's name. `pulled_at` is when the last successful
    pull began to list the files: lines logged until then are pulled. `lines`, `bytes` and `seconds`
    are its size and duration. `failed_at` and `failure` say when the newest pull failed and why;
    they are empty if it succeeded. `retired_at` is set for a host that is not expected any more.
    `newest_line_at` is the time of the newest line pulled so far, not counting lines later than the
    clock of the machine that pulled; None while no line with a time was pulled. `library_version`
    is the version that classified the files.
    """

    host: str
    pulled_at: int | None = None
    newest_line_at: int | None = None
    files: int = 0
    set_aside: tuple[SetAsideFile, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    waiting: tuple[WaitingFile, ...] = ()
    library_version: str = ""
    lines: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failed_at: int | None = None
    failure: str = ""
    retired_at: int | None = None


PULL_STATES = RecordStore("sources/", PullState)

SHOP_FAILURES = RecordStore("sales/", tuple[datetime, str])
"""Since when each source can't be read (aware), and the last error: `sales/SOURCE.json`."""


def pull_states(lake: Lake) -> list[PullState]:
    """Return the state of every host that was ever pulled, by name."""
    return states_of(lake, [*PULL_STATES.names(lake)])


def states_of(lake: Lake, hosts: Sequence[str]) -> list[PullState]:
    """Return the states of some hosts, in the same order; an empty one of a host never pulled."""
    states = PULL_STATES.read_all(lake, hosts)
    return [state or PullState(host) for host, state in zip(hosts, states, strict=True)]


def pull_state(lake: Lake, host: str) -> PullState:
    """Return the state of one host; an empty one if it was never pulled."""
    stored = PULL_STATES.read(lake, host)
    return stored.value if stored else PullState(host)


def update_pull_state(lake: Lake, host: str, change: Callable[[PullState], PullState]) -> PullState:
    """Store and return what `change` makes of a host's state, also of one stored meanwhile."""
    return PULL_STATES.update(lake, host, PullState(host), change)


def record_failure(lake: Lake, host: str, sentence: str) -> None:
    """Store why the pull of a host failed just now; what earlier pulls observed stays.

    `sentence` is the printed message of the error, with its code.
    """
    now = int(time.time())
    update_pull_state(lake, host, lambda state: replace(state, failed_at=now, failure=sentence))


def unreadable_since(lake: Lake, source: str) -> tuple[datetime, str] | None:
    """Return since when a source can't be read (aware), and the last error; None if it can."""
    stored = SHOP_FAILURES.read(lake, source)
    return stored.value if stored else None


def unreadable_shops(lake: Lake) -> dict[str, tuple[datetime, str]]:
    """Return the sources of sales of the settings that can't be read, as `unreadable_since`."""
    failing = {shop.name: unreadable_since(lake, shop.name) for shop in lake.settings.sales}
    return {name: failure for name, failure in failing.items() if failure}


@contextmanager
def noting_failure(lake: Lake, source: str, now: datetime) -> Iterator[None]:
    """Record that the block could not read a source; a block that could removes the record."""
    before = unreadable_since(lake, source)
    try:
        yield
    except ClickstreamError as error:
        since = before[0] if before else now
        if before != (since, error.printed):
            SHOP_FAILURES.put(lake, source, (since, error.printed))
        raise
    if before:
        SHOP_FAILURES.delete(lake, source)
