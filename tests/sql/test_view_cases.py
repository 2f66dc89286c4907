"""Small cases for each view: given these rows of what it reads, expect those rows of it.

The rows stand in for tables and views as named steps around the view's own SQL, so the engine runs
the SQL as it is. Columns of a table that a case leaves out are null, and a table that it leaves out
is empty. Each case runs on the local Athena and, in `make test-trino`, on a real Trino.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.engines import Engine

from clickstream.lake import Lake
from clickstream.lake.views import views_of
from clickstream.settings.sales import SalesSettings
from clickstream.tables import TABLES
from clickstream.tables.sales import SALES_TABLES

HERE = Path(__file__).parent
DIRECTORY = HERE.parents[1] / "include" / "sql"
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['case']}")
    for path in sorted((HERE / "cases").glob("*.yml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]
TRINO = {
    "string": "varchar",
    "int": "integer",
    "long": "bigint",
    "timestamp": "timestamp(6)",
    "map<string, long>": "map(varchar, bigint)",
    "list<long>": "array(bigint)",
}
TYPES = {
    table.name: {column.name: TRINO.get(column.type, column.type) for column in table.columns}
    for table in (*TABLES, *SALES_TABLES)
}
TYPE_OF_VALUE = {
    bool: "boolean",
    int: "bigint",
    float: "double",
    str: "varchar",
    datetime: "timestamp(6)",
    date: "date",
}

SHOP = SalesSettings(name="shop", kind="csv", columns="generic", currency="EUR", path="sales")
Row = Mapping[str, Any]


def literal(value: Any, kind: str) -> str:
    return f"cast({expression(value)} as {kind})"


def expression(value: Any) -> str:
    if isinstance(value, dict):
        return f"map({expression([*value])}, {expression([*value.values()])})"
    if isinstance(value, list):
        return f"array[{', '.join(map(expression, value))}]"
    if type(value) is int:
        return str(value)
    return "null" if value is None else f"'{value}'"


def types_of(name: str, rows: list[Row]) -> Mapping[str, str]:
    """The columns of a table, or those that a case gives a view, and their types."""
    if name in TYPES:
        return TYPES[name]
    values = {column: value for row in rows for column, value in row.items() if value is not None}
    return {column: TYPE_OF_VALUE[type(values.get(column, ""))] for row in rows for column in row}


def as_select(name: str, rows: list[Row]) -> str:
    if not rows:
        return f"{as_select(name, [{}])} where false"
    types = types_of(name, rows)
    assert {column for row in rows for column in row} <= set(types), "a case names no such column"
    selects = (
        ", ".join(f"{literal(row.get(column), kind)} as {column}" for column, kind in types.items())
        for row in rows
    )
    return " union all ".join(f"select {select}" for select in selects)


def around(lake: Lake, view: str, given: Mapping[str, list[Row]], columns: list[str]) -> str:
    settings = lake.settings.model_copy(update={"sales": (SHOP,)})  # with the views of sales
    (definition,) = (each for each in views_of(settings, DIRECTORY) if each.name == view)
    left_out = {name: list[Row]() for name in definition.reads if name in TYPES}
    tables = {**left_out, **given}
    steps = ", ".join(f"{name} as ({as_select(name, rows)})" for name, rows in tables.items())
    return f"with {steps} select {', '.join(columns)} from (\n{definition.sql}) as result"


@pytest.mark.parametrize(("view", "case"), CASES)
def test_a_view_gives_the_expected_rows_on_each_engine(
    engine: Engine, lake: Lake, view: str, case: Mapping[str, Any]
) -> None:
    columns = list(case["expect"][0])
    rows = engine.query(lake, around(lake, view, case["given"], columns)).rows
    assert Counter(rows) == Counter(tuple(row[c] for c in columns) for row in case["expect"])


def test_every_view_has_a_case() -> None:
    assert {path.stem for path in (HERE / "cases").iterdir()} == {
        path.stem for path in DIRECTORY.glob("*.sql")
    }
