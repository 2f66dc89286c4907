from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from clickstream.core.errors import InputError, QueryFailed
from clickstream.lake import Lake, athena, views
from clickstream.lake.views import read_views

ROOT = Path(__file__).parents[3]


def test_values_come_back_as_python_values(lake: Lake) -> None:
    result = athena.query(
        lake,
        "select 7 as n, 1.5e0 as x, 1.20 as d, true as t, 'a,\"b\"' as s, "
        "date '2026-11-20' as day, timestamp '2026-11-20 05:00:00' as at, "
        "cast(null as bigint) as z",
    )
    assert result.records() == [
        {
            "n": 7,
            "x": 1.5,
            "d": Decimal("1.20"),
            "t": True,
            "s": 'a,"b"',
            "day": date(2026, 11, 20),
            "at": datetime(2026, 11, 20, 5),
            "z": None,
        }
    ]


def test_every_page_of_a_long_answer_is_read(lake: Lake) -> None:
    result = athena.query(lake, "select n from unnest(sequence(1, 2500)) as t (n)")
    assert [row[0] for row in result.rows] == list(range(1, 2501))


def test_parameters_fill_the_question_marks(lake: Lake) -> None:
    assert athena.query(lake, "select ? || ?", ["'caf'", "'é'"]).rows == [("café",)]


def test_a_failed_query_gives_athenas_reason(lake: Lake) -> None:
    with pytest.raises(QueryFailed, match="TABLE_NOT_FOUND"):
        athena.query(lake, "select * from nowhere")


def test_views_are_made_once_and_again_when_they_change(lake: Lake, tmp_path: Path) -> None:
    def write(name: str, sql: str, reads: str) -> None:
        (tmp_path / f"{name}.sql").write_text(sql)
        (tmp_path / f"{name}.yml").write_text(f"reads: [{reads}]\n")

    write("a_upper", "select n + 1 as n\nfrom b_lower\n", "b_lower")
    write("b_lower", "select 1 as n\n", "")
    assert [view.name for view in read_views(tmp_path, {})] == ["b_lower", "a_upper"]
    assert views.refresh(lake, tmp_path).created == ["b_lower", "a_upper"]
    assert views.refresh(lake, tmp_path).unchanged == ["b_lower", "a_upper"]
    write("b_lower", "select 10 as n\n", "")
    assert views.refresh(lake, tmp_path).created == ["b_lower"]
    assert athena.query(lake, "select n from a_upper").rows == [(11,)]


def test_views_have_the_days_of_a_visitor_key_and_are_outdated_when_these_change(
    lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "key.sql").write_text("select '{key_days}' as days\n")
    (tmp_path / "key.yml").write_text("reads: []\n")
    assert views.refresh(lake, tmp_path).created == ["key"]
    assert views.outdated(lake, tmp_path) == []
    assert "'30'" in views.views_of(lake.settings, tmp_path)[0].sql
    privacy = lake.settings.privacy.model_copy(update={"key_days": 7})
    other = replace(lake, settings=lake.settings.model_copy(update={"privacy": privacy}))
    assert [view.name for view in views.outdated(other, tmp_path)] == ["key"]


def test_a_view_without_a_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "lonely.sql").write_text("select 1 as n")
    with pytest.raises(InputError, match=r"lonely\.sql has no lonely\.yml"):
        read_views(tmp_path, {})
    with pytest.raises(InputError, match="No views"):
        read_views(tmp_path / "empty", {})


def test_views_that_read_each_other_in_a_circle_are_named(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.sql").write_text(f"select * from {other}")
        (tmp_path / f"{name}.yml").write_text(f"reads: [{other}]\n")
    with pytest.raises(InputError, match=r"one.*two"):
        read_views(tmp_path, {})


def test_a_query_that_does_not_end_is_stopped_and_given_up(lake: Lake) -> None:
    runaway = (
        "select count(*) from unnest(sequence(1, 10000)) as t(x) "
        "cross join unnest(sequence(1, 10000)) as u(y) "
        "cross join unnest(sequence(1, 10000)) as v(z) where (x * y + z) % 7 = 3"
    )
    with pytest.raises(QueryFailed, match=r"was still \w+ after 0 seconds and is stopped\.") as end:
        athena.execute(lake, runaway, longest_seconds=0.2)
    query_id = str(end.value).split()[2]
    execution = lake.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert execution["Status"]["State"] == "CANCELLED"
