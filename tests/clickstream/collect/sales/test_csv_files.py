"""Files of sales: the latest file with rows of a date counts, and wrong files are named."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.collect.sales.csv_files import CsvReader
from clickstream.collect.sales.file_places import files_of_directory, files_of_prefix
from clickstream.collect.sales.reader import TableToRead
from clickstream.core.errors import UnusableSales
from clickstream.lake import Lake

TABLES = (
    TableToRead("orders", "orders*.csv", ["id", "at", "total"], "id", time="at", ignored=["Bill*"]),
    TableToRead("order_items", "lines*.csv", ["order", "amount"], "order"),
)

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that is one second younger than the one before."""

    def write(name: str, *lines: str) -> None:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
        seconds = 1_700_000_000 + len([*tmp_path.iterdir()])
        os.utime(path, (seconds, seconds))

    return write


def date_of(text: str, is_calendar_date: bool) -> date | str:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return "value that is no time"


def reader(directory: Path) -> CsvReader:
    return CsvReader(files_of_directory(directory, "till"), TABLES, date_of, "till")


def test_files_below_a_prefix_in_s3_are_read_as_those_of_a_directory(lake: Lake) -> None:
    body = b"id,at,total\n1,2026-11-01,5\n"
    lake.s3.put_object(Bucket=lake.bucket, Key="exports/orders-b.csv", Body=body)
    files = files_of_prefix(lake.s3, f"s3://{lake.bucket}/exports/")
    [row] = CsvReader(files, TABLES, date_of, "till").read_day(date(2026, 11, 1))["orders"]
    assert (row.values["total"], row.source_object) == ("5", "orders-b.csv")


def orders_of(read: CsvReader, day: int) -> list[str]:
    return [row.values["id"] for row in read.read_day(date(2026, 11, day))["orders"]]


def test_the_later_file_of_a_date_counts_and_the_loss_is_named(tmp_path, write) -> None:
    write("orders-1.csv", "id,at,total", "1,2026-11-01,5", "2,2026-11-02,5", "3,2026-11-02,5")
    write("orders-2.csv", "id;at;total;Bill name", "2;2026-11-02;6;Ana")
    write("lines.csv", "order,amount", "1,5", "2,6", "2,6", "9,1")
    read = reader(tmp_path)
    survey = read.survey()
    assert (orders_of(read, 1), orders_of(read, 2)) == (["1"], ["2"])
    assert {str(d): dict(one.rows) for d, one in survey.days.items()} == {
        "2026-11-01": {"orders": 1, "order_items": 1},
        "2026-11-02": {"orders": 1, "order_items": 2},
    }
    [left_out] = survey.left_out
    assert (left_out.table, left_out.rows, left_out.examples) == ("order_items", 1, ["9"])
    [note] = survey.notes
    assert "orders of orders-2.csv count" in note
    assert "2026-11-02 (1 fewer)" in note


def test_the_lines_of_an_order_that_a_later_file_has_on_another_date_stay_with_their_file(
    tmp_path: Path, write: Write
) -> None:
    """Each row of an export is a line, and has its order, as in Shopify's."""
    tables = (
        TableToRead("orders", "o*.csv", ["id", "at"], "id", "at", "id", only_with="at"),
        TableToRead("order_items", "o*.csv", ["id"], "id", ignored=["*"]),
    )
    write("o1.csv", "id,at", "1,2026-11-01", "1,", "2,2026-11-01")
    write("o2.csv", "id,at", "1,2026-11-02", "1,", "3,2026-11-02")
    read = CsvReader(files_of_directory(tmp_path, "till"), tables, date_of, "till")
    first, second = (read.read_day(date(2026, 11, day)) for day in (1, 2))
    assert [(row.values["id"], row.earlier) for row in first["orders"]] == [
        ("1", None),
        ("2", None),
    ]
    assert [(row.values["id"], row.earlier) for row in second["orders"]] == [
        ("1", (date(2026, 11, 1), "o1.csv")),
        ("3", None),
    ]
    assert [row.values["id"] for row in first["order_items"]] == ["1", "1", "2"]
    assert [row.values["id"] for row in second["order_items"]] == ["1", "1", "3"]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 99)), min_size=1), st.data())
def test_rows_in_other_files_are_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    """One file, or one for each of some groups of dates."""
    lines = [f"{number},2026-11-0{day},{total}" for number, (day, total) in enumerate(rows)]
    group = {day: data.draw(st.integers(0, 2)) for day in range(1, 6)}
    one, split = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("split")
    (one / "orders.csv").write_text("\n".join(["id,at,total", *lines]), encoding="utf-8")
    for number in range(3):
        some = [line for line, (day, _) in zip(lines, rows, strict=True) if group[day] == number]
        text = "\n".join(["id,at,total", *some])
        (split / f"orders-{number}.csv").write_text(text, encoding="utf-8")
    whole, parts = reader(one), reader(split)
    assert [*whole.survey().days] == [*parts.survey().days]
    for day in range(1, 6):
        assert orders_of(whole, day) == orders_of(parts, day)


def test_rows_without_a_usable_date_are_named_with_their_time(tmp_path, write) -> None:
    times = ("1999-12-31", "2000-01-01", "2026-11-21", "2026-11-22", "10/11/2026 10:00", "")
    write("orders.csv", "id,at,total", *(f"{n},{at},5" for n, at in enumerate(times)))
    write("lines.csv", "order,amount", "2,5", "4,5")
    survey = reader(tmp_path).survey(latest=date(2026, 11, 21))
    assert [str(day) for day in survey.days] == ["2000-01-01", "2026-11-21"]
    assert [vars(left) for left in survey.left_out] == [
        {"table": table, "column": column, "reason": reason, "rows": len(ids), "examples": ids}
        for table, column, reason, ids in (
            ("orders", "at", "time before 2000", ["0: 1999-12-31"]),
            ("orders", "at", "time in the future", ["3: 2026-11-22"]),
            ("orders", "at", "value that is no time", ["4: 10/11/2026 10:00", "5: no value"]),
            ("order_items", "", "their order is missing, or has no date", ["4"]),
        )
    ]


def test_a_digest_differs_after_any_change_of_a_date(tmp_path, write) -> None:
    write("orders.csv", "id,at,total", "1,2026-11-01,5", "2,2026-11-02,5", "3,2026-11-02,5")
    before = reader(tmp_path).survey().days
    write("orders.csv", "id,at,total", "1,2026-11-01,5", "2,2026-11-02,6", "3,2026-11-02,4")
    after = reader(tmp_path).survey().days
    assert [str(day) for day in before if before[day] != after[day]] == ["2026-11-02"]


@each_case(
    "name, lines, complaint",
    [
        ("orders.csv", ["id,at"], "no column total, which the column map names for orders"),
        ("orders.csv", ["id,at,total,colour"], "column colour, which the column map does not know"),
        ("orders.csv", ["id,at,total,total"], "column total twice"),
        ("orders.csv", ["id,at,total", "1,2026-11-01"], "Row 1 of .* has 2 values"),
    ],
)
def test_a_file_with_other_columns_is_refused_by_name(
    tmp_path: Path, name: str, lines: list[str], complaint: str
) -> None:
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UnusableSales, match=complaint):
        reader(tmp_path)


def test_a_file_that_is_no_text_and_a_missing_directory_are_named(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnusableSales, match="it is not UTF-8"):
        reader(tmp_path)
    with pytest.raises(UnusableSales, match="No such file"):
        reader(tmp_path / "absent")
