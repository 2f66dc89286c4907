"""Orders meet the visits that the simulated café knows, in any order of pulls and builds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.changed_rows import change_row
from tests.support.lakes import aws_session
from tests.support.matched_cafe import MatchedCafe, TrueMatch, TrueTouch, cafe_settings

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules
from clickstream.insight.credit import FROM_DATA, LEAST_ORDERS, RULES, Touch, shares
from clickstream.insight.markov import credit_weights
from clickstream.lake import Lake, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.match_checks import verify_matches
from clickstream.pipeline.publish.publish import hours_to_build
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.sales.match_plan import MatchRange, plan_matches
from clickstream.pipeline.sales.matches import match_orders
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.sales.touches import credits_of, outcomes_of
from clickstream.settings import Settings
from clickstream.tables import Table
from clickstream.tables.sales import ORDERS
from clickstream.tables.sales_matches import (
    ATTRIBUTION_CHANGES,
    CONFIRMATION_VIEWS,
    JOURNEYS,
    MATCH_LEDGER,
    ORDER_MATCHES,
    ORDER_TOUCHES,
)

pytestmark = pytest.mark.lake

LAST = Hour.parse("2026-11-20T23")

CHANGES = (
    *((table, "delete") for table in (ORDER_MATCHES, CONFIRMATION_VIEWS, MATCH_LEDGER)),
    *((ORDER_TOUCHES, what) for what in ("delete", "duplicate")),
    *((table, "duplicate") for table in (ORDER_MATCHES, CONFIRMATION_VIEWS)),
    (ORDER_MATCHES, "replace by another"),
    *((ORDER_MATCHES, name) for name in ("channel", "landing_page")),
    *((ORDER_TOUCHES, name) for name in ("utm_campaign", "days_before")),
    *((MATCH_LEDGER, name) for name in ("orders", "matched", "confirmation_views", "touches")),
)


def rows(lake: Lake, table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pylist()
    )
    return found


def pull_shop(lake: Lake, now: datetime) -> None:
    [source] = lake.settings.sales
    for _ in pull_dates(lake, plan_pull(lake, source, now), "pull"):
        pass


def match(lake: Lake, now: datetime, chosen: MatchRange | None = None) -> int:
    """Match what changed; return how many dates were published."""
    return sum(one.is_published for one in match_orders(lake, now, "match", chosen))


def matches(lake: Lake) -> dict[str, TrueMatch]:
    """Return the columns that the simulation knows; each order has one row."""
    found = rows(lake, ORDER_MATCHES)
    assert sorted(one["order_id"] for one in found) == sorted(
        one["order_id"] for one in rows(lake, ORDERS)
    )
    return {one["order_id"]: TrueMatch(*(one[n] for n in TrueMatch._fields)) for one in found}


def touches(lake: Lake) -> dict[str, list[TrueTouch]]:
    found: dict[str, list[TrueTouch]] = {}
    for one in sorted(rows(lake, ORDER_TOUCHES), key=lambda one: int(one["touch"])):
        touch = TrueTouch(*(one[name] for name in TrueTouch._fields))
        found.setdefault(one["order_id"], []).append(touch)
    return found


def assert_ledger_counts_the_rows(lake: Lake) -> None:
    of_ledger = rows(lake, MATCH_LEDGER)
    found = rows(lake, ORDER_MATCHES)
    assert sum(one["orders"] for one in of_ledger) == len(found)
    assert sum(one["matched"] for one in of_ledger) == sum(r["method"] != "none" for r in found)
    views = rows(lake, CONFIRMATION_VIEWS)
    assert sum(one["confirmation_views"] for one in of_ledger) == len(views)
    confirmed = {one["order_id"] for one in views if one["kind"] == "order"}
    assert confirmed == {one["order_id"] for one in found if one["method"] == "number"}


@pytest.mark.parametrize(
    ("pieces", "hours", "window", "visitors", "attribution", "changes"),
    [(3, 12, 3, 5, 1, 3), pytest.param(30, 24, 24, 6, 7, len(CHANGES), marks=pytest.mark.deep)],
)
def test_matches_are_those_of_the_cafe_in_any_order_of_pulls_and_builds(
    lake_settings: Settings,
    tmp_path: Path,
    pieces: int,
    hours: int,
    window: int,
    visitors: int,
    attribution: int,
    changes: int,
) -> None:
    chance = random.Random(pieces)
    rules = CafeRules(visitors_per_hour=visitors, bots_per_hour=1, scanners_per_hour=0)
    first = LAST.minus(pieces * hours - 1)
    windows = timedelta(hours=window), timedelta(days=attribution)
    cafe = MatchedCafe(first, LAST, rules, chance, *windows)
    lake = open_lake(cafe_settings(lake_settings, tmp_path, cafe), aws_session())
    logs, shop = tmp_path / "logs", tmp_path / "shop"
    now = LAST.end + timedelta(hours=6)
    (logs / "web-1-access.log").write_bytes(cafe.lines(is_late=False))
    pull_source(lake, lake.settings.sources[0])
    starts = [first.plus(hours * number) for number in range(pieces)]
    chance.shuffle(starts)
    for number, start in enumerate(starts, 1):
        [*rebuild(lake, [*hour_range(start, start.plus(hours - 1))], "build")]
        moment = first.start + (LAST.start - first.start) * number / pieces
        cafe.write_orders(shop, moment)
        if number == pieces:
            cafe.refuse(shop, moment)
        pull_shop(lake, now)
        match(lake, now)
        assert matches(lake).keys() == cafe.truth(moment).keys()
    (logs / "web-2-access.log").write_bytes(cafe.lines(is_late=True))
    pull_source(lake, lake.settings.sources[0])
    [*rebuild(lake, [*hours_to_build(lake, LAST).hours], "late")]
    cafe.write_orders(shop, now)
    pull_shop(lake, now)
    others = [open_lake(lake.settings, aws_session()) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:  # each overtakes the other at some of the dates
        assert sum(pool.map(match, others, [now, now])) > 0

    truth = cafe.truth(now)
    assert matches(lake) == truth
    assert touches(lake) == cafe.touches(now)
    assert_shares_are_those_of_the_journeys_before(lake, cafe)
    reasons = {None, "not on the web", "no request", "opted out"}
    assert {one.why_none for one in truth.values()} > reasons
    assert_ledger_counts_the_rows(lake)
    assert plan_matches(lake, now).groups == []
    assert verify_matches(lake).is_proven
    assert_changes_are_found_and_repaired(lake, now, chance.sample(CHANGES, k=changes), chance)
    assert_ids_are_removed(lake, now)


def assert_shares_are_those_of_the_journeys_before(lake: Lake, cafe: MatchedCafe) -> None:
    """No later date counts, whatever the order in which the dates were matched."""
    journeys = rows(lake, JOURNEYS)
    ended = {
        (one["event_date"], one["path"]): one["journeys"]
        for one in journeys
        if not one["has_order"]
    }
    assert ended == cafe.ended()
    assert sum(one["journeys"] for one in journeys) == len(touches(lake)) + sum(ended.values())
    stored = rows(lake, ORDER_TOUCHES)
    credits, last = credits_of(stored), {}
    for one in sorted(rows(lake, ATTRIBUTION_CHANGES), key=lambda one: one["changed_at"]):
        cell = (one["sales_source"], one["order_id"], one["model"], one["channel"])
        last[cell] = one["cents_after"]
    assert last, "late lines change the credits of orders"
    assert {cell: credits.get(cell, 0) for cell in last} == last
    for day in {one["event_date"] for one in stored}:
        before = [o for o in journeys if day - timedelta(30) <= o["event_date"] < day]
        is_enough = sum(one["journeys"] for one in before if one["has_order"]) >= LEAST_ORDERS
        effects = credit_weights(outcomes_of(before)) if is_enough else None
        of_orders: dict[str, list[dict[str, Any]]] = {}
        for one in sorted(stored, key=lambda one: int(one["touch"])):
            if one["event_date"] == day:
                of_orders.setdefault(one["order_id"], []).append(one)
        for path in of_orders.values():
            wanted = shares([Touch(one["channel"], one["days_before"]) for one in path], effects)
            assert {n: [one[f"{n}_share"] for one in path] for n in RULES}.items() <= wanted.items()
            from_data = {n: [one[f"{n}_share"] for one in path] for n in FROM_DATA}
            assert from_data == {n: wanted[n] or [None] * len(path) for n in FROM_DATA}


def assert_changes_are_found_and_repaired(
    lake: Lake, now: datetime, changes: Sequence[tuple[Table, str]], chance: random.Random
) -> None:
    right = matches(lake)
    days = {table: {one["event_date"] for one in rows(lake, table)} for table, _ in CHANGES}
    for table, what in changes:
        day = chance.choice(sorted(set.intersection(*days.values())))
        change_row(lake, table, what, day, chance)
        assert {one.day for one in verify_matches(lake).faults} == {day}, (table.name, what)
        assert verify_matches(lake, day + timedelta(days=1)).is_proven
        assert match(lake, now, MatchRange(day, day, everything=True)) == 1
        assert verify_matches(lake).is_proven
    assert matches(lake) == right


def assert_ids_are_removed(lake: Lake, now: datetime) -> None:
    """After the replay window only the ids are removed, and a changed sale is matched again."""
    before = rows(lake, ORDER_MATCHES)
    assert any(one["session_id"] for one in before)
    later = now + timedelta(days=lake.settings.privacy.replay_days + 2)
    assert match(lake, later) == len({one["event_date"] for one in before})
    without = [{**one, "session_id": None} for one in before]
    assert sorted(map(repr, rows(lake, ORDER_MATCHES))) == sorted(map(repr, without))
    assert all(one["is_anonymous"] for one in rows(lake, MATCH_LEDGER))
    assert match(lake, later) == 0


def test_times_find_only_true_visits(lake_settings: Settings, tmp_path: Path) -> None:
    """In a log without numbers, each order with a match by its time has its true visit."""
    rules = CafeRules(visitors_per_hour=30, bots_per_hour=1, scanners_per_hour=0)
    first = LAST.minus(5)
    cafe = MatchedCafe(first, LAST, rules, random.Random(1), timedelta(hours=1))
    settings = cafe_settings(lake_settings, tmp_path, cafe)
    form = {"number": "", "match_by_time": True, "form": r"^/cafe/processOrder\.php$"}
    by_time = settings.orders.model_copy(update=form)
    lake = open_lake(settings.model_copy(update={"orders": by_time}), aws_session())
    log = cafe.lines(is_late=False) + cafe.lines(is_late=True)
    (tmp_path / "logs" / "web-1-access.log").write_bytes(log)
    pull_source(lake, lake.settings.sources[0])
    [*rebuild(lake, [*hour_range(first, LAST)], "build")]
    now = LAST.end + timedelta(hours=6)
    cafe.write_orders(tmp_path / "shop", now)
    pull_shop(lake, now)
    assert match(lake, now) > 0

    truth, found = cafe.truth(now), matches(lake)
    known = [number for number, one in truth.items() if one.method == "number"]
    timed = [number for number in known if found[number].method == "time"]
    assert len(timed) > len(known) / 2
    visit = TrueMatch._fields.index("landing_page")
    assert [found[one][visit:] for one in timed] == [truth[one][visit:] for one in timed]
