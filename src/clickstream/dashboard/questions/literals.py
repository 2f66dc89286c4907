"""Values of SQL statements, and how they are written as literals, for Athena and DuckDB."""

from __future__ import annotations

from datetime import date, datetime

from clickstream.wording import printable


class FactId(str):
    """An id of a session or a visitor in the facts: 16 hexadecimal digits."""

    __slots__ = ()


SqlValue = str | int | date | datetime


def sql_literal(value: SqlValue) -> str:
    """Format a value as SQL, for Athena and DuckDB."""
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def visible_literal(value: SqlValue) -> str:
    """Format a value as SQL that has its hidden characters as numbers, and means the same."""
    return "".join(
        char if printable(char) == char else f"' || chr({ord(char)}) || '"
        for char in sql_literal(value)
    )
