"""Match the orders of the dates that changed to their visits, and publish the dates in batches.

    plan_matches ─▶ for each batch: for each date: read ─▶ match_day, then publish

A date is a function of its inputs, so any order, repetition or crash of the steps gives the same
rows. `clickstream sales match` and the task `match_orders` call this.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clickstream import __version__
from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors, publication, row_digests
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import NewRows, matches_of
from clickstream.pipeline.sales.match_plan import (
    DateToMatch,
    MatchGroup,
    MatchPlan,
    MatchRange,
    Step,
    plan_matches,
)
from clickstream.pipeline.sales.match_reader import rules_of_matches
from clickstream.sales.match_day import match_day
from clickstream.sales.touches import changed_credits, of_date
from clickstream.tables import Table
from clickstream.tables.sales_matches import (
    ATTRIBUTION_CHANGES,
    CONFIRMATION_VIEWS,
    JOURNEYS,
    MATCH_LEDGER,
    MATCHED_ROWS,
    ORDER_MATCHES,
    ORDER_TOUCHES,
)

_ATTEMPTS = 5

ORDERS_AT_ONCE = 50_000
"""Limit of the orders whose matches are published at once, which bounds memory."""

Rows = Mapping[Table, pa.Table]


@dataclass(frozen=True)
class MatchedDate:
    """A date that was matched: its orders by method, and whether its rows have changed."""

    day: date
    methods: Counter[str]
    views: Counter[str]
    is_published: bool
    is_anonymous: bool

    @property
    def orders(self) -> int:
        """The number of orders."""
        return sum(self.methods.values())

    @property
    def matched(self) -> int:
        """The number of orders with a visit."""
        return self.orders - self.methods["none"]

    @property
    def sentence(self) -> str:
        """One line for the log."""
        parts = [
            f"{self.day}: {self.matched:,} of {quantity(self.orders, 'order')} matched",
            quantity(sum(self.views.values()), "confirmation view"),
        ]
        if number := self.views["unknown number"]:
            parts.append(f"{number:,} with an unknown number")
        if not self.is_published:
            parts.append("unchanged")
        elif self.is_anonymous:
            parts.append("without the ids of visits")
        return f"{', '.join(parts)}."


@aws_errors.translate_errors()
def match_orders(
    lake: Lake, now: datetime, run_id: str, chosen: MatchRange | None = None
) -> Iterator[MatchedDate]:
    """Match the dates that changed; yield each when it is published.

    What a date gives to the credits of later dates may have changed: then these are compared again.
    If another process publishes a date meanwhile, what is left is compared again. Raises StaleHour
    if that happens too often and no fewer dates are left: two processes that match the same dates
    at once overtake each other at any of them, and both make progress. They wait a random time,
    because two that collide at the last date, in step, would collide there again and again.
    """
    attempts, left = 0, 0
    chosen = chosen or MatchRange()
    while True:
        plan = plan_matches(lake, now, chosen)
        attempts = attempts + 1 if len(plan.dates) == left else 1
        left = len(plan.dates)
        try:
            yield from match_dates(lake, plan, run_id)
        except StaleHour:
            if attempts == _ATTEMPTS:
                raise
            time.sleep(random.uniform(0, attempts))  # noqa: S311 - no secret
        else:
            if not plan.has_outdated:
                return
            chosen = replace(chosen, everything=False)


def match_dates(lake: Lake, plan: MatchPlan, run_id: str) -> Iterator[MatchedDate]:
    """Match the dates of a plan. Raises StaleHour if another process publishes one of them."""
    for group, dates in plan.groups:
        planned = {of_date.day: of_date for of_date in dates}
        for days in publication.batches_of(planned, ORDERS_AT_ONCE, group.inputs.orders_of):
            yield from _match_batch(lake, plan, group, [planned[day] for day in days], run_id)


def _match_batch(
    lake: Lake, plan: MatchPlan, group: MatchGroup, dates: Sequence[DateToMatch], run_id: str
) -> list[MatchedDate]:
    """Match dates of a month, and publish at once those whose rows differ."""
    stored = _stored_rows(lake, [of_date.day for of_date in dates])
    results, new, replaces = [], [], []
    unchanged: dict[str, str] = {}
    for of_plan in dates:
        planned = plan.describe(group, of_plan)
        day, version = planned.day, planned.recorded.partition("-")[2]
        if planned.step is Step.RECORD:
            unchanged[str(day)] = f"{planned.files}-{version}"
            continue
        before = {
            table: table.in_order(rows.filter(pc.equal(rows["event_date"], day)))
            for table, rows in stored.items()
        }
        rows = {table: before[table] for table in MATCHED_ROWS}
        if planned.step is Step.MATCH:
            find = partial(group.reader.visits, day)
            built = match_day(day, group.reader.inputs(day), rules_of_matches(lake), find)
            rows = {table: built.table(table) for table in MATCHED_ROWS}
            version = _version_of(rows)
        if planned.is_past:
            rows[ORDER_MATCHES] = _without_visits(rows[ORDER_MATCHES])
        is_same = not planned.is_unfinished and _is_stored(planned, before, rows)
        results.append(_result(planned, rows, is_published=not is_same))
        group.reader.note(day, rows)  # later dates depend on them, and they are not stored yet
        plan.note(day, version)
        if is_same:
            unchanged[str(day)] = f"{planned.files}-{version}"
            continue
        rows[ATTRIBUTION_CHANGES] = _changes(day, before, rows, run_id)
        rows[MATCH_LEDGER] = _ledger(planned, rows, run_id)
        new.append(NewRows(day, rows, f"{planned.files}-{version}"))
        replaces.append(planned.publication)
    if new:
        days = [of_date.day for of_date in new]
        publication.publish(lake, matches_of(*days), run_id, lambda _: new, replaces)
    if unchanged:
        recorded = {str(of_date.day): of_date.recorded for of_date in dates}
        publication.end(
            lake,
            matches_of(dates[0].day),
            unchanged,
            {entry: recorded[entry] for entry in unchanged},
        )
    return results


def _stored_rows(lake: Lake, days: Sequence[date]) -> dict[Table, pa.Table]:
    first, last = Hour.midnight(days[0]), Hour.midnight(days[-1]).plus(23)
    tables = (*MATCHED_ROWS, ATTRIBUTION_CHANGES)
    return {table: iceberg_tables.load(lake, table).read(first, last) for table in tables}


def _without_visits(matches: pa.Table) -> pa.Table:
    """Return the matches of a past date: no row may name a visit any more."""
    column = matches.schema.get_field_index("session_id")
    nothing = pa.nulls(len(matches), pa.string())
    return matches.set_column(column, matches.schema.field(column), nothing)


def _result(planned: DateToMatch, rows: Rows, *, is_published: bool) -> MatchedDate:
    return MatchedDate(
        planned.day,
        Counter(rows[ORDER_MATCHES]["method"].to_pylist()),
        Counter(rows[CONFIRMATION_VIEWS]["kind"].to_pylist()),
        is_published=is_published,
        is_anonymous=planned.is_past,
    )


def _version_of(rows: Rows) -> str:
    """Return a digest of the rows on which the credits of later dates depend."""
    orders = rows[ORDER_MATCHES].select(["sales_source", "order_id", "session_id"]).to_pylist()
    return digest_texts(map(str, [*orders, *rows[JOURNEYS].to_pylist()]), 16)


def _changes(day: date, before: Rows, rows: Rows, run_id: str) -> pa.Table:
    """Return the stored changes of a date's credits, and those between the rows."""
    stored = before[ATTRIBUTION_CHANGES]
    old, new = (tables[ORDER_TOUCHES].to_pylist() for tables in (before, rows))
    now = datetime.now(UTC).replace(tzinfo=None)
    changes = [
        {**of_date(day), **change, "changed_at": now, "changed_by": run_id}
        for change in changed_credits(old, new, stored.to_pylist())
    ]
    schema = ATTRIBUTION_CHANGES.arrow_schema()
    return pa.concat_tables([stored, pa.Table.from_pylist(changes, schema)])


def _is_stored(planned: DateToMatch, before: Rows, rows: Rows) -> bool:
    """Whether the lake has these rows, published for a date on the same side of the window.

    The ledger must count them. That of a past date has the digest of its sales, by which its rows
    are kept later.
    """
    ledger = planned.stored.to_pylist()
    if not ledger or ledger[0]["is_anonymous"] != planned.is_past:
        return False
    if not _counts(rows).items() <= ledger[0].items():
        return False
    if planned.is_past and ledger[0]["inputs_digest"] != planned.inputs:
        return False
    return all(before[table].equals(rows[table]) for table in MATCHED_ROWS)


def _counts(rows: Rows) -> dict[str, int | str]:
    """Count the rows of a date, as its ledger does, which also has their digest."""
    methods = rows[ORDER_MATCHES]["method"].to_pylist()
    journeys = rows[JOURNEYS].to_pylist()
    return {
        "orders": len(methods),
        "matched": sum(method != "none" for method in methods),
        "confirmation_views": len(rows[CONFIRMATION_VIEWS]),
        "touches": len(rows[ORDER_TOUCHES]),
        "journeys": sum(row["journeys"] for row in journeys if not row["has_order"]),
        "rows_digest": row_digests.of_rows(rows, MATCHED_ROWS),
    }


def _ledger(planned: DateToMatch, rows: Rows, run_id: str) -> pa.Table:
    row: dict[str, Any] = {
        **of_date(planned.day),
        **_counts(rows),
        "inputs_digest": planned.inputs,
        "is_anonymous": planned.is_past,
        "library_version": __version__,
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "published_by": run_id,
    }
    return pa.Table.from_pylist([row], MATCH_LEDGER.arrow_schema())
