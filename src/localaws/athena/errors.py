"""Errors of queries, with the codes and texts of Athena.

A ``QueryError`` ends one query in state FAILED. Its code is the engine's name of the error, and its
message says what to do. Errors of API requests are ``localaws.errors.AwsError``.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from localaws.errors import AwsError

USER_ERROR = 2
SYSTEM_ERROR = 1
PLANNING_ERROR_TYPE = 1006
RUNTIME_ERROR_TYPE = 233

RUNTIME_CODES = frozenset(
    "DIVISION_BY_ZERO GENERIC_USER_ERROR INVALID_CAST_ARGUMENT INVALID_FUNCTION_ARGUMENT "
    "NUMERIC_VALUE_OUT_OF_RANGE SUBQUERY_MULTIPLE_ROWS".split()
)

ON_AWS = "it may work on AWS"
"""Addition to the messages of errors that only the local Athena raises."""


class QueryError(Exception):
    """A query failed.

    ``code`` is the engine's error name (``TABLE_NOT_FOUND``). ``node`` is the wrong part of the
    statement; ``located`` computes its position when the statement's text is known.
    """

    def __init__(self, code: str, message: str, node: exp.Expr | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.node = node

    def located(self, sql: str) -> QueryError:
        """Return the error with the position ``line L:C:`` of the wrong part, if it is known."""
        offset = first_offset(self.node) if self.node is not None else None
        if offset is None:
            return self
        line = sql.count("\n", 0, offset) + 1
        column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
        return QueryError(self.code, f"line {line}:{column}: {self.message}")

    def athena_error(self) -> dict[str, Any]:
        """Return the ``AthenaError`` member of a query's status."""
        internal = self.code.startswith("GENERIC_INTERNAL")
        return {
            "ErrorCategory": SYSTEM_ERROR if internal else USER_ERROR,
            "ErrorType": RUNTIME_ERROR_TYPE if self.code in RUNTIME_CODES else PLANNING_ERROR_TYPE,
            "Retryable": False,
            "ErrorMessage": str(self),
        }


def not_supported(what: str, node: exp.Expr | None = None) -> QueryError:
    """Build the error that refuses a feature by its name, which may work on AWS."""
    message = f"The local Athena does not support {what} ({ON_AWS})"
    return QueryError("NOT_SUPPORTED", message, node)


def invalid_request(message: str) -> AwsError:
    """Build the error of an invalid API request."""
    return AwsError("InvalidRequestException", message)


def type_mismatch(message: str, node: exp.Expr | None = None) -> QueryError:
    """Build the error for types that do not fit together."""
    return QueryError("TYPE_MISMATCH", message, node)


def first_offset(node: exp.Expr) -> int | None:
    """Return the offset at which a part of the statement starts, from the names in it, or None.

    The parser records offsets of names only.
    """
    offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(offsets, default=None)
