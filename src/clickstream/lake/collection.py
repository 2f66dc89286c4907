"""State of collection: what the pulls of each host observed.

`sources/HOST.json` holds one small object for each host; a directory source has one host, which has
the name of the source. A pull writes it last, by compare-and-swap. `clickstream status` reads it,
and so does each publication, to name the hosts that its hours lack.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial

from clickstream.errors import AwsUnavailable
from clickstream.lake import objects
from clickstream.lake.client import Lake

PREFIX = "sources/"
SWAP_ATTEMPTS = 20

_STORED_NAME = "source"
"""The key of the host's name in a stored state, as the first lakes have it."""
READERS = 16
"""Number of states that are read at the same time: each is one small object."""


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
    etag: str | None = None

    @property
    def key(self) -> str:
        """The key of its object."""
        return f"{PREFIX}{self.host}.json"


def pull_states(lake: Lake) -> list[PullState]:
    """Return the state of every host that was ever pulled, by name."""
    return states_of(lake, host_names(lake))


def states_of(lake: Lake, hosts: Sequence[str]) -> list[PullState]:
    """Return the states of some hosts, in the same order; they are read in parallel."""
    if not hosts:
        return []
    _ = lake.s3  # created here, because boto3 can't create clients in several threads
    with ThreadPoolExecutor(min(READERS, len(hosts)), thread_name_prefix="states") as pool:
        return [*pool.map(lambda name: pull_state(lake, name), hosts)]


def host_names(lake: Lake, prefix: str = "") -> list[str]:
    """Return the names of hosts that have a state and begin with `prefix`; only keys are listed."""
    keys = [key for key, _ in objects.listing(lake, f"{PREFIX}{prefix}")]
    return [key.removeprefix(PREFIX).removesuffix(".json") for key in keys]


def pull_state(lake: Lake, host: str) -> PullState:
    """Return the state of one host; an empty one if it was never pulled."""
    empty = PullState(host)
    stored = objects.get(lake, empty.key)
    if stored is None:
        return empty
    fields = json.loads(stored.body)
    fields["host"] = fields.pop(_STORED_NAME)
    return replace(
        PullState(**fields),
        set_aside=tuple(SetAsideFile(**one) for one in fields["set_aside"]),
        refused=tuple(RefusedFile(**one) for one in fields["refused"]),
        waiting=tuple(WaitingFile(**one) for one in fields["waiting"]),
        etag=stored.etag,
    )


def record_failure(lake: Lake, host: str, sentence: str) -> None:
    """Store why the pull of a host failed just now; what earlier pulls observed stays.

    `sentence` is the printed message of the error, with its code.
    """
    now = int(time.time())
    update_pull_state(
        lake, pull_state(lake, host), partial(replace, failed_at=now, failure=sentence)
    )


def update_pull_state(
    lake: Lake, state: PullState, change: Callable[[PullState], PullState]
) -> PullState:
    """Store `change(state)`; if another pull stored a state meanwhile, change that one instead."""
    for _ in range(SWAP_ATTEMPTS):
        changed = change(state)
        fields = asdict(changed)
        del fields["etag"]
        fields[_STORED_NAME] = fields.pop("host")
        body = json.dumps(fields).encode()
        if etag := objects.swap(lake, changed.key, body, state.etag):
            return replace(changed, etag=etag)
        state = pull_state(lake, state.host)
    raise AwsUnavailable(
        f"{lake.uri(state.key)} was changed by other pulls {SWAP_ATTEMPTS} times in a row. Nothing "
        "is lost: clear the task or run the command again."
    )
