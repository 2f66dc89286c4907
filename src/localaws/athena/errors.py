"""How a query fails, in Athena's words.

A ``QueryError`` ends one query in state FAILED; its code is the engine's name of the error and its
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


class QueryError(Exception):
    """A query cannot be answered.

    ``code`` is the engine's error name (``TABLE_NOT_FOUND``); ``node`` the part of the statement
    that is wrong, from which the position is taken once the statement's text is known.
    """

    def __init__(self, code: str, message: str, node: exp.Expr | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.node = node

    def located(self, sql: str) -> QueryError:
        """The same error with ``line L:C:`` of the offending part of ``sql``, if it is known."""
        offset = first_offset(self.node) if self.node is not None else None
        if offset is None:
            return self
        line = sql.count("\n", 0, offset) + 1
        column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
        return QueryError(self.code, f"line {line}:{column}: {self.message}")

    def athena_error(self) -> dict[str, Any]:
        """The ``AthenaError`` member of a query's status."""
        internal = self.code.startswith("GENERIC_INTERNAL")
        return {
            "ErrorCategory": SYSTEM_ERROR if internal else USER_ERROR,
            "ErrorType": RUNTIME_ERROR_TYPE if self.code in RUNTIME_CODES else PLANNING_ERROR_TYPE,
            "Retryable": False,
            "ErrorMessage": str(self),
        }


def not_supported(what: str, node: exp.Expr | None = None) -> QueryError:
    """The error that refuses a feature by its name."""
    return QueryError("NOT_SUPPORTED", f"The local Athena does not support {what}", node)


def invalid_request(message: str) -> AwsError:
    """The error of an API request that cannot be answered."""
    return AwsError("InvalidRequestException", message)


def type_mismatch(message: str, node: exp.Expr | None = None) -> QueryError:
    """The error for types that do not fit together."""
    return QueryError("TYPE_MISMATCH", message, node)


def first_offset(node: exp.Expr) -> int | None:
    """Where in the text a part of the statement starts (the parser notes it on names only)."""
    offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(offsets, default=None)
