"""Pull one host or several at a time. The command line and the hourly DAG call this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress

from clickstream.collect import Host, HostLogin, event_loop, instance_name, kind_of
from clickstream.errors import (
    AwsRefused,
    AwsUnavailable,
    ClickstreamError,
    HostKeyRefused,
    HostUnreachable,
    InputError,
)
from clickstream.lake import Lake, aws_errors, collection
from clickstream.pipeline.hosts.listing import UNKNOWN_INSTANCES
from clickstream.pipeline.hosts.opening import login_of, open_source
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.pull.result import Pulled

CANCEL_SECONDS = 0.2

HOST_FAILURES = (HostUnreachable, HostKeyRefused, InputError)


def pull_host(
    lake: Lake,
    host: Host,
    login: HostLogin | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull the new lines of a host into raw; `login` is required if its source has a connection.

    `progress` is called with a sentence every few seconds. A failure is stored in the state of the
    host, except a missing login: Airflow may be able to pull the host. Raises HostUnreachable or
    HostKeyRefused if the host can't be reached, and InputError if its files can't be listed.
    """
    if kind_of(host.source).needs_login and not host.problem:
        login = login or login_of(lake.settings, host.source)
    try:
        with open_source(lake, host, login) as logs:
            return pull_source(lake, host.source, logs, host.name, progress)
    except HOST_FAILURES as error:
        if host.name != instance_name(host.source, UNKNOWN_INSTANCES):
            with suppress(AwsRefused, AwsUnavailable):  # the host's own error says more
                _record_failure(lake, host, error.printed)
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
