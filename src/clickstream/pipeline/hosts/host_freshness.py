"""Freshness of the sources: the newest line and the last pulls of each host, and what is wrong.

`proof.freshness` asks this. It reads small objects only, one for each host.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clickstream.collect import hosts_of, instance_name
from clickstream.core.errors import NoHost, RefusedFiles, StateCode, with_code
from clickstream.core.wording import describe_duration, quantity
from clickstream.lake import Lake, pull_states
from clickstream.lake.pull_states import (
    PULL_STATES,
    PullState,
    RefusedFile,
    SetAsideFile,
    WaitingFile,
)

SOURCE_LAG = timedelta(hours=24)
"""Age of a host's newest line from which on it is late: a quiet site may log none for a night."""

NO_SOURCE = with_code(
    "No source of logs is set, or none of its hosts was ever pulled.", NoHost.code
)


@dataclass(frozen=True)
class HostFreshness:
    """A host: its newest pulled line, how long ago that was, and the files left out.

    `pulled_at` is when the last successful pull began. `failed_at` and `failure` belong to the
    newest pull, if it failed. `problem` is a sentence with a code, and empty while the host is
    fresh; `is_known` is false if none of its pulls has ended, in success or failure.
    """

    name: str
    newest_line_at: datetime | None
    lag: timedelta | None
    pulled_at: datetime | None
    failed_at: datetime | None
    failure: str
    files: int
    set_aside: tuple[SetAsideFile, ...]
    refused: tuple[RefusedFile, ...]
    waiting: tuple[WaitingFile, ...]
    is_known: bool
    problem: str


def expected_states(lake: Lake) -> list[PullState]:
    """Return the state of every host that should be pulled, by source in order of the settings.

    Retired hosts are not expected.
    """
    states = pull_states.states_of(lake, _expected_names(lake))
    return [state for state in states if state.retired_at is None]


def vanished_states(lake: Lake) -> list[PullState]:
    """Return the state of every host that was pulled and is in no source; retired ones are not."""
    names = sorted({*PULL_STATES.names(lake)} - {*_expected_names(lake)})
    states = pull_states.states_of(lake, names)
    return [state for state in states if state.retired_at is None and state.pulled_at]


def _expected_names(lake: Lake) -> list[str]:
    """Return the hosts that the settings name, and the instances of EC2 that have a state.

    Without a source, these are all hosts that were ever pulled.
    """
    if not lake.settings.sources:
        return [*PULL_STATES.names(lake)]
    names: list[str] = []
    for source in lake.settings.sources:
        if source.instances is None:
            names += [host.name for host in hosts_of(source)]
        else:
            names += PULL_STATES.names(lake, instance_name(source, "i-"))
    return names


def describe_vanished(state: PullState) -> HostFreshness:
    """Describe a host that no source has any more: whether it has new lines is not known."""
    problem = (
        f"Host {state.host} was pulled before and is in no source of the settings. Add its source "
        f"again or, if it will not come back, run clickstream sources retire {state.host}."
    )
    return HostFreshness(
        name=state.host,
        newest_line_at=_moment(state.newest_line_at),
        lag=None,
        pulled_at=None,
        failed_at=None,
        failure="",
        files=state.files,
        set_aside=(),
        refused=(),
        waiting=(),
        is_known=False,
        problem=with_code(problem, NoHost.code),
    )


def measure_host(
    state: PullState, now: datetime, lag: timedelta, source_lag: timedelta
) -> HostFreshness:
    """Decide how fresh a host is at `now`.

    `lag` is how old its last pull may be, and `source_lag` its newest line.
    """
    newest, pulled = _moment(state.newest_line_at), _moment(state.pulled_at)
    old = max(now - newest, timedelta()) if newest else None
    if state.failure:  # the stored sentence of the error, which ends with its code
        since = f"since {pulled:%Y-%m-%d %H:%M} UTC" if pulled else "and never was"
        problem = f"Host {state.host} can't be pulled {since}: {state.failure}"
    elif pulled:
        problem = _problem(state, now - pulled, lag, old, source_lag)
    else:
        never = f"Host {state.host} was never pulled by this version."
        problem = with_code(never, StateCode.NO_RECENT_LINES)
    return HostFreshness(
        name=state.host,
        newest_line_at=newest,
        lag=old,
        pulled_at=pulled,
        failed_at=_moment(state.failed_at),
        failure=state.failure,
        files=state.files,
        set_aside=state.set_aside,
        refused=state.refused,
        waiting=state.waiting,
        is_known=pulled is not None or bool(state.failure),
        problem=problem,
    )


def _problem(
    state: PullState,
    since_pull: timedelta,
    lag: timedelta,
    newest_is_old: timedelta | None,
    source_lag: timedelta,
) -> str:
    """Return the worst problem of a host that was pulled; empty if there is none."""
    name = f"Host {state.host}"
    if state.refused:
        first = state.refused[0]
        files = quantity(len(state.refused), "file")
        return with_code(
            f"{name}: {files} refused, {first.name}: {first.reason}", RefusedFiles.code
        )
    if since_pull > lag:
        late = f"{name} was last pulled {describe_duration(since_pull)} ago."
    elif newest_is_old is None:
        late = f"{name}: no line with a time was pulled from it yet."
    elif newest_is_old > source_lag:
        late = f"{name}: its newest line is {describe_duration(newest_is_old)} old."
    else:
        return ""
    return with_code(late, StateCode.NO_RECENT_LINES)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
