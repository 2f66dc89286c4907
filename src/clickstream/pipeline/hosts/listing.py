"""List the hosts of the settings' sources. The command line and the hourly DAG call this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clickstream.collect import Host, find_instances, gone_host, hosts_of, instance_name
from clickstream.errors import AwsRefused, AwsUnavailable, ClickstreamError, NoHost
from clickstream.lake import Lake, aws_errors, collection
from clickstream.settings import Settings, SourceSettings
from clickstream.wording import shorten

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
    states = collection.pull_states(lake)
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
        instances = _instances(lake, source)
    except (AwsRefused, AwsUnavailable) as error:
        names = pulled or [instance_name(source, UNKNOWN_INSTANCES)]
        unknown = Host(
            "",
            source,
            problem=_describe_unknown_instances(source, error),
            needs_person=error.is_permanent,
        )
        return [replace(unknown, name=name) for name in names]
    hosts = {host.name: host for host in instances}
    hosts |= {name: gone_host(source, name) for name in pulled if name not in hosts}
    return [hosts[name] for name in sorted(hosts)]


@aws_errors.translate_errors()
def _instances(lake: Lake, source: SourceSettings) -> list[Host]:
    return find_instances(lake.ec2, source)


def _describe_unknown_instances(source: SourceSettings, error: ClickstreamError) -> str:
    return (
        f"The instances of {source.name} are unknown: {error} Pulling them needs the permission "
        "ec2:DescribeInstances; docs/sources.md has the policy."
    )


@aws_errors.translate_errors()
def find_host(lake: Lake, name: str) -> Host:
    """Return the host of a name, also a retired one; only its own source is looked up.

    Raises InputError for any other name; the message lists the known hosts.
    """
    own = next(
        (source for source in lake.settings.sources if source.name == name.partition(".")[0]), None
    )
    is_known = own and own.instances and collection.PULL_STATES.read(lake, name)
    hosts = _hosts_of(lake, own, [name] if is_known else []) if own else []
    host = next((host for host in hosts if host.name == name), None)
    if host is None:
        names = shorten([host.name for host in list_hosts(lake, with_retired=True)], shown=20)
        raise NoHost(f"There is no host {name} in the settings; there are: {names}.")
    return host
