"""A question about one date reads the dates that the view's description says, and no others.

`make test-lake` asks the local Athena while the files of all other dates have no rows: the rows of
the question come from the dates described. `make test-deep` also asks a real Trino, while these
files are gone: it reads no others.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tests.clickstream.clean.bots.signing import REQUEST, json_line, signed, write_keys
from tests.support.answers import ALL_VIEWS
from tests.support.engines import Engine, LocalAthena
from tests.support.lakes import built, settings_of_a_lake

from clickstream import settings
from clickstream.core.errors import QueryFailed
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, write_history
from clickstream.lake import Lake
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.lake.views import DateFilter
from clickstream.pipeline.publish.facts import fact_query
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.settings.labels import BotSettings

pytestmark = pytest.mark.lake

ROOT = Path(__file__).parents[2]
OF_SEARCHES = ("people_facts", "cohort_facts")
"""Views without rows here, because no date is searched for suspected machines."""

FILTERS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["filter_by"]
    for path in sorted((ROOT / "include" / "sql").glob("*.yml"))
    if path.stem in ALL_VIEWS
}
FIRST, LAST = Hour.parse("2026-11-15T00"), Hour.parse("2026-11-20T01")
DAY = date(2026, 11, 18)
FILTER_KEYS = ("column", "days_before", "days_after")
KEY_DAYS = 2
RULES = CafeRules(visitors_per_hour=24, bots_per_hour=2)


each_engine = pytest.mark.parametrize(
    "engine",
    [
        pytest.param("athena", id="local"),
        pytest.param("trino", marks=[pytest.mark.trino, pytest.mark.deep]),
    ],
    indirect=True,
)


@pytest.fixture(scope="module")
def week(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of six dates of the café, whose visitors get new ids every other day.

    A signed agent comes at each midnight.
    """
    directory = tmp_path_factory.mktemp("week")
    logs = directory / "logs"
    write_history(logs, FIRST, LAST, RULES)
    (logs / "agent.access.log").write_text("".join(agent_lines()))
    hopes = settings.load(ROOT / "cafe.toml", {})
    own = {
        "site": settings.SiteSettings(name="cafe", domains=RULES.domains),
        "bots": BotSettings(agent_keys=str(write_keys(directory / "agents"))),
        "goals": hopes.goals,
        "funnel": hopes.funnel,
        "privacy": settings.PrivacySettings(key_days=KEY_DAYS, confirm_cost=True),
    }
    chosen = settings_of_a_lake(local_aws.endpoint, logs).model_copy(update=own)
    lake = built(chosen, FIRST, LAST)
    refresh_views(lake)
    return lake


def agent_lines() -> Iterator[str]:
    """Requests of a signed agent around each midnight, up to an order."""
    asked = replace(REQUEST, host=RULES.domains[0], target="/cafe/menu.php")
    days = int((LAST.event_date - FIRST.event_date).days)
    for midnight in (FIRST.number * 3600 + 86_400 * (day + 1) for day in range(days)):
        yield json_line(signed(replace(asked, at=midnight - 60)))
        order = replace(asked, at=midnight + 60, target="/cafe/orderConfirmation.php")
        yield json_line(signed(order))


def dates_around(day: date, before: int, after: int) -> set[date]:
    return {day + timedelta(number) for number in range(-before, after + 1)}


def dates_read(view: str, day: date) -> set[date]:
    """The dates of the tables that a question about a day reads, by the view's description."""
    chosen = FILTERS[view]
    before = KEY_DAYS if chosen["days_before"] == "key_days" else chosen["days_before"]
    return dates_around(day, before, chosen["days_after"])


def file_without_rows() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"nothing": pa.array([], pa.int64())}), sink)
    return sink.getvalue()


@contextmanager
def without_other_dates(
    lake: Lake, kept: set[date], engine: Engine | None = None
) -> Iterator[None]:
    """The lake with the data files of other dates gone, or without rows for the local Athena."""
    bucket = lake.bucket
    pages = lake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    names = [f"/event_date={day}/" for day in kept]
    gone = {
        key: lake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in keys
        if "/event_date=" in key and not any(name in key for name in names)
    }
    assert gone
    for key in gone:
        if isinstance(engine or LocalAthena(), LocalAthena):
            lake.s3.put_object(Bucket=bucket, Key=key, Body=file_without_rows())
        else:
            lake.s3.delete_object(Bucket=bucket, Key=key)
    try:
        yield
    finally:
        for key, body in gone.items():
            lake.s3.put_object(Bucket=bucket, Key=key, Body=body)


def rows(lake: Lake, sql: str, engine: Engine | None = None) -> list[tuple[Any, ...]]:
    return sorted((engine or LocalAthena()).query(lake, sql).rows, key=repr)


def about(view: str, day: date = DAY) -> str:
    return f"select * from {view} where {FILTERS[view]['column']} = date '{day}'"


def test_sessions_cross_the_midnights_around_the_day(week: Lake) -> None:
    crossing = (
        "select distinct cast(session_started_at as date) from session_parts"
        " where cast(session_started_at as date) < event_date"
    )
    assert {DAY - timedelta(1), DAY} <= {day for (day,) in rows(week, crossing)}


@each_engine
@pytest.mark.parametrize("view", [view for view in FILTERS if view not in OF_SEARCHES])
def test_a_question_about_one_date_reads_the_dates_described(
    engine: Engine, week: Lake, view: str
) -> None:
    """The filter also gives the rows that the whole view has for the date; Trino reads less."""
    column = FILTERS[view]["column"]
    unfiltered = f"select * from {view} where coalesce({column} = date '{DAY}', false)"
    whole, dated = engine.query(week, unfiltered), engine.query(week, about(view))
    expected = sorted(dated.rows, key=repr)
    assert expected == sorted(whole.rows, key=repr)
    assert expected or view == "late_lines"
    if not isinstance(engine, LocalAthena):
        assert 0 < dated.scanned_bytes < whole.scanned_bytes
        assert rows(week, about(view)) == expected
    with without_other_dates(week, dates_read(view, DAY), engine):
        assert rows(week, about(view), engine) == expected


@each_engine
@pytest.mark.parametrize("view", ["sessions", "daily_traffic", "visitor_sessions"])
def test_a_question_about_another_date_has_no_answer_without_it(
    engine: Engine, week: Lake, view: str
) -> None:
    question = about(view, DAY - timedelta(2))
    expected = rows(week, question)
    with without_other_dates(week, dates_read(view, DAY), engine):
        if isinstance(engine, LocalAthena):
            assert rows(week, question) != expected
        else:
            with pytest.raises(QueryFailed, match="ICEBERG_"):
                rows(week, question, engine)


@pytest.mark.parametrize(
    ("question", "before"),
    [
        ("sessions where session_date between date '2026-11-17' and date '2026-11-18'", 1),
        ("daily_traffic where event_date between date '2026-11-17' and date '2026-11-18'", 2),
        ("visitor_sessions where session_date between date '2026-11-17' and date '2026-11-18'", 3),
        (
            "page_views where event_date between date '2026-11-17' and date '2026-11-18'"
            " and session_date between date '2026-11-16' and date '2026-11-18'",
            2,
        ),
    ],
)
def test_a_range_of_dates_reads_what_its_dates_need(week: Lake, question: str, before: int) -> None:
    expected = rows(week, f"select * from {question}")
    assert expected
    with without_other_dates(week, dates_around(DAY, before, 1)):
        assert rows(week, f"select * from {question}") == expected


@each_engine
@pytest.mark.parametrize("view", [view for view in FACT_VIEWS if view not in OF_SEARCHES])
def test_facts_of_two_dates_read_what_these_dates_need(
    engine: Engine, week: Lake, view: str
) -> None:
    """As a refresh asks for them after an hour was published: its date and the one before."""
    chosen = DateFilter(**{name: FILTERS[view][name] for name in FILTER_KEYS})
    question = fact_query(view, chosen, [DAY - timedelta(1), DAY])
    expected = rows(week, question)
    assert expected
    kept = dates_around(DAY, chosen.days_before + 1, chosen.days_after)
    with without_other_dates(week, kept, engine):
        assert rows(week, question, engine) == expected


@each_engine
def test_page_views_by_either_date_read_three_dates(engine: Engine, week: Lake) -> None:
    """The condition on both dates in the view is always true."""
    of_date = f"select * from page_views where event_date = date '{DAY}'"
    expected = rows(
        week, f"select * from page_views where coalesce(event_date = date '{DAY}', false)"
    )
    assert expected
    with without_other_dates(week, dates_around(DAY, 1, 1)):
        assert rows(week, of_date, engine) == expected


def test_daily_traffic_counts_the_page_views(week: Lake) -> None:
    counted = (
        "select site, event_date, count(distinct visitor_id), count(*) from page_views"
        " group by site, event_date"
    )
    assert rows(week, counted) == rows(
        week, "select site, event_date, visitors, page_views from daily_traffic"
    )


def test_visitors_are_counted_as_if_every_earlier_session_was_looked_at(week: Lake) -> None:
    over_all_dates = (
        "select session_id, row_number() over visitor_so_far, lag(started_at) over visitor_so_far"
        " from sessions window visitor_so_far as (partition by site, visitor_id"
        " order by started_at, session_id)"
    )
    numbered = "select session_id, session_number, previous_started_at from visitor_sessions"
    assert rows(week, over_all_dates) == rows(week, numbered)
    assert any(number > 1 for _, number, _ in rows(week, numbered))
