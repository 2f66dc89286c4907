"""The hosts of the settings' sources, their states, and pulls of one host or of all.

The command line and the hourly DAG call this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from clickstream.collect import (
    DirectorySource,
    Host,
    Login,
    LogSource,
    event_loop,
    find_instances,
    gone_host,
    hosts_of,
    instance_name,
)
from clickstream.errors import (
    AwsRefused,
    AwsUnavailable,
    ClickstreamError,
    HostKeyRefused,
    HostUnreachable,
    InputError,
    NoHost,
)
from clickstream.lake import Lake, aws_errors, bookmarks, collection
from clickstream.lake.collection import SourceState
from clickstream.pipeline.pull import pull
from clickstream.pipeline.pulled import Pulled
from clickstream.settings import Settings, Source
from clickstream.wording import shorten

UNKNOWN_INSTANCES = "instances"
"""`SOURCE.instances` is the name for all hosts of a source whose instances AWS does not return."""

CANCEL_SECONDS = 0.2

BOOKMARKS_COUNTED = 100_000

HOST_FAILURES = (HostUnreachable, HostKeyRefused, InputError)


@aws_errors.translate_errors()
def list_hosts(lake: Lake, with_retired: bool = False) -> list[Host]:
    """Return every host that should be pulled, by source in the order of the settings, then name.

    An instance that was pulled before and is not found any more is listed too, with that problem,
    until it is retired. If AWS does not return a source's instances, those that were pulled before
    are listed with the reason; the hosts of other sources are not affected.
    """
    states = collection.source_states(lake)
    retired = {state.source for state in states if state.retired_at and not with_retired}
    known = [state.source for state in states]
    hosts = [host for source in lake.settings.sources for host in _hosts_of(lake, source, known)]
    return [host for host in hosts if host.name not in retired]


def _hosts_of(lake: Lake, source: Source, known: Sequence[str]) -> list[Host]:
    if source.instances is None:
        return hosts_of(source)
    pulled = [name for name in known if name.startswith(instance_name(source, "i-"))]
    try:
        found = _instances(lake, source)
    except (AwsRefused, AwsUnavailable) as error:
        names = pulled or [instance_name(source, UNKNOWN_INSTANCES)]
        unknown = Host(
            "",
            source,
            problem=_describe_unknown_instances(source, error),
            needs_person=error.is_permanent,
        )
        return [replace(unknown, name=name) for name in names]
    hosts = {host.name: host for host in found}
    hosts |= {name: gone_host(source, name) for name in pulled if name not in hosts}
    return [hosts[name] for name in sorted(hosts)]


@aws_errors.translate_errors()
def _instances(lake: Lake, source: Source) -> list[Host]:
    return find_instances(lake.ec2, source)


def _describe_unknown_instances(source: Source, error: ClickstreamError) -> str:
    return (
        f"The instances of {source.name} are unknown: {error} Pulling them needs the permission "
        "ec2:DescribeInstances; docs/sources.md has the policy."
    )


@aws_errors.translate_errors()
def find_host(lake: Lake, name: str) -> Host:
    """Return the host of a name, also a retired one; only its own source is looked up.

    Raises InputError for any other name; the message lists the known hosts.
    """
    own = next((one for one in lake.settings.sources if one.name == name.partition(".")[0]), None)
    is_known = own and own.instances and collection.source_state(lake, name).etag
    found = _hosts_of(lake, own, [name] if is_known else []) if own else []
    host = next((host for host in found if host.name == name), None)
    if host is None:
        known = shorten([host.name for host in list_hosts(lake, with_retired=True)], shown=20)
        raise NoHost(f"There is no host {name} in the settings; there are: {known}.")
    return host


def login_of(settings: Settings, source: Source) -> Login:
    """Return the login from the settings. Raises InputError if an Airflow connection has it."""
    if source.connection:
        raise InputError(
            f"The login of {source.name} is in the Airflow connection {source.connection}, which "
            "only Airflow can read: let the DAG clickstream_hourly pull it, or set user and "
            "key_file in its place."
        )
    return Login(source.user, key_file=str(settings.resolve(source.key_file)))


@contextmanager
def open_source(lake: Lake, host: Host, login: Login | None = None) -> Iterator[LogSource]:
    """Open the files of a host for as long as the block runs.

    Raises InputError, HostUnreachable or HostKeyRefused if they can't be reached.
    """
    settings, source = lake.settings, host.source
    if host.problem:
        raise (NoHost if host.needs_person else HostUnreachable)(host.problem)
    if source.kind == "directory":
        yield DirectorySource(settings.resolve(source.path), source.pattern)
        return
    from clickstream.collect import sftp  # imports asyncssh, which a directory does not need

    known_hosts = settings.resolve(settings.collect.known_hosts)
    login = login or login_of(settings, source)
    with sftp.connect(host, login, known_hosts, settings.collect.connect_seconds) as files:
        yield files


def pull_host(
    lake: Lake,
    host: Host,
    login: Login | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull the new lines of a host into raw; `login` is required if its source has a connection.

    `progress` is called with a sentence every few seconds. A failure is stored in the state of the
    host, except a missing login: Airflow may be able to pull the host. Raises HostUnreachable or
    HostKeyRefused if the host can't be reached, and InputError if its files can't be listed.
    """
    if host.source.kind == "sftp" and not host.problem:
        login = login or login_of(lake.settings, host.source)
    try:
        with open_source(lake, host, login) as logs:
            return pull(lake, host.source, logs, host.name, progress)
    except HOST_FAILURES as error:
        if host.name != instance_name(host.source, UNKNOWN_INSTANCES):
            with suppress(AwsRefused, AwsUnavailable):  # the host's own error says more
                _record_failure(lake, host, str(error))
        raise


@aws_errors.translate_errors()
def _record_failure(lake: Lake, host: Host, sentence: str) -> None:
    collection.record_failure(lake, host.name, sentence)


def _outcome(future: Future[Pulled]) -> Pulled | ClickstreamError:
    try:
        return future.result()
    except ClickstreamError as error:
        return error


def pull_all(
    lake: Lake,
    hosts: Iterable[Host],
    at_once: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Host, Pulled | ClickstreamError]]:
    """Pull several hosts at a time; yield each with its result or its error when it is done.

    A host that fails does not stop the others. Memory grows with `at_once`, not with the hosts.
    """
    _ = lake.s3  # created here, because boto3 can't create clients in several threads
    with ThreadPoolExecutor(at_once, thread_name_prefix="pull") as pool:
        futures = {pool.submit(pull_host, lake, host, None, progress): host for host in hosts}
        try:
            for future in as_completed(futures):
                yield futures[future], _outcome(future)
        except BaseException:  # an interruption, or the caller stops early
            _cancel(futures)
            raise


def _cancel(futures: Iterable[Future[Pulled]]) -> None:
    """Cancel pulls: those that wait for a host at once, others at their next wait."""
    waiting = [future for future in futures if not future.cancel()]
    while wait(waiting, timeout=CANCEL_SECONDS).not_done:
        event_loop.cancel_all()


def retire(lake: Lake, name: str, undo: bool = False) -> SourceState:
    """Expect no more lines of a host, or expect them again; return the host's state.

    Raises InputError for a host that is not in the settings.
    """
    host = find_host(lake, name)
    state = collection.source_state(lake, host.name)
    retired_at = None if undo else state.retired_at or int(time.time())
    return collection.update_source_state(lake, state, partial(replace, retired_at=retired_at))


@dataclass(frozen=True)
class HostState:
    """A host, what its pulls observed, and its number of bookmarks; None if there are too many."""

    host: Host
    state: SourceState
    bookmarks: int | None


@aws_errors.translate_errors()
def list_states(lake: Lake, hosts: Sequence[Host]) -> list[HostState]:
    """Return the states of hosts, in the same order."""
    states = collection.states_of(lake, [host.name for host in hosts])
    pairs = zip(hosts, states, strict=True)
    return [HostState(host, state, _bookmarks(lake, host)) for host, state in pairs]


def _bookmarks(lake: Lake, host: Host) -> int | None:
    found = bookmarks.known_fingerprints(lake, host.name, BOOKMARKS_COUNTED)
    return None if found is None else len(found - {"finished"})
