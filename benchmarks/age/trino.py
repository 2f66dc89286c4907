"""A small client of Trino's HTTP interface: run one statement, and report what it read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from clickstream.errors import InputError, QueryFailed
from clickstream.lake import Lake

CATALOG = "awsdatacatalog"
TIMEOUT_SECONDS = 120
_COPIED = (
    *("Name", "Description", "Retention", "StorageDescriptor", "PartitionKeys"),
    *("ViewOriginalText", "ViewExpandedText", "TableType", "Parameters"),
)


class Trino:
    """A Trino server whose Iceberg catalog is the lake's."""

    def __init__(self, url: str, database: str) -> None:
        """Connect to the server. Raises InputError where none answers on this machine."""
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            raise InputError(f"{url} is not on this machine; give --trino http://127.0.0.1:PORT.")
        headers = {
            "X-Trino-User": "benchmark",
            "X-Trino-Catalog": CATALOG,
            "X-Trino-Schema": database,
            "X-Trino-Time-Zone": "UTC",
        }
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS)
        try:
            is_ready = not self._http.get("/v1/info").raise_for_status().json()["starting"]
        except httpx.HTTPError as error:
            raise InputError(f"No Trino answers at {url} ({error}); start it first.") from None
        if not is_ready:
            raise InputError(f"Trino at {url} is still starting; wait until it is ready.")

    def bytes_read(self, sql: str) -> int:
        """Run a statement to its end; returns the bytes that it read from files.

        Raises QueryFailed with Trino's reason.
        """
        answer = self._answer(self._http.post("/v1/statement", content=sql.encode()))
        while following := answer.get("nextUri"):
            answer = self._answer(self._http.get(following))
        return int(answer["stats"]["physicalInputBytes"])

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        """Return a page of the answer. Raises QueryFailed."""
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        if error := answer.get("error"):
            raise QueryFailed(f"Trino: {error['errorName']}: {error['message']}")
        return answer


def give_views_an_owner(lake: Lake) -> None:
    """Set an owner of each view: Trino refuses a view without one, as it does Athena's own."""
    pages = lake.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database)
    for entry in (entry for page in pages for entry in page["TableList"]):
        if entry["TableType"] == "VIRTUAL_VIEW":
            copied = {name: entry[name] for name in _COPIED if name in entry}
            lake.glue.update_table(
                DatabaseName=lake.database, TableInput={**copied, "Owner": "benchmark"}
            )
