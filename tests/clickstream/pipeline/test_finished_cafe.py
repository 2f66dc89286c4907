"""The finished café: all checks prove it, and no repeated or maintaining step changes a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clones import cloned_cafe
from tests.support.examples import examples
from tests.support.finished_cafe import FIRST, LAST, NOW, RUN
from tests.support.sales_files import pull_sales

from clickstream.core.hours import hour_range
from clickstream.insight.credit import MODELS
from clickstream.lake import Lake, athena, publication
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.backfill.backfill import Steps, rebuild
from clickstream.pipeline.proof.match_checks import verify_matches
from clickstream.pipeline.proof.sales_checks import verify_sales
from clickstream.pipeline.proof.stored_bytes import check_stored_bytes
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.maintenance import compact_days, expire_snapshots, sweep_files
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.sales.match_plan import MatchRange
from clickstream.pipeline.sales.matches import match_orders
from clickstream.tables.sales_matches import MATCHED_ROWS

COMPARED = ("hits", "rejects", "session_parts", "orders", "refunds", "order_matches", "touch_facts")
COMPARED += ("all_sessions", "conversions", "daily_traffic", "revenue_daily", "late_lines")
A_WEEK_LATER = NOW + timedelta(days=7)

STEPS: Mapping[str, Callable[[Lake], object]] = {
    "pull logs again": lambda lake: pull_source(lake, lake.settings.sources[0]),
    "build hours again": lambda lake: [*rebuild(lake, [FIRST.plus(10), LAST], RUN)],
    "stitch sessions again": lambda lake: [
        *rebuild(lake, [*hour_range(FIRST, FIRST.plus(3))], RUN, Steps.SESSIONS)
    ],
    "pull sales again": lambda lake: pull_sales(lake, NOW),
    "match all orders again": lambda lake: [
        *match_orders(lake, NOW, RUN, MatchRange(everything=True))
    ],
    "search for machines again": lambda lake: find_suspects(lake, now=NOW),
    "compute all facts again": lambda lake: refresh_facts(lake, now=NOW, everything=True),
    "compact past days": lambda lake: compact_days(lake, A_WEEK_LATER),
    "expire snapshots": lambda lake: expire_snapshots(lake, A_WEEK_LATER),
    "sweep files": lambda lake: sweep_files(lake, A_WEEK_LATER),
}


def rows_of(lake: Lake) -> dict[str, list[str]]:
    return {
        name: sorted(map(str, athena.query(lake, f"select * from {name}").rows))
        for name in COMPARED
    }


def assert_proven(lake: Lake) -> None:
    assert verify(lake).is_proven
    assert verify_sales(lake).is_proven
    assert verify_matches(lake).is_proven


def test_all_checks_prove_the_cafe(read_cafe: Lake) -> None:
    assert_proven(read_cafe)
    assert check_stored_bytes(read_cafe).is_whole
    [(days, orders)] = athena.query(
        read_cafe, "select count(distinct event_date), count(*) from orders"
    ).rows
    assert (days, orders > 300) == (2, True)
    assert athena.query(read_cafe, "select min(session_date) from sessions").rows == [
        (date(2026, 11, 22),)
    ]


def test_net_sales_of_each_date_are_the_same_in_all_views_and_by_each_model(
    read_cafe: Lake,
) -> None:
    """Also with refunds of earlier orders, for which no model from data has shares."""
    sums = ("revenue_daily", "money_facts", "revenue_by_channel", "revenue_by_campaign")
    sql = " union all ".join(
        [
            *(f"select '{name}', event_date, net_cents as cents from {name}" for name in sums),
            "select model, event_date, credit_cents from attribution",
        ]
    )
    of_all = f"({sql}) as t (name, event_date, cents)"
    by_date: dict[date, dict[str, int]] = {}
    for name, day, cents in athena.query(
        read_cafe, f"select name, event_date, sum(cents) from {of_all} group by 1, 2"
    ).rows:
        by_date.setdefault(day, {})[name] = cents
    assert len(by_date) > 1
    for of_date in by_date.values():
        assert of_date == dict.fromkeys((*sums, *MODELS), of_date["revenue_daily"])


def test_an_order_has_the_channel_of_its_visit_unless_the_visit_is_direct(read_cafe: Lake) -> None:
    """Visits are counted by their last arrival that has a channel, and so is the visit's order."""
    channels = Counter(
        athena.query(
            read_cafe,
            "select s.channel, m.channel from order_matches m "
            "inner join sessions s on s.session_id = m.session_id",
        ).rows
    )
    assert sum(channels.values()) > 100
    assert len({visit for visit, _ in channels}) > 3
    assert [pair for pair in channels if pair[0] not in ("Direct", pair[1])] == []
    assert any(visit == "Direct" != order for visit, order in channels)


def test_dates_that_are_matched_at_once_have_the_rows_of_dates_one_after_the_other(
    finished_cafe: Path, tmp_path: Path
) -> None:
    """The second date depends on the journeys of the first one, which are not stored yet."""
    days = [FIRST.event_date, LAST.event_date]
    with cloned_cafe(finished_cafe, tmp_path / "cafe") as lake:
        for day in days:
            [_] = match_orders(lake, NOW, RUN, MatchRange(day, day, everything=True))
        before = rows_of_matches(lake)
        publication.begin(lake, publication.matches_of(*days), "killed")
        for table in MATCHED_ROWS:
            nothing = dict.fromkeys(days, table.arrow_schema().empty_table())
            iceberg_tables.load(lake, table).replace_dates(nothing)
        assert [matched.day for matched in match_orders(lake, NOW, RUN)] == days
        assert rows_of_matches(lake) == before
        assert verify_matches(lake).is_proven


def rows_of_matches(lake: Lake) -> list[list[str]]:
    tables = [iceberg_tables.load(lake, table) for table in MATCHED_ROWS]
    return [sorted(map(repr, table.read_between(None, None).to_pylist())) for table in tables]


@pytest.mark.lake
@examples(times=0.2)
@given(steps=st.permutations([*STEPS]))
def test_no_repeated_or_maintaining_step_changes_a_row(
    finished_cafe: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    with cloned_cafe(finished_cafe, tmp_path_factory.mktemp("steps") / "cafe") as lake:
        before = rows_of(lake)
        for step in steps:
            STEPS[step](lake)
        assert rows_of(lake) == before
        assert_proven(lake)
