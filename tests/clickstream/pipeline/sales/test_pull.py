"""Sales in the lake are those of the source, after any edits and processes at once."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.faults import Killed, dying
from tests.support.lakes import SQL, aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.sales_files import with_sales, write_rows
from tests.support.tiers import first_in_make_test

from clickstream.core.errors import ClickstreamError, DamagedObject, StaleHour, UnbalancedSales
from clickstream.core.hours import Hour
from clickstream.insight.credit import MODELS
from clickstream.lake import Lake, athena, objects, open_lake, publication
from clickstream.lake.compared_dates import compared_dates, still_changed
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.pull_states import unreadable_since
from clickstream.pipeline.proof.freshness import lake_freshness
from clickstream.pipeline.proof.match_checks import verify_matches
from clickstream.pipeline.proof.sales_checks import verify_sales
from clickstream.pipeline.publish.maintenance import compact_days
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.pipeline.sales.pull import (
    check_staged,
    plan_pull,
    publish_staged,
    pull_dates,
    stage_dates,
)
from clickstream.pipeline.sales.status import newest_dates
from clickstream.sales.sales_day import SalesDay, build_day
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import (
    OF_SALES_DAYS,
    ORDERS,
    REFUNDS,
    SALES_LEDGER,
    SALES_REJECTS,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
OF_SALES = (
    *("reconciliation", "order_differences", "customers", "revenue_daily", "menu_sales"),
    "revenue_by_order_date",
    *("menu_versions", "store_versions", "demographic_versions"),
)
"""The views that a lake has only with sources of sales."""

DAYS = [date(2026, 11, day) for day in (20, 21, 22)]
MAP = """
title = "test"
[orders]
files = "o*.csv"
[orders.columns]
order_id = "id"
ordered_at = "at"
total = "total"
[order_items]
files = "i*.csv"
[order_items.columns]
order_id = "order"
quantity = "quantity"
amount = "amount"
[refunds]
files = "r*.csv"
[refunds.columns]
refund_id = "id"
order_id = "order"
refunded_at = "at"
amount = "amount"
"""

SUMS_OF_DATES = " union all ".join(
    f"select sales_source, event_date, currency, {name} as summed, sum({cents}) as cents "
    f"from {view} group by 1, 2, 3, 4"
    for view, name, cents in (
        ("revenue_daily", "'by date'", "net_cents"),
        ("money_facts", "'by channel'", "net_cents"),
        ("attribution", "model", "credit_cents"),
    )
)
OF_MONEY = (
    "select * from movements",
    "select * from revenue_daily",
    "select * from revenue_by_channel",
    "select * from revenue_by_order_date",
    "select * from customers",
    "select * from menu_sales",
    "select * from money_facts",
    "select * from attribution",
    "select sales_source, event_date, gross_cents, net_cents, rejected from reconciliation "
    "where orders + refunds + rejected > 0",
)
"""Queries of all views with money. A date without rows keeps its row of the ledger."""


class Shop:
    """The files of a source; `orders` are those of each date."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.orders: dict[str, tuple[date, int]] = {}
        self.again: dict[str, date] = {}
        self.refunds: dict[str, tuple[date, str, int]] = {}
        self.refunds_again: dict[str, date] = {}
        directory.mkdir()
        self.write()

    def write(self) -> None:
        orders = [f"{n},{day}T12:00:00Z,{c / 100:.2f}" for n, (day, c) in self.orders.items()]
        orders += [f"{number},{day}T12:00:00Z,1.00" for number, day in self.again.items()]
        items = [f"{n},1,{cents / 100:.2f}" for n, (_, cents) in self.orders.items()]
        refunds = [
            f"{n},{o},{day}T12:00:00Z,{c / 100:.2f}" for n, (day, o, c) in self.refunds.items()
        ]
        refunds += [f"{n},,{day}T12:00:00Z,2.00" for n, day in self.refunds_again.items()]
        for name, header, lines in (
            ("refunds.csv", "id,order,at,amount", refunds),
            ("orders.csv", "id,at,total", orders),
            ("items.csv", "order,quantity,amount", items),
        ):
            text = "\n".join([header, *lines])
            (self.directory / name).write_text(text + "\n", encoding="utf-8")

    def change(self, chance: random.Random) -> None:
        """Add an order and a refund, edit some, move some to another date, or delete some."""
        number = str(len(self.orders) + chance.randrange(1000))
        self.orders[number] = (chance.choice(DAYS), chance.randrange(10_000))
        for one in chance.sample(sorted(self.orders), min(2, len(self.orders))):
            day, cents = self.orders[one]
            self.orders[one] = (chance.choice([day, chance.choice(DAYS)]), cents + 1)
        number = f"r{chance.randrange(20)}"
        of_order = chance.choice([*self.orders, "unknown"])
        self.refunds[number] = (chance.choice(DAYS), of_order, chance.randrange(1, 1000))
        if chance.random() < 0.3:
            gone = chance.choice(DAYS)
            self.orders = {n: row for n, row in self.orders.items() if row[0] != gone}
        self.write()

    def repeat(self, chance: random.Random) -> None:
        """Export an order and a refund again, on any date."""
        if self.orders:
            self.again[chance.choice(sorted(self.orders))] = chance.choice(DAYS)
            self.refunds_again[chance.choice(sorted(self.refunds))] = chance.choice(DAYS)
        self.write()


@pytest.fixture
def shops(local_aws: LocalAwsProcess, tmp_path: Path) -> tuple[Lake, dict[str, Shop]]:
    """A lake with two sources of sales, and their files."""
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    found = {name: Shop(tmp_path / name) for name in ("till", "web")}
    sources = tuple(
        SalesSettings(
            name=name, kind="csv", columns="map.toml", currency=currency, path=str(one.directory)
        )
        for (name, one), currency in zip(found.items(), ("EUR", "GBP"), strict=True)
    )
    settings = settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")
    settings = settings.model_copy(update={"sales": sources, "directory": tmp_path})
    return open_lake(settings, aws_session()), found


def pull(lake: Lake, run: str = "run") -> int:
    """Pull all that differs; return the number of dates."""
    number = 0
    for source in lake.settings.sales:
        number += len([*pull_dates(lake, plan_pull(lake, source, NOW), run)])
    return number


def rows_of_lake(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the tables, in order."""
    return {table.name: sorted(map(text_of, rows(lake, table))) for table in OF_SALES_DAYS}


def text_of(row: dict[str, Any]) -> str:
    """Return a row without its number: rows of other dates move it, and change nothing else."""
    return repr({**row, "row_number": 0})


def rows(lake: Lake, table: Any) -> list[dict[str, Any]]:
    return iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pylist()


def rows_of_sources(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that the sources have now."""
    found: dict[str, list[Any]] = {table.name: [] for table in OF_SALES_DAYS}
    for source in lake.settings.sales:
        rules = rules_of(lake.settings, source)
        with open_source(lake.settings, source, rules) as reader:
            for day in reader.survey().days:
                built = build_day(day, reader.read_day(day), rules)
                for table in OF_SALES_DAYS:
                    found[table.name] += map(text_of, built.table(table).to_pylist())
    return {name: sorted(some) for name, some in found.items()}


def assert_ledger_counts_the_rows(lake: Lake) -> None:
    found = newest_dates(lake, ["till", "web"], 400, NOW.date())
    assert all(one.lost == [] for one in found)
    assert len(found) == len(rows(lake, SALES_LEDGER))
    ids = [(row["sales_source"], row["order_id"]) for row in rows(lake, ORDERS)]
    assert len(ids) == len({*ids})
    assert sum(one.ledger["gross_cents"] for one in found) == sum(
        row["total_cents"] for row in rows(lake, OF_SALES_DAYS[0])
    )


def test_a_pull_stores_what_differs_and_a_second_one_writes_nothing(shops) -> None:
    lake, found = shops
    chance = random.Random(3)
    for one in found.values():
        one.change(chance)
        one.change(chance)
    assert pull(lake) > 0
    assert rows_of_lake(lake) == rows_of_sources(lake)
    assert_ledger_counts_the_rows(lake)
    refresh_views(lake)
    answers = {view: athena.query(lake, f"select * from {view}") for view in OF_SALES}
    for view, answer in answers.items():
        described = yaml.safe_load((SQL / f"{view}.yml").read_text(encoding="utf-8"))
        assert answer.columns == list(described["columns"])
    dates = answers["reconciliation"].records()
    assert len(dates) == len(rows(lake, SALES_LEDGER))
    assert all(one["is_reconciled"] for one in dates)
    assert answers["order_differences"].records() == []
    assert pull(dying(lake, 0, after=False)) == 0
    found["web"].orders.clear()
    found["web"].write()
    pull(lake)
    assert rows_of_lake(lake) == rows_of_sources(lake)
    assert_ledger_counts_the_rows(lake)


def test_a_source_of_orders_alone_has_no_difference_anywhere(shops, tmp_path: Path) -> None:
    lake, found = shops
    (tmp_path / "map.toml").write_text(MAP.partition("[order_items]")[0], encoding="utf-8")
    found["till"].orders = {str(n): (DAYS[n % 2], 100 + n) for n in range(5)}
    found["till"].write()
    assert pull(lake) == 2
    dates = newest_dates(lake, ["till"], 400, NOW.date())
    assert [(one.cells[-1], one.has_problems) for one in dates] == [("–", False)] * 2
    till, _ = lake_freshness(lake, NOW, Hour.midnight(DAYS[0])).sales
    assert (till.differing, till.has_notes) == (0, False)
    report = verify_sales(lake)
    assert (report.is_proven, report.differing) == (True, 0)
    refresh_views(lake)
    sql = "select is_reconciled, differing_orders, differing_cents from reconciliation"
    assert athena.query(lake, sql).rows == [(True, None, None)] * 2
    assert athena.query(lake, "select * from order_differences").rows == []


@pytest.mark.parametrize("steps", [4, pytest.param(25, marks=pytest.mark.lake)])
def test_dates_that_differ_from_the_source_are_changed_until_they_are_read_again(
    shops, steps: int
) -> None:
    """After each edit, some of the dates that differ are pulled; other settings are no edit."""
    lake, found = shops
    source, chance = lake.settings.sales[0], random.Random(steps)

    def changed() -> set[date]:
        return {*still_changed(lake, "till", compared_dates(lake, "till"))}

    for step in range(steps):
        found["till"].change(chance)
        stored = {row["event_date"] for row in rows(lake, SALES_LEDGER)} if step else set()
        plan = plan_pull(lake, source, NOW)
        assert changed() == {*plan.dates} & stored
        some = replace(plan, dates=chance.sample(plan.dates, len(plan.dates) // 2))
        assert len([*pull_dates(lake, some, "run")]) == len(some.dates)
        assert changed() == {*plan.dates} & stored - {*some.dates}
    pull(lake)
    other = source.model_copy(update={"currency": "USD"})
    assert plan_pull(lake, other, NOW + timedelta(days=1)).dates
    assert changed() == set()
    compared = compared_dates(lake, "till")
    assert compared.compared_at(date(2020, 1, 1)) == NOW + timedelta(days=1)


@given(st.randoms(use_true_random=False))
@examples(times=0.5)
def test_any_pulls_of_dates_with_moved_and_repeated_ids_end_as_one_pull_of_all(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    """After each edit, some of the dates that differ are pulled in any order, and at times all."""
    directory = tmp_path_factory.mktemp("dates")
    settings = Settings(directory=directory)
    source = with_sales(settings, directory, ("till",)).sales[0]
    rules = rules_of(settings, source)
    (directory / "till").mkdir()
    state: set[tuple[str, str, date]] = set()
    stored: dict[date, tuple[object, SalesDay]] = {}
    for _ in range(12):
        for _ in range(chance.randint(1, 3)):
            state ^= {
                (chance.choice(("orders", "refunds")), chance.choice("ab"), chance.choice(DAYS))
            }
        write_dates(directory / "till", state)
        with open_source(settings, source, rules) as reader:
            days = reader.survey().days
            differ = [day for day in DAYS if stored.get(day, (None,))[0] != days.get(day)]
            is_complete = chance.random() < 0.5
            for day in chance.sample(differ, len(differ) if is_complete else len(differ) // 2):
                stored[day] = (days.get(day), build_day(day, reader.read_day(day), rules))
        if is_complete:
            assert_first_dates_count(state, {day: one for day, (_, one) in stored.items()})


def assert_first_dates_count(
    state: set[tuple[str, str, date]], built: dict[date, SalesDay]
) -> None:
    """Assert that each id is a row on its first date, and a reject on each later one."""
    for table, row_id in ((ORDERS, "order_id"), (REFUNDS, "refund_id")):
        dates = {
            text: sorted(day for of, one, day in state if (of, one) == (table.name, text))
            for text in "ab"
        }
        kept = [(row[row_id], day) for day, one in built.items() for row in one.rows[table]]
        assert sorted(kept) == [(text, days[0]) for text, days in dates.items() if days]
        rejects = [row for one in built.values() for row in one.rows[SALES_REJECTS]]
        reasons = [row["reason"] for row in rejects if row["of_table"] == table.name]
        assert sorted(reasons) == sorted(
            f"row of {day} in {table.name}-{day}.csv with the id of a row of {first} in "
            f"{table.name}-{first}.csv"
            for first, *later in filter(None, dates.values())
            for day in later
        )


def write_dates(directory: Path, state: set[tuple[str, str, date]]) -> None:
    """Write a file for each date and table."""
    for table, time, money in (
        ("orders", "ordered_at", "total"),
        ("refunds", "refunded_at", "amount"),
    ):
        for day in DAYS:
            ids = sorted(text for of, text, at in state if (of, at) == (table, day))
            at = f"{day}T12:00Z"
            rows = [{f"{table[:-1]}_id": text, time: at, money: "1"} for text in ids]
            write_rows(directory / f"{table}-{day}.csv", table, rows)


def test_an_older_reading_does_not_replace_a_newer_one(shops) -> None:
    """A process reads a date, and another one publishes it from newer rows meanwhile."""
    lake, found = shops
    [source, _] = lake.settings.sales
    found["till"].orders["1"] = (DAYS[0], 100)
    found["till"].write()
    slow = check_staged(lake, stage_dates(lake, source, DAYS[:1]))
    found["till"].orders["1"] = (DAYS[0], 900)
    found["till"].write()
    pull(lake)
    [published] = publish_staged(lake, source, slow, "slow").dates
    assert published.gross_cents == 900
    assert rows_of_lake(lake) == rows_of_sources(lake)
    stale, of_web = (iceberg_tables.load(lake, ORDERS) for _ in range(2))
    found["till"].orders["2"] = (DAYS[2], 100)
    found["till"].write()
    pull(lake)
    nothing = dict.fromkeys([DAYS[0], DAYS[2]], ORDERS.arrow_schema().empty_table())
    of_web.replace_dates(nothing, {"sales_source": "web"})
    with pytest.raises(StaleHour):
        stale.replace_dates(nothing, {"sales_source": "till"})
    assert rows_of_lake(lake) == rows_of_sources(lake)


def test_damaged_or_missing_rows_are_not_published(shops) -> None:
    lake, found = shops
    [source, _] = lake.settings.sales
    found["till"].orders["1"] = (DAYS[0], 100)
    found["till"].write()
    staged = stage_dates(lake, source, DAYS[:1])
    with pytest.raises(UnbalancedSales, match="has 2 rows of orders, but 1 row and 0 rejects"):
        check_staged(lake, _with_rows(staged, orders=2))
    objects.put(lake, f"{staged.prefix}orders.parquet", b"damaged")
    fresh = open_lake(lake.settings, aws_session())
    with pytest.raises(DamagedObject, match="clickstream sales pull till --from 2026-11-20"):
        check_staged(fresh, staged)
    assert publication.versions(lake, "till") == {}


def _with_rows(staged: Any, **numbers: int) -> Any:
    [of_date] = staged.dates
    return replace(staged, dates=[replace(of_date, source_rows=numbers)])


@pytest.mark.lake
@pytest.mark.parametrize("seed", first_in_make_test(range(11, 15), 1))
def test_pulls_between_any_edits_end_as_one_pull_of_the_final_state(
    shops: tuple[Lake, dict[str, Shop]], local_aws: LocalAwsProcess, tmp_path: Path, seed: int
) -> None:
    """Two sources with three currencies: one of them changes its currency.

    In between, pulls are killed, some of the dates are pulled in any order, days are compacted, and
    a date without a change is published again. At any moment the sums of each view agree.
    """
    lake, found = shops
    chance = random.Random(seed)
    refresh_views(lake)
    for step in range(4):
        for one in found.values():
            one.change(chance)
            one.repeat(chance)
        if step == 2:
            compact_days(lake, NOW)
            publication.begin(lake, publication.sales_of("web", DAYS[1]), "killed")
            till, web = lake.settings.sales
            sources = (till, web.model_copy(update={"currency": "USD"}))
            lake = Lake(lake.settings.model_copy(update={"sales": sources}), lake.session)
        with suppress(Killed):
            pull(dying(lake, chance.randrange(40), after=chance.random() < 0.5), "killed")
        assert_sums_agree(lake)
        for source in lake.settings.sales:
            plan = plan_pull(lake, source, NOW)
            some = replace(plan, dates=chance.sample(plan.dates, len(plan.dates) // 2))
            assert len([*pull_dates(lake, some, "some")]) == len(some.dates)
        assert_sums_agree(lake)
        pull(lake, f"s{step}")
        assert rows_of_lake(lake) == rows_of_sources(lake), step
        assert_ledger_counts_the_rows(lake)
    assert verify_sales(lake).is_proven
    assert verify_matches(lake).is_proven
    at_once = settings_of_a_lake(local_aws.endpoint, tmp_path / "at once")
    chosen = {"sales": lake.settings.sales, "directory": tmp_path}
    once = open_lake(at_once.model_copy(update=chosen), aws_session())
    pull(once)
    refresh_views(once)
    assert {row["currency"] for row in rows(lake, SALES_LEDGER)} == {"EUR", "USD"}
    for sql in OF_MONEY:
        assert sorted(map(repr, athena.query(lake, sql).rows)) == sorted(
            map(repr, athena.query(once, sql).rows)
        ), sql


def assert_sums_agree(lake: Lake) -> None:
    """Assert that net sales are equal by date, by channel and by each model."""
    sums: dict[object, set[int]] = {}
    number: Counter[object] = Counter()
    for source, day, currency, _, cents in athena.query(lake, SUMS_OF_DATES).rows:
        sums.setdefault((source, day, currency), set()).add(cents)
        number[source, day, currency] += 1
    assert {len(of_date) for of_date in sums.values()} <= {1}
    assert {*number.values()} <= {2 + len(MODELS)}


def test_since_when_a_source_can_t_be_read_is_recorded_until_it_can(
    shops: tuple[Lake, dict[str, Shop]],
) -> None:
    lake, found = shops
    *_, web = lake.settings.sales
    away = found["web"].directory.rename(found["web"].directory.with_name("away"))
    for hours in range(2):
        with pytest.raises(ClickstreamError) as error:
            plan_pull(lake, web, NOW + timedelta(hours=hours))
        assert unreadable_since(lake, "web") == (NOW, error.value.printed)
    assert unreadable_since(lake, "till") is None
    away.rename(found["web"].directory)
    pull(lake)
    assert unreadable_since(lake, "web") is None
