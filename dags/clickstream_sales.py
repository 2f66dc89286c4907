"""Every hour: replace the dates whose sales differ from the lake, and match orders to visits."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Connection, dag, get_current_context, task, task_group
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import DEFAULT_ARGS, SALES_LEDGER
from clickstream_airflow.failures import translate_errors
from clickstream_airflow.forms import sales_params
from clickstream_airflow.lake import open_lake
from clickstream_airflow.shared_tasks import refresh_after_run, refresh_views, report_run

log = logging.getLogger("clickstream")

DOC = """
### What it does
Copies the sales of the sources in `[[sales]]` to the lake: `orders`, `order_items`, `refunds`,
`campaign_spend`, `consents`, `sales_rejects` and, last, `sales_ledger`. A run compares a digest of
each UTC date at the source with that of the lake, and replaces the dates that differ. So it finds
late orders, edits, refunds and deletions. Dates of a month are read and published at once, in a
batch of at most 100,000 rows. The view `reconciliation` shows what does not agree.
`pull_listings` compares the tables without dates, such as the menu, and stores the rows that differ
as versions of the date. Once a week, `compare_older_dates` compares the dates of a database before
its horizon (`horizon_days`). Its log names those that have changed; this run replaces only those
from which an order has moved past the horizon. `match_orders` matches the orders of the dates whose
sales or hours have changed to visits: `order_matches`, `confirmation_views` and, last,
`match_ledger`. Without `[[sales]]` it does nothing.

`clickstream_hourly` never waits for this DAG. Each published date updates the asset
`clickstream.sales_ledger`.

### How urgent a red run is
* It can wait for hours: readers see the sales of the last green run. Nothing is lost, because the
  sales stay in the shop, and the next run compares all dates again.
* `compare_source`: that shop can't be read. The other sources are pulled, and
  `every_source_compared` keeps the run red.
* `compare_older_dates`: the dates since the horizon are pulled, and the next run compares the
  older ones.
* `pull_listings`: readers see the menu, the stores and the demographics of the last green run.
* A single red batch in `replace_dates`: the other dates are published.
* `match_orders`: readers see the matches of the last green run; new orders are without a visit.
* `refresh_facts`: can wait. The dashboard shows its earlier facts and their age, and the next run
  of this DAG or of `clickstream_hourly` computes what is missing.

### Where to look
The last line of the failed task's log says what is wrong and what to do. It ends with a code that
`docs/runbook.md` explains. `clickstream sales check` reads a source and stores nothing;
`clickstream sales status` shows what the lake has.

### How to rerun
*Clear task* on the failed task, with *Downstream* selected, at any time and as often as you like:
a date that is replaced twice has the same rows.

* For one range of dates, trigger the DAG and enter them in the form.
* In a *Backfill*, each run replaces the date of its data interval, if it differs; leave the fields
  of the form empty.
"""

ALL_COMPARED = "Keeps the run red if a source could not be read, although the others were pulled."

NAME_OF_BATCH = "{{ task.op_kwargs['batch']['name'] }}"
NAME_OF_STAGED = "{{ task.op_kwargs['staged']['name'] }}"

Staged = Any
"""The result that a step of a batch passes to the next step: S3 keys and counts."""


def range_of_run(run: Any) -> tuple[date | None, date | None]:
    """Return the first and the last UTC date that a run compares; None is an open end.

    They are those of its form, or the one of a backfill's data interval. Any other run compares all
    dates that the settings choose. Raises InputError for a date of the form that does not exist,
    and for a range that ends before it begins.
    """
    from clickstream.core.errors import InputError
    from clickstream.core.hours import parse_date

    if run.run_type == "backfill":
        day = run.data_interval_start.date()
        return day, day
    first, last = (
        parse_date(text) if (text := (run.conf or {}).get(name)) else None
        for name in ("from", "to")
    )
    if first and last and first > last:
        raise InputError(f"The range begins on {first}, after its end {last}: exchange them.")
    return first, last


def connection_address(name: str) -> str:
    """Return the address of an Airflow connection, with its password.

    The address is only passed to the driver: no log, XCom or rendered field has it. Raises
    IncompleteConnection.
    """
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    from clickstream.core.errors import IncompleteConnection

    try:
        return str(Connection.get(name).get_uri())
    except AirflowNotFoundException:
        raise IncompleteConnection(
            f"Airflow has no connection {name}, which [[sales]] connection names. Add it, of type "
            "Postgres or MySQL."
        ) from None


@task
@translate_errors
def list_sources() -> list[str]:
    """List the sources of sales in the settings; without any, the other tasks are skipped."""
    names = [source.name for source in open_lake().settings.sales]
    log.info(f"Sources of sales: {', '.join(names) or 'none is set in [[sales]]'}.")
    return names


@task(map_index_template="{{ task.op_kwargs['source'] }}", multiple_outputs=False)
@translate_errors
def compare_source(source: str) -> list[dict[str, Any]]:
    """Find the dates of a source that differ from the lake, by one query for each of its tables.

    They are returned in batches that are read and published at once.
    """
    from clickstream.core.wording import quantity, shorten
    from clickstream.pipeline.sales.opening import find_source
    from clickstream.pipeline.sales.pull import name_of_batch, plan_pull

    lake = open_lake()
    sales_source = find_source(lake.settings, source)
    first, last = range_of_run(get_current_context()["dag_run"])
    plan = plan_pull(lake, sales_source, datetime.now(UTC), first, last, connection_address)
    number = quantity(len(plan.survey.days), "date")
    log.info(f"{source} has {number}; to replace: {shorten(plan.dates)}.")
    for note in plan.survey.notes:
        log.warning(note)
    return [
        {"source": source, "name": name_of_batch(source, days), "days": [*map(str, days)]}
        for days in plan.batches
    ]


@task(map_index_template="{{ task.op_kwargs['source'] }}", max_active_tis_per_dag=1)
@translate_errors
def pull_listings(source: str) -> None:
    """Store what differs in a source's tables without dates, such as the menu, as new versions."""
    from clickstream.pipeline.sales import listings
    from clickstream.pipeline.sales.opening import find_source

    lake, today = open_lake(), datetime.now(UTC).date()
    sales_source = find_source(lake.settings, source)
    run_id = get_current_context()["run_id"]
    pulled = listings.pull_listings(lake, sales_source, today, run_id, connection_address)
    log.info(pulled.sentence if pulled else f"{source}: no table without dates differs.")


@task(map_index_template="{{ task.op_kwargs['source'] }}", multiple_outputs=False)
@translate_errors
def compare_older_dates(source: str) -> list[dict[str, Any]]:
    """Once a week, find the dates of a database before its horizon that have changed.

    Returns those from which an order or a refund has moved to a later date, in batches of one date.
    """
    from clickstream.pipeline.sales import older_dates
    from clickstream.pipeline.sales.opening import find_source
    from clickstream.pipeline.sales.pull import name_of_batch

    lake, now = open_lake(), datetime.now(UTC)
    found = find_source(lake.settings, source)
    run = get_current_context()["dag_run"]
    if range_of_run(run) != (None, None) or not older_dates.are_due(lake, found, now):
        log.info(f"{source}: no older dates are due to be compared.")
        return []
    older = older_dates.compare_older_dates(lake, found, now, connection_address)
    for sentence in older.sentences:
        log.warning(sentence)
    log.info(f"{source}: compared the dates before {older.since}.")
    return [
        {"source": source, "name": name_of_batch(source, [day]), "days": [str(day)]}
        for day in older.moved
    ]


@task(trigger_rule="all_done", multiple_outputs=False)
@translate_errors
def dates_to_replace(differing: Any, moved: Any = None) -> list[dict[str, Any]]:
    """Join the batches of all sources that could be read."""
    of_sources = [*(differing or ()), *(moved or ())]
    return [batch for of_source in of_sources for batch in of_source]


@task(map_index_template=NAME_OF_BATCH, multiple_outputs=False)
@translate_errors
def pull_sales(batch: dict[str, Any]) -> dict[str, Any]:
    """Read the rows of dates from one state of the source, and stage them. No table changes."""
    from clickstream.core.hours import parse_date
    from clickstream.pipeline.sales.opening import find_source
    from clickstream.pipeline.sales.pull import stage_dates

    lake = open_lake()
    source = find_source(lake.settings, batch["source"])
    days = [parse_date(day) for day in batch["days"]]
    staged = stage_dates(lake, source, days, connection_address)
    for of_date in staged.dates:
        log.info(of_date.sentence)
    return staged.as_dict()


@task(map_index_template=NAME_OF_STAGED, multiple_outputs=False)
@translate_errors
def check_rows(staged: Staged) -> dict[str, Any]:
    """Check that each row of the source is in one table or a reject, before readers see them."""
    from clickstream.pipeline.sales.pull import StagedSales, check_staged

    return check_staged(open_lake(), StagedSales.from_dict(staged)).as_dict()


@task(map_index_template=NAME_OF_STAGED, max_active_tis_per_dag=1, outlets=[SALES_LEDGER])
@translate_errors
def register_tables(staged: Staged) -> None:
    """Replace the dates in all tables of sales; read them again if another run was faster."""
    from clickstream.pipeline.sales.opening import find_source
    from clickstream.pipeline.sales.pull import StagedSales, publish_staged

    lake, checked = open_lake(), StagedSales.from_dict(staged)
    source = find_source(lake.settings, checked.source)
    run_id = get_current_context()["run_id"]
    published = publish_staged(lake, source, checked, run_id, connection_address)
    for of_date in published.dates:
        log.info(of_date.sentence)


@task(trigger_rule="none_failed", max_active_tis_per_dag=1)
@translate_errors
def match_orders(replaced: Any) -> None:
    """Match the orders of the dates whose sales, hours or settings have changed to their visits.

    Skipped, with the tasks after it, if neither sales nor matches have changed.
    """
    from clickstream.core.hours import parse_date
    from clickstream.pipeline.sales.match_plan import MatchRange
    from clickstream.pipeline.sales.matches import match_orders as match

    lake, run_id = open_lake(), get_current_context()["run_id"]
    dates = [parse_date(day) for batch in replaced or () for day in batch["days"]]
    chosen = MatchRange(since=min(dates, default=None))
    matched = match(lake, datetime.now(UTC), run_id, chosen) if lake.settings.sales else ()
    published = 0
    for matched_date in matched:
        log.info(matched_date.sentence)
        published += matched_date.is_published
    if not (published or dates):
        raise AirflowSkipException("No sales and no matches have changed.")


@task(max_active_tis_per_dag=1, multiple_outputs=False)
@translate_errors
def refresh_facts() -> dict[str, Any]:
    """Compute the dashboard's fact files for the dates that changed, of sales and of visits.

    If a batch failed, the task does not run; the next run of this DAG or of clickstream_hourly
    computes the facts of the other dates.
    """
    return refresh_after_run(get_current_context()["dag_run"])


@task_group
def replace_dates(batch: dict[str, Any]) -> None:
    """Replace dates of a source at once, from their rows there to published tables."""
    register_tables(staged=check_rows(staged=pull_sales(batch=batch)))


@dag(
    description="Every hour: replace the dates whose sales differ, and match orders to visits.",
    schedule=CronDataIntervalTimetable("10 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=2,
    default_args=dict(DEFAULT_ARGS),
    params=sales_params(),
    tags=["clickstream", "hourly", "tier-2"],
    doc_md=DOC,
)
def clickstream_sales() -> None:
    """The DAG of sales."""
    sources = list_sources()
    listings = pull_listings.expand(source=sources)
    compared = compare_source.expand(source=sources)
    every_source_compared = EmptyOperator(task_id="every_source_compared", doc_md=ALL_COMPARED)
    older = compare_older_dates.expand(source=sources)
    [compared, older] >> every_source_compared
    batches = dates_to_replace(differing=compared, moved=older)
    matched = match_orders(replaced=batches)
    facts = refresh_facts()
    replace_dates.expand(batch=batches) >> matched >> refresh_views() >> facts
    [listings, every_source_compared, facts] >> report_run().as_teardown()


clickstream_sales()
