"""Pull one host or several at a time. The command line and the hourly DAG call this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from datetime import UTC, datetime

from clickstream.collect import Host, HostLogin, event_loop, instance_name, kind_of
from clickstream.core.errors import AwsRefused, AwsUnavailable, ClickstreamError, MissingDirectory
from clickstream.lake import Lake, aws_errors, collection
from clickstream.pipeline.hosts.listing import UNKNOWN_INSTANCES
from clickstream.pipeline.hosts.opening import login_of, open_source
from clickstream.pipeline.pull.host import HOST_FAILURES, Pulled, pull_source

CANCEL_SECONDS = 0.2


def pull_host(
    lake: Lake,
    host: Host,
    login: HostLogin | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull the new lines of a host into raw; `login` is required if its source has a connection.

    `progress` is called with a sentence every few seconds. A failure is stored in the state of the
    host, except a missing login: Airflow may be able to pull the host. Raises HostUnreachable or
    HostKeyRefused if the host can't be reached, InputError if its files can't be listed, and
    UnusableAnswer or PullLimitReached for what its server answers.
    """
    if kind_of(host.source).needs_login and not host.problem:
        login = login or login_of(lake.settings, host.source)
    try:
        with open_source(lake.settings, host, login) as logs:
            return pull_source(lake, host.source, logs, host.name, progress)
    except HOST_FAILURES as error:
        failure: ClickstreamError = error
        if host.name != instance_name(host.source, UNKNOWN_INSTANCES):
            with suppress(AwsRefused, AwsUnavailable):  # the host's own error says more
                failure = _record_failure(lake, host, error)
        raise failure from None


@aws_errors.translate_errors()
def _record_failure(lake: Lake, host: Host, error: ClickstreamError) -> ClickstreamError:
    """Store the error of a pull; return it, with the last pull if a directory is missing."""
    if isinstance(error, MissingDirectory):
        pulled_at = collection.pull_state(lake, host.name).pulled_at
        if pulled_at is not None:
            at = f"{datetime.fromtimestamp(pulled_at, UTC):%Y-%m-%d %H:%M} UTC"
            error = MissingDirectory.of(error.what, f"; it was read at {at}")
    collection.record_failure(lake, host.name, error.printed)
    return error


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

    A host that fails does not stop the others. Hosts whose last pull failed are pulled last, since
    a slow one may take until its limit. Memory grows with `at_once`, not with the hosts.
    """
    hosts = _failed_last(lake, [*hosts])
    with ThreadPoolExecutor(at_once, thread_name_prefix="pull") as pool:
        futures = {pool.submit(pull_host, lake, host, None, progress): host for host in hosts}
        try:
            for future in as_completed(futures):
                yield futures[future], _outcome(future)
        except BaseException:  # an interruption, or the caller stops early
            _cancel(futures)
            raise


@aws_errors.translate_errors()
def _failed_last(lake: Lake, hosts: Sequence[Host]) -> list[Host]:
    states = collection.states_of(lake, [host.name for host in hosts])
    failed = {state.host for state in states if state.failure}
    return sorted(hosts, key=lambda host: host.name in failed)


def _cancel(futures: Iterable[Future[Pulled]]) -> None:
    """Cancel pulls: those that wait for a host at once, others at their next wait."""
    waiting = [future for future in futures if not future.cancel()]
    while wait(waiting, timeout=CANCEL_SECONDS).not_done:
        event_loop.cancel_all()
