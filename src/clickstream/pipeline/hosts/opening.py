"""Open the log files of a host: those in a directory here, or those of an SFTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clickstream.collect import Host, HostLogin, LogSource, kind_of
from clickstream.core.errors import HostUnreachable, InputError, NoHost
from clickstream.settings import Settings, SourceSettings


def login_of(settings: Settings, source: SourceSettings) -> HostLogin:
    """Return the login from the settings. Raises InputError if an Airflow connection has it."""
    if source.connection:
        raise InputError(
            f"The login of {source.name} is in the Airflow connection {source.connection}, which "
            "only Airflow can read: let the DAG clickstream_hourly pull it, or set user and "
            "key_file in its place."
        )
    return HostLogin(source.user, key_file=str(settings.resolve(source.key_file)))


@contextmanager
def open_source(
    settings: Settings, host: Host, login: HostLogin | None = None
) -> Iterator[LogSource]:
    """Open the files of a host for as long as the block runs.

    Raises InputError, HostUnreachable or HostKeyRefused if they can't be reached.
    """
    if host.problem:
        raise (NoHost if host.needs_person else HostUnreachable)(host.problem)
    kind = kind_of(host.source)
    if kind.needs_login and login is None:
        login = login_of(settings, host.source)
    with kind.open(settings, host, login) as files:
        yield files
