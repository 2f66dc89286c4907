"""Match the orders of the dates that changed to their visits, and publish each date.

    plan_matches ─▶ for each date: read ─▶ match_day ─▶ publish

A date is a function of its inputs, so any order, repetition or crash of the steps gives the same
rows. `clickstream sales match` and the task `match_orders` call this.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pyarrow as pa

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
    MatchPlan,
    MatchRange,
    Step,
    plan_matches,
)
from clickstream.pipeline.sales.match_reader import MatchReader, rules_of_matches
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
        for planned in dates:
            current = plan.describe(group, planned)
            if current.step is Step.RECORD:
                version = f"{current.files}-{current.recorded.partition('-')[2]}"
                recorded = {str(current.day): current.recorded}
                publication.end(lake, matches_of(current.day), version, recorded)
            else:
                version, matched = _match(lake, group.reader, current, run_id)
                plan.note(current.day, version)
                yield matched


def _match(
    lake: Lake, reader: MatchReader, planned: DateToMatch, run_id: str
) -> tuple[str, MatchedDate]:
    """Match a date, and return the version of its rows, too."""
    before = {table: _stored_rows(lake, table, planned.day) for table in MATCHED_ROWS}
    is_new = planned.step is Step.MATCH
    rows: Rows = before
    version = planned.recorded.partition("-")[2]
    if is_new:
        day, rules = planned.day, rules_of_matches(lake)
        built = match_day(day, reader.inputs(day), rules, partial(reader.visits, day))
        rows = {table: built.table(table) for table in MATCHED_ROWS}
        version = _version_of(rows)
    if planned.is_past:  # no row may name a visit any more
        matches = rows[ORDER_MATCHES]
        column = matches.schema.get_field_index("session_id")
        nothing = pa.nulls(len(matches), pa.string())
        unnamed = matches.set_column(column, matches.schema.field(column), nothing)
        rows = {**rows, ORDER_MATCHES: unnamed}
    files = f"{planned.files}-{version}"
    is_same = not planned.is_unfinished and _is_stored(planned, before, rows)
    if is_same:
        publication.end(lake, matches_of(planned.day), files, {str(planned.day): planned.recorded})
    else:
        published = {
            **rows,
            ATTRIBUTION_CHANGES: _changes(lake, planned.day, before, rows, run_id),
            MATCH_LEDGER: _ledger(planned, rows, run_id),
        }
        new = NewRows(planned.day, published, files)
        replaces = publication.publication_in(planned.stored, matches_of(planned.day))
        publication.publish(lake, matches_of(planned.day), run_id, lambda _: new, replaces)
    return version, MatchedDate(
        planned.day,
        Counter(rows[ORDER_MATCHES]["method"].to_pylist()),
        Counter(rows[CONFIRMATION_VIEWS]["kind"].to_pylist()),
        is_published=not is_same,
        is_anonymous=planned.is_past,
    )


def _version_of(rows: Rows) -> str:
    """Return a digest of the rows on which the credits of later dates depend."""
    orders = rows[ORDER_MATCHES].select(["sales_source", "order_id", "session_id"]).to_pylist()
    return digest_texts(map(str, [*orders, *rows[JOURNEYS].to_pylist()]), 16)


def _changes(lake: Lake, day: date, before: Rows, rows: Rows, run_id: str) -> pa.Table:
    """Return the stored changes of a date's credits, and those between the rows."""
    stored = _stored_rows(lake, ATTRIBUTION_CHANGES, day)
    old, new = (tables[ORDER_TOUCHES].to_pylist() for tables in (before, rows))
    now = datetime.now(UTC).replace(tzinfo=None)
    changes = [
        {**of_date(day), **change, "changed_at": now, "changed_by": run_id}
        for change in changed_credits(old, new, stored.to_pylist())
    ]
    schema = ATTRIBUTION_CHANGES.arrow_schema()
    return pa.concat_tables([stored, pa.Table.from_pylist(changes, schema)])


def _stored_rows(lake: Lake, table: Table, day: date) -> pa.Table:
    """Return the stored rows of a date in the types and the order of the table."""
    at = Hour.midnight(day)
    return table.in_order(iceberg_tables.load(lake, table).read(at, at.plus(23)))


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
