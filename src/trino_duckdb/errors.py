"""Errors of queries, with the codes and texts of Athena.

The code of a ``QueryError`` is Trino's name of the error, and its message says what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a process that runs compiled statements needs no parser
    from sqlglot import exp

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


def not_supported(what: str, node: exp.Expr | None = None) -> QueryError:
    """Build the error that refuses a feature by its name, which may work on AWS."""
    message = f"The local Athena does not support {what} ({ON_AWS})"
    return QueryError("NOT_SUPPORTED", message, node)


def type_mismatch(message: str, node: exp.Expr | None = None) -> QueryError:
    """Build the error for types that do not fit together."""
    return QueryError("TYPE_MISMATCH", message, node)


def first_offset(node: exp.Expr) -> int | None:
    """Return the offset at which a part of the statement starts, from the names in it, or None.

    The parser records offsets of names only.
    """
    offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(offsets, default=None)
