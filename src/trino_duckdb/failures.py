"""Translates DuckDB's errors of a running query to Trino's codes and messages.

DuckDB's own message of an unknown error goes to the log.
"""

from __future__ import annotations

import csv
import logging
import re
from pathlib import Path

import duckdb

from trino_duckdb.errors import QueryError
from trino_duckdb.pyfunctions import FAILURE_MARK

LOG = logging.getLogger(__name__)
TYPE_NAMES = {
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "bigint",
}
with Path(__file__).with_name("failures.csv").open(encoding="utf-8", newline="") as table:
    MESSAGES = [(row["pattern"], row["code"], row["message"]) for row in csv.DictReader(table)]
"""Rows of a pattern of DuckDB's text, Trino's code, and Trino's message.

Placeholders in the message are groups of the pattern.
"""

CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
)


def explain_failure(error: Exception) -> QueryError:
    """Return Trino's code and message for an error of DuckDB.

    The caller explains ``OutOfMemoryException`` itself, because it has set the limits.
    """
    text = str(error)
    if match := re.search(rf"{FAILURE_MARK} (\w+): (.*)", text, re.DOTALL):
        return QueryError(match[1], match[2].strip())
    first = text.split("\n\n")[0].strip()
    for pattern, code, message in MESSAGES:
        if match := re.search(pattern, first):
            parts = ["", *(TYPE_NAMES.get(part or "", part or "") for part in match.groups())]
            return QueryError(code, message.format(*parts))
    LOG.warning("%s: %s", type(error).__name__, first)
    code = next((code for kind, code in CLASSES if isinstance(error, kind)), "NOT_SUPPORTED")
    reason = f" ({first.partition(': ')[2] or first})" if code != "NOT_SUPPORTED" else ""
    return QueryError(code, f"The local Athena cannot run this statement{reason}")
