"""The local Athena and a real Trino behind one interface, so that one test proves both."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from tests.support.trino_client import Trino, give_views_an_owner
from trino.types import NamedRowTuple

from clickstream.lake import Lake, athena
from clickstream.lake.athena import QueryResult
from trino_duckdb import types


class Engine(Protocol):
    """Answers statements about a lake with the values that `clickstream.lake.athena` returns."""

    def query(self, lake: Lake, sql: str) -> QueryResult:
        """Run a statement. Raises QueryFailed."""
        ...


class LocalAthena:
    """The Athena of the local AWS."""

    def query(self, lake: Lake, sql: str) -> QueryResult:
        """Run a statement. Raises QueryFailed."""
        return athena.query(lake, sql)


class TrinoOfLake:
    """A Trino server; the views of a lake get an owner at the first statement about it."""

    def __init__(self, trino: Trino) -> None:
        self.trino = trino
        self._prepared: set[str] = set()

    def query(self, lake: Lake, sql: str) -> QueryResult:
        """Run a statement. Raises QueryFailed."""
        if lake.database not in self._prepared:
            give_views_an_owner(lake)
            self._prepared.add(lake.database)
        answer = self.trino.ask(lake.database, sql)
        rows = [tuple(map(as_athena_value, row)) for row in answer.rows]
        return QueryResult(answer.columns, rows, answer.bytes)


def as_athena_value(value: Any) -> Any:
    """Return Trino's value as the project's client of Athena would: text where Python has none."""
    plain = (bool, int, float, Decimal, str, type(None))
    is_naive = isinstance(value, datetime) and value.tzinfo is None
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    return value if is_naive or is_date or isinstance(value, plain) else athena_text(value)


def athena_text(value: Any) -> str:
    """Return the text that Athena prints for a value of Trino's Python client."""
    for kind, render in RENDERERS.items():
        if isinstance(value, kind):
            return render(value)
    return str(value)


def _moment(value: datetime) -> str:
    naive = types.RENDERERS["timestamp"](value.replace(tzinfo=None))
    zone = getattr(value.tzinfo, "key", None) or re.sub(r"UTC(?=.)", "", str(value.tzinfo))
    return naive if value.tzinfo is None else f"{naive} {zone}"


def _row(value: tuple[Any, ...]) -> str:
    names = value.__annotations__["names"]
    cells = (
        f"{place if name is None else name}={_cell(one)}"
        for place, (name, one) in enumerate(zip(names, value, strict=True))
    )
    return "{" + ", ".join(cells) + "}"


def _map(value: dict[Any, Any]) -> str:
    return "{" + ", ".join(f"{_cell(key)}={_cell(one)}" for key, one in value.items()) + "}"


def _cell(value: Any) -> str:
    return "null" if value is None else athena_text(value)


RENDERERS: dict[type, Callable[[Any], str]] = {
    bool: types.RENDERERS["boolean"],
    float: types.double_text,
    Decimal: types.RENDERERS["decimal"],
    bytes: types.RENDERERS["blob"],
    datetime: _moment,
    NamedRowTuple: _row,
    list: lambda value: "[" + ", ".join(map(_cell, value)) + "]",
    dict: _map,
}
