"""Errors as Athena's API reports them: of a request, and of a query that failed."""

from __future__ import annotations

from typing import Any

from localaws.errors import AwsError
from trino_duckdb import QueryError

USER_ERROR = 2
SYSTEM_ERROR = 1
PLANNING_ERROR_TYPE = 1006
RUNTIME_ERROR_TYPE = 233

RUNTIME_CODES = frozenset(
    "DIVISION_BY_ZERO GENERIC_USER_ERROR INVALID_CAST_ARGUMENT INVALID_FUNCTION_ARGUMENT "
    "NUMERIC_VALUE_OUT_OF_RANGE SUBQUERY_MULTIPLE_ROWS".split()
)


def invalid_request(message: str) -> AwsError:
    """Build the error of an invalid API request."""
    return AwsError("InvalidRequestException", message)


def athena_error(error: QueryError) -> dict[str, Any]:
    """Return the ``AthenaError`` member of the status of a query that failed."""
    internal = error.code.startswith("GENERIC_INTERNAL")
    return {
        "ErrorCategory": SYSTEM_ERROR if internal else USER_ERROR,
        "ErrorType": RUNTIME_ERROR_TYPE if error.code in RUNTIME_CODES else PLANNING_ERROR_TYPE,
        "Retryable": False,
        "ErrorMessage": str(error),
    }
