"""The DAG of sales in a running Airflow: cleared tasks, killed ones, and backfills.

The shop is stopped, so no order changes: after any schedule, the rows of the dates must be those of
one pull.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import date, timedelta

import psutil
import psycopg2
import pytest
from tests.stack.runs import (
    DEADLINE_SECONDS,
    FINISHED,
    SALES,
    backfill,
    clear,
    ended,
    set_task_state,
    states_of,
    trigger,
    wait_for_state,
)
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.core.terminal import SafeConsole
from clickstream.demo.demo import Demo
from clickstream.demo.progress import DemoStep
from clickstream.demo.sales import pull_sales
from clickstream.demo.stack import AirflowApi, Stack
from clickstream.lake import Lake, athena, publication
from clickstream.pipeline.sales.pull import name_of_batch
from clickstream.tables.sales import ORDER_ITEMS, ORDERS, REFUNDS, SALES_LEDGER, SALES_TABLES

OF_PUBLICATION = ("published_at", "published_by")
TASKS = (
    "list_sources",
    "pull_listings",
    "compare_source",
    "compare_older_dates",
    "every_source_compared",
    "dates_to_replace",
    "replace_dates.pull_sales",
    "replace_dates.check_rows",
    "replace_dates.register_tables",
    "match_orders",
    "refresh_views",
    "refresh_facts",
)


@pytest.fixture(scope="module")
def dates(demo: Demo) -> list[date]:
    """The three dates before the last one of the demo."""
    return [demo.plan.all.last.event_date - timedelta(days=day) for day in (3, 2, 1)]


@pytest.fixture(scope="module")
def pulled_once(stack: Stack, lake: Lake, dates: list[date]) -> Iterator[dict[str, list[str]]]:
    """What one pull stores while the process of the shop is stopped."""
    shop = psutil.Process(stack.processes.pids()["shop"])
    family = [shop, *shop.children(recursive=True)]
    for process in family:
        process.suspend()
    pull_sales(lake, dates[0], DemoStep(SafeConsole(quiet=True), "Sales"))
    found = contents(lake, dates)
    assert all(found[one.name] for one in (ORDERS, ORDER_ITEMS, REFUNDS, SALES_LEDGER))
    yield found
    for process in family:
        process.resume()


@pytest.fixture(scope="module")
def run_id(pulled_once, stack: Stack, api: AirflowApi, lake: Lake, dates: list[date]) -> str:
    """A run that replaces the dates, one of whose tasks is killed and then cleared."""
    forget(lake, dates)
    triggered = trigger(api, SALES, {"from": str(dates[0]), "to": str(dates[-1])})
    batch = [day for day in dates if day.month == dates[1].month]
    killed = ("replace_dates.register_tables", name_of_batch("shop", batch))
    wait_for_state(stack, api, triggered, killed, "running", SALES)
    set_task_state(api, SALES, triggered, killed[0], "failed")
    assert ended(stack, api, triggered, SALES) == "failed"
    clear(api, SALES, triggered, killed[0], only_failed=True, include_downstream=True)
    return triggered


def contents(lake: Lake, dates: list[date]) -> dict[str, list[str]]:
    """All rows of the dates, but for who published them and when."""
    found = {}
    for table in SALES_TABLES:
        kept = ", ".join(one.name for one in table.columns if one.name not in OF_PUBLICATION)
        within = f"event_date between date '{dates[0]}' and date '{dates[-1]}'"
        rows = athena.query(lake, f"select {kept} from {table.name} where {within}").rows
        found[table.name] = sorted(map(repr, rows))
    return found


def forget(lake: Lake, dates: list[date]) -> None:
    """Have the next run replace the dates, as if a publication of each was killed."""
    for day in dates:
        publication.begin(lake, publication.sales_of("shop", day), "killed")


def publishers(lake: Lake, dates: list[date]) -> set[str]:
    within = f"event_date between date '{dates[0]}' and date '{dates[-1]}'"
    of_shop = f"{SALES_LEDGER.name} where sales_source = 'shop' and {within}"
    query = f"select distinct published_by from {of_shop}"
    return {row[0] for row in athena.query(lake, query).rows}


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("select count(*) from orders", None),
        ("delete from orders", psycopg2.errors.InsufficientPrivilege),
        ("select count(*) from due_later", psycopg2.errors.InsufficientPrivilege),
    ],
)
def test_the_user_of_the_pipeline_reads_what_is_sold_and_no_more(lake, statement, error) -> None:
    [source] = [one for one in lake.settings.sales if one.name == "shop"]
    refused = pytest.raises(error) if error else nullcontext()
    with closing(psycopg2.connect(source.url)) as connection, refused:
        connection.cursor().execute(statement)


def test_a_killed_task_is_made_up_for_by_clearing_it(
    run_id, pulled_once, stack, api, lake, dates
) -> None:
    assert ended(stack, api, run_id, SALES) == "success"
    assert publishers(lake, dates) == {run_id}
    assert contents(lake, dates) == pulled_once


@pytest.mark.parametrize("include_downstream", first_in_make_test([True, False], 1))
def test_any_task_can_be_cleared_with_downstream_and_alone(
    run_id, pulled_once, stack, api, lake, dates, include_downstream: bool
) -> None:
    """One by one while the ones before still run, with what follows from it or without."""
    assert {task for task, _ in states_of(api, run_id, SALES)} == {*TASKS, "report_run"}
    forget(lake, dates)
    for task in TASKS:
        assert clear(api, SALES, run_id, task, include_downstream=include_downstream) > 0
    assert ended(stack, api, run_id, SALES) == "success"
    assert contents(lake, dates) == pulled_once


@pytest.mark.deep
@pytest.mark.parametrize("reprocess", ["none", "completed"])
def test_a_backfill_over_midnight_replaces_both_dates(
    run_id, pulled_once, stack, api, lake, dates, reprocess: str
) -> None:
    """Two runs at once, of the hours before and after midnight; each replaces its own date."""
    hours = [Hour.midnight(dates[2]).minus(1), Hour.midnight(dates[2])]
    forget(lake, dates[1:])
    fill(stack, api, hours, reprocess)
    assert publishers(lake, dates[1:]) == {*api.run_ids(SALES, hours[0], hours[1].next).values()}
    assert contents(lake, dates) == pulled_once


@pytest.mark.deep
def test_a_backfill_of_three_dates_gives_the_rows_of_one_pull_each_time(
    run_id, pulled_once, stack, api, lake, dates
) -> None:
    """24 runs of each date: one replaces it, the others find no difference."""
    first = Hour.midnight(dates[0])
    hours = [first.plus(number) for number in range(24 * len(dates))]
    for reprocess in ("none", "completed"):
        forget(lake, dates)
        fill(stack, api, hours, reprocess)
        assert contents(lake, dates) == pulled_once


def fill(stack: Stack, api: AirflowApi, hours: list[Hour], reprocess: str) -> None:
    """Run a backfill of hours, and wait until all its runs have succeeded."""
    end = hours[-1].next

    def are_finished() -> bool:
        """A run begins 10 minutes after its hour does."""
        states = api.run_states(SALES, hours[0], end)
        return len(states) == len(hours) and {*states.values()} <= FINISHED

    backfill(api, [hours[0], end], SALES, reprocess=reprocess)
    stack.wait_until("The runs", are_finished, DEADLINE_SECONDS + 60 * len(hours))
    assert api.run_states(SALES, hours[0], end) == dict.fromkeys(hours, "success")
