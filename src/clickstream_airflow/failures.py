"""Errors of the tasks of the DAGs: the last line of the log has cause, remedy and code.

Every DAG file imports this module at its top, so it imports no heavy package there.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

if TYPE_CHECKING:
    from clickstream.core.errors import ClickstreamError

P = ParamSpec("P")
R = TypeVar("R")

REASONS_LOGGED = 20
"""Maximum number of reasons of one failure in the log, each on a line of its own."""

UNEXPECTED = "CS-901"
"""The code of unexpected errors, which are not errors of this library."""

TIME_LIMIT = "CS-902"
"""The code of tasks that Airflow stops after their execution timeout."""

UNKNOWN_CAUSE = "CS-903"
"""The code of runs with red tasks of which no task could report its error."""

HAS_CODE = re.compile(r"\(CS-\d{3}\)$")

RETRIES_FAILED = "If no further attempt succeeds,"

_log = logging.getLogger("clickstream")


def translate_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap the function of a task so that its errors are short.

    Errors of the library, of AWS and of the disk lose their traceback. A permanent error, which
    needs a person (settings, input, permissions), fails the task at once. Airflow retries the task
    after any other error.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            ours = _translate(error)
            if ours is None:
                raise
            if ours.is_permanent:
                raise AirflowFailException(_with_remedy(ours)) from None
            raise ours.with_traceback(None) from None

    return wrapper


def _translate(error: BaseException) -> ClickstreamError | None:
    """Return the library's error for `error`; None if it is of another kind."""
    from clickstream.core.errors import ClickstreamError
    from clickstream.lake import aws_errors

    if isinstance(error, ClickstreamError):
        return error
    return aws_errors.translate_error(error) if isinstance(error, Exception) else None


def _with_remedy(error: ClickstreamError) -> str:
    """Return the error's message with a remedy, if it names none, and with its code."""
    from clickstream.core.errors import with_code

    text = str(error)
    if "clear the task" not in text and "report this" not in text:
        condition = "Correct this, then" if error.is_permanent else RETRIES_FAILED
        text = f"{text} {condition} clear the task; nothing is lost."
    return with_code(text, error.code)


def give_up(reasons: Sequence[str], what_to_do: str, code: str) -> NoReturn:
    """Fail the task at once, because a retry would find the same reasons.

    The log names the reasons line by line. The error names the first of them, what to do, and the
    code.
    """
    from clickstream.core.errors import with_code

    for reason in reasons[:REASONS_LOGGED]:
        _log.error(reason)
    further = len(reasons) - 1
    ending = f" And {further:,} more like it." if further else ""
    raise AirflowFailException(with_code(f"{reasons[0]}{ending} {what_to_do}", code)) from None


def log_cause(context: Mapping[str, Any]) -> None:
    """End the log of a failed attempt with one line: cause, remedy and code.

    Airflow calls this function after it has logged the exception. It logs the traceback after the
    message, and opens a group that the UI may fold. The function closes this group.
    """
    error = context.get("exception")
    if error is None:  # the process was killed, and another process calls this function
        return
    _log.info("::endgroup::")
    _log.error(" ".join(describe_failure(error, context).split()))


def describe_failure(error: BaseException, context: Mapping[str, Any]) -> str:
    """Return cause, remedy and code of a task's failure in one or a few sentences."""
    from clickstream.core.errors import with_code

    if isinstance(error, AirflowFailException):
        text = str(error)
        return text if HAS_CODE.search(text) else with_code(text, UNEXPECTED)
    if ours := _translate(error):
        return _with_remedy(ours)
    if isinstance(error, AirflowTaskTimeout):
        limit = context["task"].execution_timeout
        text = (
            f"The task took longer than its limit of {limit} and was stopped. Nothing is lost: "
            "clear the task. If it happens again, look at the load of the machine and of AWS."
        )
        return with_code(text, TIME_LIMIT)
    text = (
        f"Unexpected {type(error).__name__}: {error}. The traceback above shows where it happened. "
        "Nothing is lost: clear the task; if it fails again, report it with this log."
    )
    return with_code(text, UNEXPECTED)
