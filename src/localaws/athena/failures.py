"""Translates DuckDB's errors of a running query to Trino's codes and messages.

The worker calls this. DuckDB's own message of an unknown error goes to the server's log.
"""

from __future__ import annotations

import csv
import logging
import re
from pathlib import Path

import duckdb

from localaws.athena.limits import Limits
from localaws.athena.pyfunctions import FAILURE_MARK

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


def explain_failure(error: Exception, limits: Limits) -> dict[str, str]:
    """Return Trino's code and message for an error of DuckDB."""
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
