"""Values of SQL statements, and how they are written as literals, for Athena and DuckDB."""

from __future__ import annotations

from datetime import date, datetime

SqlValue = str | int | date | datetime


def sql_literal(value: SqlValue) -> str:
    """Format a value as SQL, for Athena and DuckDB."""
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
