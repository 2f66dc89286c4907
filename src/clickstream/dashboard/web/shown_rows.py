"""Which rows a panel's own page shows, as its URL describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from clickstream.core.errors import InputError

SEARCH, START = "search", "start"
"""The parameters of a panel's page beside those of its view."""
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class ShownRows:
    """The rows that a panel's page shows: those that contain `search`, from row `start` on."""

    search: str = ""
    start: int = 0

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> ShownRows:
        """Parse the parameters of a panel's page. Raises InputError."""
        search, start = parameters.get(SEARCH, "").strip(), parameters.get(START, "0")
        if len(search) > LONGEST_SEARCH:
            raise InputError(f"A search has {LONGEST_SEARCH} characters at most; shorten it.")
        if not (start.isascii() and start.isdigit() and len(start) <= 9):
            raise InputError(f"start={start[:40]} is not the number of a row; write one like 100.")
        return cls(search, int(start))

    def query_from(self, view_query: str, start: int) -> str:
        """Return the query of the same rows from another one on."""
        parameters = {SEARCH: self.search} if self.search else {}
        parameters |= {START: str(start)} if start else {}
        return (
            view_query + ("&" if view_query != "?" and parameters else "") + urlencode(parameters)
        )


FIRST_ROWS = ShownRows()
