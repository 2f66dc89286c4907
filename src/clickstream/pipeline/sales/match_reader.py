"""Read what the matches of a date depend on; `matches` calls this.

The orders and views of a date are read once for all dates of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from clickstream.core.hours import Hour
from clickstream.lake import Lake, match_reads
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.visitor_keys import KeyPeriod
from clickstream.pipeline.sales.journey_reader import JourneyReader
from clickstream.sales.match_day import MatchInputs, MatchRules
from clickstream.sales.matching import (
    HourCoverage,
    NumberedView,
    OrderKey,
    OrderToMatch,
    microseconds,
)
from clickstream.sales.time_matching import OrderForm
from clickstream.sales.visits import PART_COLUMNS, Visit, VisitPath, path_to, visits_of
from clickstream.tables import Table
from clickstream.tables.people import SUSPECTED_VISITORS
from clickstream.tables.sales import ORDERS

Row = Mapping[str, Any]

_OF_ORDERS = [
    "ordered_at",
    "sales_source",
    "order_id",
    "order_number",
    "event_date",
    "sold_by",
    "total_cents",
    "currency",
    "customer_key",
]
_OF_SESSIONS = ("part_id", "visitor_id", "session_id", "session_started_at")
_REFUSED = ("denied", "withdrawn")


def rules_of_matches(lake: Lake) -> MatchRules:
    """Return the rules of `[orders]`."""
    chosen = lake.settings.orders
    return MatchRules(
        chosen.window_hours,
        chosen.match_by_time,
        chosen.time_tolerance_seconds,
        chosen.attribution_days,
    )


class MatchReader:
    """The inputs of the matches of some dates, which are asked for in ascending order.

    `hours` are rows of the hour ledger, which were read before.
    """

    def __init__(self, lake: Lake, hours: Iterable[Row]) -> None:
        self._lake = lake
        self._rules = rules_of_matches(lake)
        orders = lake.settings.orders
        complete = [row for row in hours if not row["missing_sources"]]
        self._hours = HourCoverage(
            {Hour.at(row["hour_at"]).number for row in complete},
            {Hour.at(row["hour_at"]).number for row in complete if row["has_order_numbers"]},
            # Hours without numbers are incomplete, unless orders are matched by time alone.
            needs_numbers=bool(orders.number) or not orders.match_by_time,
        )
        self._orders: dict[date, list[OrderToMatch]] = {}
        self._views: dict[date, list[NumberedView]] = {}
        self._forms: dict[date, list[OrderForm]] = {}
        self._suspected: dict[date, set[str]] = {}
        window = self._rules.attribution_window
        self._journeys = JourneyReader(lake, window, self._suspected_of, self._views_of)

    def inputs(self, day: date) -> MatchInputs:
        """Return the orders, views and sent forms that the matches of a date depend on."""
        reach = Reach(self._rules)
        before = day - timedelta(days=max(reach.orders_before, reach.attribution_days) + 1)
        for by_day in (self._orders, self._views, self._forms):
            for old in [known for known in by_day if known < before]:  # no later date needs it
                del by_day[old]
        views = days_around(day, reach.views_before, reach.days)
        forms = days_around(day, 1, 1) if self._rules.by_time else []
        return MatchInputs(
            [
                order
                for order_day in days_around(day, reach.orders_before, reach.orders_after)
                for order in self._orders_of(order_day)
            ],
            [view for view_day in views for view in self._views_of(view_day)],
            self._hours,
            [form for form_day in forms for form in self._forms_of(form_day)],
            self._journeys.effects(day),
            self._journeys.ended(day),
        )

    def note(self, day: date, rows: Mapping[Table, pa.Table]) -> None:
        """Take the matched rows of a date, on which later dates depend, before they are stored."""
        self._journeys.note(day, rows)

    def visits(self, day: date, sessions: set[str]) -> dict[str, VisitPath]:
        """Return the visits of the orders of a date, with those in the window before them."""
        if not sessions:
            return {}
        first_day, last_day = self._days_of(day, sessions)
        parts = match_reads.parts_with(
            self._lake, first_day, last_day, "session_id", sessions, PART_COLUMNS
        )
        visits = visits_of(parts.to_pylist())
        of_visitor = self._journeys.visits_before(visits.values())
        window = self._rules.attribution_window
        return {
            name: VisitPath(
                path_to(visit, of_visitor.get(visit.visitor_id, ()), window), self._is_cut(visit)
            )
            for name, visit in visits.items()
        }

    def _is_cut(self, visit: Visit) -> bool:
        """Whether visits in the window before one may be unknown."""
        earliest = visit.started_at - self._rules.attribution_window
        period = KeyPeriod.of(Hour.at(visit.started_at), self._lake.settings.privacy.key_days)
        is_published = HourCoverage(self._hours.complete, (), needs_numbers=False).covers(
            microseconds(earliest), microseconds(visit.started_at)
        )
        return earliest < period.start.replace(tzinfo=None) or not is_published

    def _days_of(self, day: date, sessions: set[str]) -> tuple[date, date]:
        """Return the dates that sessions can have parts on: those beside their requests' dates."""
        days = {
            request_day
            for by_day in (self._views, self._forms)
            for request_day, requests in by_day.items()
            if any(request.session_id in sessions for request in requests)
        }
        beside = timedelta(days=1)
        return min(days, default=day) - beside, max(days, default=day) + beside

    def _orders_of(self, day: date) -> list[OrderToMatch]:
        if day not in self._orders:
            at = Hour.midnight(day)
            rows = iceberg_tables.load(self._lake, ORDERS).read(at, at, _OF_ORDERS).to_pylist()
            self._orders[day] = [
                OrderToMatch(
                    microseconds(row["ordered_at"]),
                    OrderKey(row["sales_source"], row["order_id"]),
                    row["order_number"],
                    row["event_date"],
                    row["sold_by"],
                    row["total_cents"],
                    row["currency"],
                    row["customer_key"] in self._denied,
                )
                for row in rows
            ]
        return self._orders[day]

    def _views_of(self, day: date) -> list[NumberedView]:
        if day not in self._views:
            hits = match_reads.numbered_hits(self._lake, day).to_pylist()
            sessions = self._sessions(day, hits)
            self._views[day] = [self._view(hit, sessions.get(hit["part_id"])) for hit in hits]
        return self._views[day]

    def _view(self, hit: Row, session: Row | None) -> NumberedView:
        is_suspected = False
        if session is not None:
            started_on = session["session_started_at"].date()
            is_suspected = session["visitor_id"] in self._suspected_of(started_on)
        return NumberedView(
            microseconds(hit["hit_at"]),
            hit["raw_object"],
            hit["line_number"],
            hit["order_number"],
            hit["status"],
            hit["is_bot"] or is_suspected,
            bool(hit["opted_out"]),
            session["session_id"] if session else None,
            hit["shown_cents"],
            hit["network"],
        )

    def _forms_of(self, day: date) -> list[OrderForm]:
        if day not in self._forms:
            form = self._lake.settings.orders.form
            hits = match_reads.sent_forms(self._lake, day, form).to_pylist()
            sessions = self._sessions(day, hits)
            self._forms[day] = [
                OrderForm(
                    microseconds(hit["hit_at"]),
                    sessions[hit["part_id"]]["session_id"],
                    bool(hit["opted_out"]),
                    hit["network"],
                )
                for hit in hits
                if hit["part_id"] in sessions
            ]
        return self._forms[day]

    def _sessions(self, day: date, hits: Iterable[Row]) -> dict[str, Row]:
        """Return the session of each part of some hits of a date."""
        part_ids = {hit["part_id"] for hit in hits}
        if not part_ids:
            return {}
        parts = match_reads.parts_with(self._lake, day, day, "part_id", part_ids, _OF_SESSIONS)
        return {row["part_id"]: row for row in parts.to_pylist()}

    def _suspected_of(self, day: date) -> set[str]:
        if day not in self._suspected:
            at, table = Hour.midnight(day), iceberg_tables.load(self._lake, SUSPECTED_VISITORS)
            self._suspected[day] = {*table.read(at, at, ["visitor_id"])["visitor_id"].to_pylist()}
        return self._suspected[day]

    @cached_property
    def _denied(self) -> set[str]:
        """The customers who refuse at least one purpose, by their latest statement on it.

        Of two statements at the same time, the refusal counts.
        """
        latest: dict[tuple[str, str], tuple[Any, bool]] = {}
        for row in match_reads.consents(self._lake).to_pylist():
            key = row["customer_key"], row["purpose"]
            statement = (row["recorded_at"], row["state"] in _REFUSED)
            latest[key] = max(latest.get(key, statement), statement)
        return {customer for (customer, _), (_, is_refused) in latest.items() if is_refused}


class Reach:
    """How many dates before and after a date its matches depend on.

    An order's views are within the window (`days`). The kind of a view depends on the order that it
    confirms, the nearer views of this order, and the orders that these may confirm. A journey that
    ends in nothing began up to two windows of attribution earlier.
    """

    def __init__(self, rules: MatchRules) -> None:
        days = -(-rules.window_hours // 24)
        self.days, self.attribution_days = days, rules.attribution_days
        self.views_before = 2 * days
        self.orders_before = 3 * days
        self.orders_after = 2 * days
        self.hours_before = 2 * max(rules.attribution_days, days) + 2
        self.hours_after = days + 1


def days_around(day: date, before: int, after: int) -> list[date]:
    """Return a date with those before and after it."""
    return [day + timedelta(days=number) for number in range(-before, after + 1)]
