"""States of hosts, as their pulls left them, and hosts of which no more lines are expected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.collect import Host
from clickstream.lake import Lake, aws_errors, bookmarks, collection
from clickstream.lake.collection import PullState
from clickstream.pipeline.hosts.listing import find_host

BOOKMARKS_COUNTED = 100_000


def retire(lake: Lake, name: str, undo: bool = False) -> PullState:
    """Expect no more lines of a host, or expect them again; return the host's state.

    Raises InputError for a host that is neither in the settings nor was pulled before.
    """
    if name not in collection.PULL_STATES.names(lake, name):
        name = find_host(lake, name).name

    def set_retired(state: PullState) -> PullState:
        return replace(state, retired_at=None if undo else state.retired_at or int(time.time()))

    return collection.update_pull_state(lake, name, set_retired)


@dataclass(frozen=True)
class HostState:
    """A host, what its pulls observed, and its number of bookmarks; None if there are too many."""

    host: Host
    state: PullState
    bookmarks: int | None


@aws_errors.translate_errors()
def list_states(lake: Lake, hosts: Sequence[Host]) -> list[HostState]:
    """Return the states of hosts, in the same order."""
    states = collection.states_of(lake, [host.name for host in hosts])
    pairs = zip(hosts, states, strict=True)
    return [HostState(host, state, _bookmarks(lake, host)) for host, state in pairs]


def _bookmarks(lake: Lake, host: Host) -> int | None:
    fingerprints = bookmarks.known_fingerprints(lake, host.name, BOOKMARKS_COUNTED)
    return None if fingerprints is None else len(fingerprints - {"finished"})
