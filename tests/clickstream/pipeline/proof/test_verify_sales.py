"""Whatever happens to a row of sales in the lake, verify names its date, and a pull repairs it."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from tests.support.changed_rows import change_row
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.sales_files import break_sales, pull_sales, with_sales, write_sales
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import begin, end, sales_of, versions
from clickstream.pipeline.proof.freshness import lake_freshness
from clickstream.pipeline.proof.sales_checks import verify_sales
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.tables import Table
from clickstream.tables.sales import (
    CAMPAIGN_SPEND,
    OF_SALES_DAYS,
    ORDER_ITEMS,
    ORDERS,
    REFUNDS,
    SALES_LEDGER,
)
from clickstream.tables.sales_listings import MENU_ITEMS

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAYS = [date(2026, 11, 20) + timedelta(days=number) for number in range(3)]
SEED = 4
Key = tuple[date, str]
OF_DATES = (*OF_SALES_DAYS, SALES_LEDGER)

CHANGES = (
    *((table, "delete") for table in OF_DATES),
    *((table, "duplicate") for table in OF_DATES),
    *((table, "replace by another") for table in (ORDERS, ORDER_ITEMS)),
    *((ORDERS, name) for name in ("total_cents", "tip_cents", "discount_cents", "tax_cents")),
    *((ORDERS, name) for name in ("coupon", "sold_by", "customer_key")),
    *((ORDER_ITEMS, name) for name in ("amount_cents", "discount_cents", "quantity")),
    *((ORDER_ITEMS, name) for name in ("name_as_sold", "item_id")),
    *((REFUNDS, name) for name in ("amount_cents", "kind", "order_id")),
    (CAMPAIGN_SPEND, "spend_cents"),
    *((SALES_LEDGER, name) for name in ("gross_cents", "items_cents", "spend_cents")),
    *((SALES_LEDGER, name) for name in ("source_orders", "orders", "rejected", "refunds")),
    *((SALES_LEDGER, name) for name in ("differing_orders", "differing_cents")),
)


BATCHES = [random.Random(SEED).sample(CHANGES, k=len(CHANGES))[n::7] for n in range(7)]
"""Changes that are made at once, each to another date of a source: a check of all takes as long."""


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three dates of two sources, with a reject and a wrong total; each test leaves them so."""
    directory = tmp_path_factory.mktemp("sales")
    settings = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    lake = open_lake(with_sales(settings, directory, ("till", "web")), aws_session())
    for name in ("till", "web"):
        write_sales(directory / name, DAYS, 20, SEED)
        break_sales(directory / name, DAYS[1], DAYS[2])
    pull_sales(lake, NOW)
    return lake


def named(lake: Lake, *dates: date) -> set[tuple[date | None, str]]:
    return {(one.day, one.source) for one in verify_sales(lake, *dates).faults}


def keys_with_rows(lake: Lake, table: Table, last: date = DAYS[-1]) -> list[Key]:
    rows = iceberg_tables.load(lake, table).read(Hour.midnight(DAYS[0]), Hour.midnight(last))
    columns = (rows[name].to_pylist() for name in ("event_date", "sales_source"))
    return sorted({*zip(*columns, strict=True)})


def change(lake: Lake, table: Table, what: str, key: Key, chance: random.Random) -> None:
    change_row(lake, table, what, key[0], chance, key[1])


def pull_again(lake: Lake, key: Key) -> None:
    (day, name), sources = key, {one.name: one for one in lake.settings.sales}
    plan = plan_pull(lake, sources[name], NOW, day, day, everything=True)
    assert plan.dates == [day]
    assert [*pull_dates(lake, plan, "repair")]


@pytest.mark.parametrize("number", first_in_make_test(range(len(BATCHES)), 1))
def test_whatever_is_changed_is_named_with_its_date_and_a_pull_repairs_it(
    lake: Lake, number: int
) -> None:
    chance, changed = random.Random(number), dict[Key, str]()
    found = {table: keys_with_rows(lake, table) for table in OF_DATES}
    for table, what in sorted(BATCHES[number], key=lambda one: len(found[one[0]])):
        key = chance.choice([key for key in found[table] if key not in changed])
        change(lake, table, what, key, chance)
        changed[key] = f"{what} of {table.name}"
    assert named(lake) == changed.keys(), changed
    for key in changed:
        pull_again(lake, key)
    assert named(lake) == set()


@pytest.mark.parametrize("table", [ORDERS, REFUNDS], ids=lambda table: table.name)
def test_an_id_on_two_dates_is_named_on_both_and_a_pull_of_both_repairs_it(
    lake: Lake, table: Table
) -> None:
    days = [day for day, source in keys_with_rows(lake, table) if source == "web"]
    first, second = days[0], days[-1]
    loaded, at = iceberg_tables.load(lake, table), Hour.midnight(second)
    of_dates = {day: loaded.read(Hour.midnight(day), Hour.midnight(day)) for day in (first, second)}
    of_web = {
        d: [r for r in t.to_pylist() if r["sales_source"] == "web"] for d, t in of_dates.items()
    }
    moved = {**of_web[first][0], "event_date": second, "hour_at": of_web[second][0]["hour_at"]}
    rows = pa.Table.from_pylist([*of_web[second][1:], moved], table.arrow_schema())
    loaded.replace(at, at.plus(23), rows, only=[{"sales_source": "web"}])
    faults = [one.sentence for one in verify_sales(lake).faults]
    told = f"1 {table.name[:-1]} stored on another date, too, such as {moved[table.sort_by[-1]]}"
    for other in (first, second):
        assert sum(f"{told} of {other}" in one for one in faults) == 1
    assert named(lake) == {(first, "web"), (second, "web")}
    assert named(lake, second, second) == {(first, "web"), (second, "web")}
    for day in (first, second):
        pull_again(lake, (day, "web"))
    assert named(lake) == set()


def test_without_changes_what_the_sources_got_wrong_is_a_note(lake: Lake) -> None:
    report = verify_sales(lake)
    assert report.is_proven
    assert (report.dates, report.differing, report.without) == (6, 2, ())
    assert report.notes[0].startswith(f"{report.rejected} rows of the sources rejected, and 2 ord")


def test_a_version_of_the_menu_that_is_gone_is_named_and_a_pull_repairs_it(lake: Lake) -> None:
    [(day, source), *_] = [
        key for key in keys_with_rows(lake, MENU_ITEMS, NOW.date()) if key[1] == "web"
    ]
    change(lake, MENU_ITEMS, "delete", (day, source), random.Random(SEED))
    assert named(lake, DAYS[0], DAYS[0]) == {(None, "web")}
    [fault] = verify_sales(lake).failures
    assert "web: other rows of menu_items than its ledger counts" in fault
    assert "clickstream sales pull web --all" in fault
    [_, web] = lake.settings.sales
    assert pull_listings(lake, web, NOW.date(), "repair") is None
    assert pull_listings(lake, web, NOW.date(), "repair", everything=True)
    assert verify_sales(lake).is_proven


def test_an_interrupted_publication_and_another_version_are_named_in_their_range(
    lake: Lake,
) -> None:
    right, sales = {str(DAYS[1]): versions(lake, "web")[DAYS[1]]}, sales_of("web", DAYS[1])
    overtaken, _ = begin(lake, sales, "killed")
    marks, _ = begin(lake, sales, "tests")
    end(lake, sales, right, overtaken)
    assert named(lake) == named(lake, DAYS[1], DAYS[1]) == {(DAYS[1], "web")}
    assert named(lake, DAYS[2], DAYS[2]) == set()
    end(lake, sales, {str(DAYS[1]): "another"}, marks)
    assert named(lake) == {(DAYS[1], "web")}
    end(lake, sales, right, begin(lake, sales, "tests")[0])
    assert verify_sales(lake).is_proven


def test_a_source_without_a_date_in_the_range_is_named(lake: Lake) -> None:
    before = date(2026, 1, 1)
    report = verify_sales(lake, before, before)
    assert (report.dates, report.without) == (0, ("till", "web"))
    assert report.notes[0] == (
        "till has no date in this range. To pull its sales: clickstream sales pull till"
    )


def test_status_has_the_newest_date_and_what_to_look_at(lake: Lake) -> None:
    now = datetime.now(UTC)
    till, web = lake_freshness(lake, NOW, Hour.midnight(DAYS[0])).sales
    assert (till.name, till.dates, till.newest) == ("till", 3, DAYS[-1])
    assert (till.rejected, till.differing, till.publishing) == (1, 1, ())
    text = f"newest date {DAYS[-1]}; last change published "
    assert web.sentence(now).startswith(text)
    assert web.sentence(now).endswith("3 dates; 1 with rejects; 1 with orders that differ")
    places = lake.settings.sales[0].model_copy(
        update={"name": "places", "columns": "us-city-demographics"}
    )
    both = lake.settings.model_copy(update={"sales": (*lake.settings.sales, places)})
    [early, *_] = lake_freshness(Lake(both, lake.session), NOW, Hour.midnight(NOW.date())).sales
    assert early.has_notes
    assert early.sentence(now).endswith("clickstream sales pull till")
