"""Functions shared by the operations on databases and tables: names, pages and errors."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

from localaws.errors import AwsError
from localaws.service import ACCOUNT_ID

Json = dict[str, Any]

MAX_RESULTS = 100


def member(body: Json, name: str) -> Any:
    """Return a required member. Raises AwsError (InvalidInputException) if it is empty."""
    value = body.get(name)
    if not value:
        raise AwsError("InvalidInputException", f"{name} must not be empty.")
    return value


def entity_name(body: Json, member_name: str) -> str:
    """Return a name as Glue stores it, in lower case."""
    return str(member(body, member_name)).lower()


def after(body: Json) -> str:
    """Decode the last entry of the page before from the token; empty for the first page."""
    try:
        return base64.b64decode(body.get("NextToken") or "", validate=True).decode()
    except ValueError as error:
        raise AwsError("InvalidInputException", "Invalid NextToken.") from error


def page(rows: list[sqlite3.Row], body: Json, key: str = "name") -> tuple[list[sqlite3.Row], Json]:
    """Return up to ``MaxResults`` rows, and ``{"NextToken": ...}`` if there are more."""
    limit = int(body.get("MaxResults") or MAX_RESULTS)
    first = rows[:limit]
    if len(first) == len(rows):
        return first, {}
    return first, {"NextToken": base64.b64encode(str(first[-1][key]).encode()).decode()}


def find_database(connection: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    """The database's row, or None."""
    row: sqlite3.Row | None = connection.execute(
        "select * from glue_database where name = ?", (name,)
    ).fetchone()
    return row


def require_database(connection: sqlite3.Connection, name: str) -> sqlite3.Row:
    """The database's row. Raises AwsError (EntityNotFoundException)."""
    row = find_database(connection, name)
    if row is None:
        raise not_found(f"Database {name} not found.")
    return row


def describe(row: sqlite3.Row) -> Json:
    """Return the fields that databases and tables share: their input, name, time and catalog."""
    return {
        **json.loads(row["input"]),
        "Name": row["name"],
        "CreateTime": row["created_at"],
        "CatalogId": ACCOUNT_ID,
    }


def not_found(message: str) -> AwsError:
    """Build the error for a missing database, table or version."""
    return AwsError("EntityNotFoundException", message)
