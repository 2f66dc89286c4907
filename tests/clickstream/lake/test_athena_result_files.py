"""The rows of a result file, value by value as GetQueryResults has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import QueryFailed
from clickstream.lake import Lake, athena
from clickstream.lake.athena import parse_result, query_rows

ODD = [
    *(None, "", " ", '"', '""', '","', ",", "\n", "\r\n", 'a"\n"b', "\\N", "\\", "null", "NULL"),
    *(
        "NaN",
        "0",
        "true",
        "2026-11-20",
        "'; drop table hits; --",
        "café ☕ 咖啡 🍰",
        "\u202eevil",
        "\t",
    ),
]
"""Texts that CSV or its readers may take for something else."""


def literal(text: str | None) -> str:
    return "cast(null as varchar)" if text is None else "'" + text.replace("'", "''") + "'"


def as_rows(texts: list[str | None]) -> str:
    values = ", ".join(f"({number}, {literal(text)})" for number, text in enumerate(texts))
    return f"select number, text from (values {values}) as t (number, text) order by number"


def test_null_and_empty_and_hostile_texts_survive(lake: Lake) -> None:
    found = query_rows(lake, as_rows(ODD)).table
    assert found["text"].to_pylist() == ODD
    assert found.to_pylist() == athena.query(lake, as_rows(ODD)).records()


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1))))
def test_any_texts_survive(lake: Lake, texts: list[str | None]) -> None:
    assert query_rows(lake, as_rows([*texts, "x"])).table["text"].to_pylist() == [*texts, "x"]


def test_each_type_is_read_and_null_in_it(lake: Lake) -> None:
    columns = (
        "true as a, cast(null as boolean) as b, 7 as c, cast(null as integer) as d,"
        " cast(-9000000000 as bigint) as e, 1.5e300 as f, cast(null as double) as g,"
        " date '2026-11-20' as h, timestamp '2026-11-20 05:06:07.891234' as i,"
        " timestamp '2026-11-20 05:06:07' as j, cast(null as timestamp) as k"
    )
    found = query_rows(lake, f"select {columns}").table
    (expected,) = athena.query(lake, f"select {columns}").rows
    assert tuple(found.to_pylist()[0].values()) == expected
    assert [str(kind) for kind in found.schema.types] == [
        *("bool", "bool", "int32", "int32", "int64", "double", "double", "date32[day]"),
        *("timestamp[us]",) * 3,
    ]


def test_no_rows_keep_the_columns_and_their_types(lake: Lake) -> None:
    found = query_rows(lake, "select 1 as n, 'a' as t where false").table
    assert found.num_rows == 0
    assert [str(kind) for kind in found.schema.types] == ["int32", "string"]


def test_many_rows_come_whole_and_the_bytes_are_counted(lake: Lake) -> None:
    """Several megabytes: more than a block of Arrow's reader, and more than a page."""
    many = (
        "select n, 'line one\nline ' || cast(n as varchar) || rpad('', 40, '\"') as text"
        " from (select a.n * 1000 + b.n as n from unnest(sequence(0, 49)) as a (n)"
        " cross join unnest(sequence(0, 999)) as b (n)) as numbers"
    )
    found = query_rows(lake, many)
    rows = {row["n"]: row["text"] for row in found.table.to_pylist()}
    assert rows == {n: f"line one\nline {n}" + '"' * 40 for n in range(50_000)}
    assert found.scanned_bytes == 0


def test_a_column_of_another_type_is_named() -> None:
    with pytest.raises(QueryFailed, match=r"Column goals has the type map.*cast it"):
        parse_result(b'"goals"\n', [{"Name": "goals", "Type": "map"}])


def test_a_failed_query_gives_athenas_reason(lake: Lake) -> None:
    with pytest.raises(QueryFailed, match="TABLE_NOT_FOUND"):
        query_rows(lake, "select * from nowhere")
