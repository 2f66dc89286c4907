"""The hosts of the settings' sources, and the pull of one of them.

The command line and the hourly DAG go from a source to its hosts here.
"""

from __future__ import annotations

from collections.abc import Callable

from clickstream.collect import DirectorySource, Host, Login, hosts_of
from clickstream.errors import InputError
from clickstream.lake import Lake
from clickstream.pipeline.pull import pull
from clickstream.pipeline.pulled import Pulled
from clickstream.wording import shorten


def list_hosts(lake: Lake) -> list[Host]:
    """Every host that should be pulled, by source in the order of the settings, then by name."""
    return [host for source in lake.settings.sources for host in hosts_of(source)]


def find_host(lake: Lake, name: str) -> Host:
    """Return the host of a name. Raises InputError, naming those there are, for any other."""
    hosts = list_hosts(lake)
    found = next((host for host in hosts if host.name == name), None)
    if found is None:
        known = shorten([host.name for host in hosts], shown=20)
        raise InputError(f"There is no host {name} in the settings; there are: {known}.")
    return found


def pull_host(
    lake: Lake,
    host: Host,
    login: Login | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull what is new on a host into raw; `login` is needed where its source has a connection.

    `progress` gets a sentence now and then during a long pull.
    Raises InputError when the host can't be reached, or its files can't be listed.
    """
    return pull(lake, host.source, open_source(lake, host), host.name, progress)


def open_source(lake: Lake, host: Host) -> DirectorySource:
    """The files of a host."""
    return DirectorySource(lake.settings.resolve(host.source.path), host.source.pattern)
