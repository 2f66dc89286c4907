"""Why a query failed while it ran, in Trino's words: its code and message for an error of DuckDB's.

The worker calls this. What DuckDB says itself goes to the log of the server.
"""

from __future__ import annotations

import logging
import re

import duckdb

from localaws.athena.limits import Limits
from localaws.athena.pyfunctions import FAILURE_MARK

LOG = logging.getLogger(__name__)
RANGE, CAST, ARGUMENT = (
    "NUMERIC_VALUE_OUT_OF_RANGE",
    "INVALID_CAST_ARGUMENT",
    "INVALID_FUNCTION_ARGUMENT",
)
TYPE_NAMES = {
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "bigint",
}
MESSAGES = (
    (
        r"Division by zero",
        "DIVISION_BY_ZERO",
        "Division by zero",
    ),
    (
        r"More than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    (
        r"Overflow in (\w+) of DECIMAL|Overflow .*DECIMAL",
        RANGE,
        "Decimal overflow",
    ),
    (
        r"Overflow in (\w+) of (\w+) \((.*)\)",
        RANGE,
        "{2} {1} overflow: {3}",
    ),
    (
        r"Overflow on abs\((-\d+)\)",
        RANGE,
        "Value {1} is out of range for abs",
    ),
    (
        r"Type (DOUBLE|FLOAT) with value (nan|-?inf) can't be cast .* type (\w+)",
        CAST,
        "Cannot cast {2} to {3}",
    ),
    (
        r"Type DOUBLE with value (\S+) can't be cast .* type INT64",
        CAST,
        "Unable to cast {1} to bigint",
    ),
    (
        r"Type INT128 with value (\S+) can't be cast",
        RANGE,
        "bigint addition overflow: {1}",
    ),
    (
        r"Type \w+ with value (\S+) can't be cast .* type (\w+)",
        RANGE,
        "Out of range for {2}: {1}",
    ),
    (
        r'Casting value "?([^" ]+)"? to type (DECIMAL\S+) failed',
        CAST,
        "Cannot cast {1} to {2}",
    ),
    (
        r"Could not cast value (\S+) to (DECIMAL\S+)",
        CAST,
        "Cannot cast {1} to {2}",
    ),
    (
        r"Could not convert string \W(.*)\W to (\w+)",
        CAST,
        "Cannot cast '{1}' to {2}",
    ),
    (
        r"(date|timestamp) field value out of range: \"(.*?)\"",
        CAST,
        "Value cannot be cast to {1}: {2}",
    ),
    (
        r"Date out of range: (\S+)",
        ARGUMENT,
        "Invalid date {1}",
    ),
    (
        r"Could not parse string \"(.*?)\" acc",
        ARGUMENT,
        'Invalid format: "{1}"',
    ),
    (
        r"Empty format string",
        ARGUMENT,
        "Both printing and parsing not supported",
    ),
    (
        r"n value must be > 0",
        ARGUMENT,
        "second argument of max_n/min_n must be positive",
    ),
    (
        r"Insufficient padding",
        ARGUMENT,
        "Padding string must not be empty",
    ),
    (
        r"Map keys can not be NULL",
        ARGUMENT,
        "map key cannot be null",
    ),
    (
        r"Map keys must be unique",
        ARGUMENT,
        "Duplicate map keys are not allowed",
    ),
    (
        r"Needed scale (\d+)",
        ARGUMENT,
        "DECIMAL scale must be in range [0, precision (38)]: {1}",
    ),
    (
        r"scale cannot be greater than width",
        ARGUMENT,
        "DECIMAL scale must be in range [0, precision]",
    ),
    (
        r"QUANTILE can only take",
        ARGUMENT,
        "Percentile must be between 0 and 1",
    ),
    (
        r"ORDER term out of range",
        "INVALID_COLUMN_REFERENCE",
        "ORDER BY position is not in select list",
    ),
    (
        r"must appear in the GROUP BY|must be part of an aggregate|used in an aggregate",
        "EXPRESSION_NOT_AGGREGATE",
        "Every expression must be an aggregate expression or appear in GROUP BY clause",
    ),
    (
        r"aggregate function calls cannot be nested",
        "NESTED_AGGREGATION",
        "Cannot nest aggregations inside an aggregation",
    ),
    (
        (
            r"HAVING clause cannot contain window|cannot contain window function calls|"
            r"window functions? .*(not allowed in window|cannot be nested)"
        ),
        "NESTED_WINDOW",
        ("Cannot nest window functions inside a window specification, an aggregation or HAVING"),
    ),
    (
        r"(\w+)(?: BY)? clause cannot contain (aggregates|window)",
        "EXPRESSION_NOT_SCALAR",
        "{1} clause cannot contain aggregations, window functions or grouping operations",
    ),
    (
        r"aggregate functions are not allowed in FILTER",
        "EXPRESSION_NOT_SCALAR",
        "FILTER cannot contain aggregations",
    ),
    (
        r"RANGE frames must have only one ORDER BY",
        "MISSING_ORDER_BY",
        "Window frame of type RANGE PRECEDING or FOLLOWING requires ORDER BY",
    ),
    (
        r"types '[-+]\((VARCHAR|TIMESTAMP|INTEGER|DATE)",
        "TYPE_MISMATCH",
        "Window frame RANGE value type is not compatible with the sort item type",
    ),
    (
        r"Frame start|frame .*cannot|Frame end",
        "INVALID_WINDOW_FRAME",
        "Window frame has its start after its end",
    ),
    (
        r"PRECEDING expression cannot be negative|FOLLOWING expression cannot be",
        "INVALID_WINDOW_FRAME",
        "Window frame offset value must not be negative or null",
    ),
    (
        r"GROUPING statement cannot be used without groups",
        "MISSING_GROUP_BY",
        "A GROUPING() operation can only be used with GROUP BY",
    ),
    (
        r"TRY expression|TRY can not",
        "NOT_SUPPORTED",
        (
            "The local Athena does not support TRY around an aggregate, a window function or "
            "a subquery; compute it in a subquery first"
        ),
    ),
)
"""A pattern of DuckDB's text, Trino's code, and its message with the groups of the pattern."""

CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.OutOfRangeException, RANGE),
    (duckdb.ConversionException, CAST),
    (duckdb.InvalidInputException, ARGUMENT),
)


def explain_failure(error: Exception, limits: Limits) -> dict[str, str]:
    """Trino's code and message for an error of DuckDB's."""
    text = str(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        return {"code": "EXCEEDED_LOCAL_MEMORY_LIMIT", "message": _memory_message(text, limits)}
    if match := re.search(rf"{FAILURE_MARK} (\w+): (.*)", text, re.DOTALL):
        return {"code": match[1], "message": match[2].strip()}
    first = text.split("\n\n")[0].strip()
    for pattern, code, message in MESSAGES:
        if match := re.search(pattern, first):
            parts = ["", *(TYPE_NAMES.get(part or "", part or "") for part in match.groups())]
            return {"code": code, "message": message.format(*parts)}
    LOG.warning("%s: %s", type(error).__name__, first)
    code = next((code for kind, code in CLASSES if isinstance(error, kind)), "NOT_SUPPORTED")
    reason = f" ({first.partition(': ')[2] or first})" if code != "NOT_SUPPORTED" else ""
    return {"code": code, "message": f"The local Athena cannot run this statement{reason}"}


def _memory_message(text: str, limits: Limits) -> str:
    is_disk_full = "max_temp_directory_size" in text
    needs = f"{limits.memory} of memory" + (
        f" and {limits.spill} of disk" if is_disk_full else ", in a step that cannot spill"
    )
    return (
        f"The query needs more than the local engine's {needs}. "
        "Filter by a date, select fewer columns, or aggregate less."
    )
