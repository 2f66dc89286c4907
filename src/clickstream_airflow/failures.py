"""How the tasks of the DAGs fail: in one sentence at the end of the log, and tried again or not.

DAG files use it at their top, so it imports nothing heavy there.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

if TYPE_CHECKING:
    from clickstream.errors import ClickstreamError

P = ParamSpec("P")
R = TypeVar("R")

REASONS_LOGGED = 20
"""How many reasons of a failure get a line of their own in the log."""

_log = logging.getLogger("clickstream")


def translate_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a task's function so that its errors are short.

    Errors of the library, of AWS and of the disk lose their traceback. Those that need a person
    (settings, input, permissions) fail the task at once, all others are tried again.
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
    from clickstream.errors import ClickstreamError
    from clickstream.lake import aws_errors

    if isinstance(error, ClickstreamError):
        return error
    return aws_errors.translate_error(error) if isinstance(error, Exception) else None


def _with_remedy(error: ClickstreamError) -> str:
    text = str(error)
    if "clear the task" in text or "report this" in text:
        return text
    if error.is_permanent:
        return f"{text} Correct this, then clear the task; nothing is lost."
    return f"{text} If no further attempt succeeds, clear the task; nothing is lost."


def give_up(reasons: Sequence[str], what_to_do: str) -> NoReturn:
    """Fail the task at once, because a retry would find the same reasons.

    The log names the reasons line by line, and the error the first of them and what to do.
    """
    for reason in reasons[:REASONS_LOGGED]:
        _log.error(reason)
    others = len(reasons) - 1
    more = f" And {others:,} more like it." if others else ""
    raise AirflowFailException(f"{reasons[0]}{more} {what_to_do}") from None


def log_cause(context: Mapping[str, Any]) -> None:
    """End the log of a failed attempt in one line with the cause and the remedy.

    Airflow calls it after it has logged the exception. It logs that exception's traceback after
    the message, and opens a group that the UI may fold, which is closed here.
    """
    error = context.get("exception")
    if error is None:  # the process was killed, and Airflow calls this elsewhere
        return
    _log.info("::endgroup::")
    _log.error(" ".join(describe_failure(error, context).split()))


def describe_failure(error: BaseException, context: Mapping[str, Any]) -> str:
    """Return cause and remedy of a task's failure in one or a few sentences."""
    if isinstance(error, AirflowFailException):
        return str(error)
    if ours := _translate(error):
        return _with_remedy(ours)
    if isinstance(error, AirflowTaskTimeout):
        return (
            f"The task took longer than its limit of {context['task'].execution_timeout} and was "
            "stopped. Nothing is lost: clear the task. If it happens again, look at the load of "
            "the machine and of AWS."
        )
    return (
        f"Unexpected {type(error).__name__}: {error}. The traceback above shows where it happened. "
        "Nothing is lost: clear the task; if it fails again, report it with this log."
    )
