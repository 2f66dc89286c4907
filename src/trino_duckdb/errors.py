"""Errors of queries, with Trino's names: those that this package finds, and those of DuckDB."""

from __future__ import annotations

import logging
import re

import duckdb
from sqlglot import exp

LOG = logging.getLogger(__name__)


class QueryError(Exception):
    """A query failed.

    ``code`` is Trino's name of the error (``TABLE_NOT_FOUND``). ``node`` is the wrong part of the
    statement; ``located`` computes its position when the statement's text is known.
    """

    def __init__(self, code: str, message: str, node: exp.Expr | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.node = node

    def located(self, sql: str) -> QueryError:
        """Return the error with the position ``line L:C:`` of the wrong part, if it is known."""
        parts = self.node.walk() if self.node is not None else ()
        offsets = [part.meta["start"] for part in parts if "start" in part.meta]
        if not offsets:
            return self
        offset = min(offsets)
        line = sql.count("\n", 0, offset) + 1
        column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
        return QueryError(self.code, f"line {line}:{column}: {self.message}")


def not_supported(construct: str, node: exp.Expr | None = None) -> QueryError:
    """Build the error that refuses a part of a statement by its name."""
    return QueryError(
        "NOT_SUPPORTED",
        f"The local Athena has no {construct.removeprefix('the ')}; AWS may have",
        node,
    )


def column_not_found(name: str, node: exp.Expr | None) -> QueryError:
    """Build the error for a column that no relation has."""
    if name.startswith("$"):
        return not_supported(f'hidden column "{name}"', node)
    return QueryError(
        "COLUMN_NOT_FOUND",
        f"Column '{name}' cannot be resolved or requester is not authorized to access requested "
        "resources",
        node,
    )


RAISED = re.compile(r"\b([A-Z]{3,}(?:_[A-Z]+)+): ([^\n]*)")
"""The text of an error that a macro raises: code and message."""

PATTERNS = (
    (
        r"STRUCT\(\"([\w ]+ decimals)\"",
        "NOT_SUPPORTED",
        "The local Athena has no {1}; AWS has. Cast them to double",
    ),
    (r"Macro trino_(?:bool|kind|number)\(\)", "TYPE_MISMATCH", "Types that Trino does not mix"),
    (
        r"Macro trino_(?:as_|try_as_)(\w+)\(\)",
        "NOT_SUPPORTED",
        "The local Athena has no cast of this type to {1}; AWS may have",
    ),
    (
        r"Macro trino_(\w+)\(\)",
        "NOT_SUPPORTED",
        "The local Athena has no {1} of these types; AWS may have",
    ),
    (
        r"Referenced column \"(.*?)\"|does not have a column named \"(.*?)\"|"
        r"Referenced table \"(.*?)\" not found|Column \"(.*?)\" referenced that exists",
        "COLUMN_NOT_FOUND",
        "",  # that of column_not_found
    ),
    (
        r"Ambiguous reference to column name \"(.*?)\"",
        "AMBIGUOUS_NAME",
        "Column '{1}' is ambiguous",
    ),
    (
        r"Cannot (mix|combine|compare)|different types",
        "TYPE_MISMATCH",
        "Types that Trino does not mix",
    ),
    (
        r"GROUP BY|aggregate",
        "EXPRESSION_NOT_AGGREGATE",
        "Every expression must be an aggregate expression or appear in GROUP BY clause",
    ),
    (
        r"More than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    (r"Overflow|out of range", "NUMERIC_VALUE_OUT_OF_RANGE", "A number is out of range"),
    (
        r"Could not (convert|cast)|Casting value|can't be cast",
        "INVALID_CAST_ARGUMENT",
        "A value cannot be cast",
    ),
    (r"Map keys", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
)
"""Patterns of DuckDB's texts, with Trino's name of the error and its message."""


def explain_failure(error: Exception, tree: exp.Expr | None = None) -> QueryError:
    """Return Trino's name and message for an error of DuckDB, with the column that it is about.

    The caller explains ``OutOfMemoryException`` itself, because it has set the limits.
    """
    first = str(error).split("\n\n")[0].strip()
    if raised := RAISED.search(first):
        return QueryError(raised[1], raised[2].strip())
    for pattern, code, message in PATTERNS:
        if match := re.search(pattern, first):
            name = next((part for part in match.groups() if part), "")
            columns = tree.find_all(exp.Column) if tree is not None and name else ()
            node = next(
                (column for column in columns if name in [part.name for part in column.parts]), None
            )
            if code == "COLUMN_NOT_FOUND":
                return column_not_found(name, node)
            return QueryError(code, message.format("", name), node)
    LOG.warning("%s: %s", type(error).__name__, first)
    reason = first.partition(": ")[2] or first
    code = "INVALID_CAST_ARGUMENT" if isinstance(error, duckdb.ConversionException) else ""
    return QueryError(code or "NOT_SUPPORTED", f"The local Athena cannot run this ({reason})")
