"""Statements on a Trino server, with what they read; used by the tests and by `benchmarks.age`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import trino
from trino.exceptions import TrinoQueryError

from clickstream.core.errors import InputError, QueryFailed
from clickstream.lake import Lake

CATALOG = "awsdatacatalog"
"""The name that Athena gives its catalog, and that its views are stored with."""

USER = "tests"
TIMEOUT_SECONDS = 600
_COPIED = (
    *("Name", "Description", "Retention", "StorageDescriptor", "PartitionKeys"),
    *("ViewOriginalText", "ViewExpandedText", "TableType", "Parameters"),
)


@dataclass(frozen=True)
class Answer:
    """Names and types of the columns, rows of Python values, and the bytes read from files."""

    columns: list[str]
    types: list[str]
    rows: list[Sequence[Any]]
    bytes: int


class Trino:
    """A Trino server whose Iceberg catalog is that of a local AWS."""

    def __init__(self, url: str) -> None:
        """Connect to the server. Raises InputError where none answers on this machine."""
        address = urlsplit(url)
        if address.hostname not in ("127.0.0.1", "localhost"):
            raise InputError(f"{url} is not on this machine; give --trino http://127.0.0.1:PORT.")
        try:
            is_ready = not httpx.get(f"{url}/v1/info").raise_for_status().json()["starting"]
        except httpx.HTTPError as error:
            raise InputError(f"No Trino answers at {url} ({error}); start it first.") from None
        if not is_ready:
            raise InputError(f"Trino at {url} is still starting; wait until it is ready.")
        self._address = (address.hostname, address.port)

    def ask(self, database: str, sql: str) -> Answer:
        """Run a statement to its end. Raises QueryFailed with Trino's reason."""
        host, port = self._address
        connection = trino.dbapi.connect(
            host=host,
            port=port,
            user=USER,
            catalog=CATALOG,
            schema=database,
            timezone="UTC",
            request_timeout=TIMEOUT_SECONDS,
        )
        cursor = connection.cursor()
        try:
            cursor.execute(sql)
            rows = cursor.fetchall()
        except TrinoQueryError as error:
            raise QueryFailed(f"Trino: {error.error_name}: {error.message}") from None
        described = cursor.description or []
        names, types = [str(one[0]) for one in described], [str(one[1]) for one in described]
        return Answer(names, types, rows, int(cursor.stats["physicalInputBytes"]))


def give_views_an_owner(lake: Lake) -> None:
    """Set an owner of each view: Trino refuses a view without one, as it does Athena's own."""
    pages = lake.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database)
    for entry in (entry for page in pages for entry in page["TableList"]):
        if entry["TableType"] == "VIRTUAL_VIEW":
            copied = {name: entry[name] for name in _COPIED if name in entry}
            lake.glue.update_table(DatabaseName=lake.database, TableInput={**copied, "Owner": USER})
