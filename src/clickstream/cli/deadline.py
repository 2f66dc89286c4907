"""A deadline that holds whatever a library waits for: retries, hung sockets, several requests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import NoReturn, TypeVar

from clickstream.errors import AwsUnavailable

T = TypeVar("T")


def run_until(deadline_seconds: float, work: Callable[[], T]) -> T:
    """Return the result of `work`, or raise its error.

    Raises AwsUnavailable after the deadline. No thread can be ended from outside, so `work` then
    continues in its own thread; `exit_now` ends the process in spite of it.
    """
    outcome: Future[T] = Future()
    Thread(target=_run, args=(work, outcome), daemon=True).start()
    if wait([outcome], deadline_seconds).not_done:
        raise AwsUnavailable(
            f"S3 and Glue did not answer completely within {deadline_seconds:g} s, so the state of "
            "the lake is unknown. Check network and endpoint, then run the command again; if AWS "
            "answers slowly, with a longer --timeout."
        )
    return outcome.result()


def _run(work: Callable[[], T], outcome: Future[T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # raised again in the thread of the caller
        outcome.set_exception(error)


def exit_now(status: int) -> NoReturn:
    """End the process without waiting for its threads, which may wait in a socket for minutes.

    Python waits for the threads of its pools before it ends, even if they are daemons.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
