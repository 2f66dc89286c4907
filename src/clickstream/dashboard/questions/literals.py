"""Ids of the facts as values of questions, and literals that show all characters."""

from __future__ import annotations

from clickstream.sql_values import SqlValue, sql_literal
from clickstream.wording import printable


class FactId(str):
    """An id of a session or a visitor in the facts: 16 hexadecimal digits."""

    __slots__ = ()


def visible_literal(value: SqlValue) -> str:
    """Format a value as SQL that has its hidden characters as numbers, and means the same."""
    return "".join(
        char if printable(char) == char else f"' || chr({ord(char)}) || '"
        for char in sql_literal(value)
    )
