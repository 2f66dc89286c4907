"""List the hosts of the settings' sources, and the states that their pulls left.

The command line and the hourly DAG call this.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.collect import Host, find_instances, gone_host, hosts_of, instance_name
from clickstream.core.errors import AwsRefused, AwsUnavailable, NoHost
from clickstream.core.wording import shorten
from clickstream.lake import Lake, aws_errors, bookmarks, pull_states
from clickstream.lake.pull_states import PullState
from clickstream.settings import Settings, SourceSettings

UNKNOWN_INSTANCES = "instances"
"""`SOURCE.instances` is the name for all hosts of a source whose instances AWS does not return."""


def hosts_of_settings(settings: Settings) -> list[Host]:
    """Return the hosts that the settings name, without the lake: also retired ones, no instances.

    They are in the order of `list_hosts`.
    """
    return [host for source in settings.sources for host in hosts_of(source)]


@aws_errors.translate_errors()
def list_hosts(lake: Lake, with_retired: bool = False) -> list[Host]:
    """Return every host that should be pulled, by source in the order of the settings, then name.

    An instance that was pulled before and is not found any more is listed too, with that problem,
    until it is retired. If AWS does not return a source's instances, those that were pulled before
    are listed with the reason; the hosts of other sources are not affected.
    """
    states = pull_states.pull_states(lake)
    retired = {state.host for state in states if state.retired_at and not with_retired}
    host_names = [state.host for state in states]
    hosts = [
        host for source in lake.settings.sources for host in _hosts_of(lake, source, host_names)
    ]
    return [host for host in hosts if host.name not in retired]


def _hosts_of(lake: Lake, source: SourceSettings, host_names: Sequence[str]) -> list[Host]:
    if source.instances is None:
        return hosts_of(source)
    pulled = [name for name in host_names if name.startswith(instance_name(source, "i-"))]
    try:
        with aws_errors.translate_errors():
            instances = find_instances(lake.ec2, source)
    except (AwsRefused, AwsUnavailable) as error:
        names = pulled or [instance_name(source, UNKNOWN_INSTANCES)]
        problem = (
            f"The instances of {source.name} are unknown: {error} Pulling them needs the "
            "permission ec2:DescribeInstances; docs/sources.md has the policy."
        )
        unknown = Host("", source, problem=problem, needs_person=error.is_permanent)
        return [replace(unknown, name=name) for name in names]
    hosts = {host.name: host for host in instances}
    hosts |= {name: gone_host(source, name) for name in pulled if name not in hosts}
    return [hosts[name] for name in sorted(hosts)]


@aws_errors.translate_errors()
def find_host(lake: Lake, name: str) -> Host:
    """Return the host of a name, also a retired one; only its own source is looked up.

    Raises InputError for any other name; the message lists the known hosts.
    """
    own = next(
        (source for source in lake.settings.sources if source.name == name.partition(".")[0]), None
    )
    is_known = own and own.instances and pull_states.PULL_STATES.read(lake, name)
    hosts = _hosts_of(lake, own, [name] if is_known else []) if own else []
    host = next((host for host in hosts if host.name == name), None)
    if host is None:
        names = shorten([host.name for host in list_hosts(lake, with_retired=True)], shown=20)
        raise NoHost(f"There is no host {name} in the settings; there are: {names}.")
    return host


@aws_errors.translate_errors()
def known_state(lake: Lake, name: str) -> PullState:
    """Return the state of a host that is in the settings, or that a pull has asked before.

    Raises InputError for any other name; the message lists the hosts of the settings.
    """
    stored = pull_states.PULL_STATES.read(lake, name)
    return stored.value if stored else PullState(find_host(lake, name).name)


BOOKMARKS_COUNTED = 100_000


def retire(lake: Lake, name: str, undo: bool = False) -> PullState:
    """Expect no more lines of a host, or expect them again; return the host's state."""

    def set_retired(state: PullState) -> PullState:
        return replace(state, retired_at=None if undo else state.retired_at or int(time.time()))

    return pull_states.update_pull_state(lake, name, set_retired)


@dataclass(frozen=True)
class HostState:
    """A host, what its pulls observed, and its number of bookmarks; None if there are too many."""

    host: Host
    state: PullState
    bookmarks: int | None


@aws_errors.translate_errors()
def list_states(lake: Lake, hosts: Sequence[Host]) -> list[HostState]:
    """Return the states of hosts, in the same order."""
    states = pull_states.states_of(lake, [host.name for host in hosts])
    host_states = []
    for host, state in zip(hosts, states, strict=True):
        fingerprints = bookmarks.known_fingerprints(lake, host.name, BOOKMARKS_COUNTED)
        number = None if fingerprints is None else len(fingerprints - {"finished"})
        host_states.append(HostState(host, state, number))
    return host_states
