"""Read the visits before orders, and the journeys from which removal effects are worked out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from clickstream.core.hours import Hour
from clickstream.insight.credit import LEAST_ORDERS, Effects
from clickstream.insight.markov import Path, credit_weights
from clickstream.lake import Lake, match_reads
from clickstream.lake.iceberg import iceberg_tables
from clickstream.sales.matching import NumberedView
from clickstream.sales.touches import outcomes_of
from clickstream.sales.visits import PART_COLUMNS, Visit, VisitPath, path_to, visits_of
from clickstream.tables import SESSION_PARTS
from clickstream.tables.sales_matches import JOURNEYS, ORDER_MATCHES

TRAINING_DAYS = 30
"""The journeys of that many days before a date give its removal effects."""

OfVisitors = dict[str, list[Visit]]


class JourneyReader:
    """The visits and journeys that the touches of dates depend on, asked for in ascending order.

    `suspected` returns the suspected visitors of a date, whose journeys do not count, and `views`
    the requests of a date for confirmation pages.
    """

    def __init__(
        self,
        lake: Lake,
        window: timedelta,
        suspected: Callable[[date], Collection[str]],
        views: Callable[[date], Sequence[NumberedView]],
    ) -> None:
        self._lake, self._window, self._suspected, self._views = lake, window, suspected, views
        self._stored: dict[date, Sequence[Mapping[str, Any]]] = {}

    def visits_before(self, visits: Collection[Visit]) -> OfVisitors:
        """Return the visits of some visits' visitors in the windows before them, by visitor."""
        if not visits:
            return {}
        starts = [visit.started_at for visit in visits]
        first, last = min(starts) - self._window, max(starts)
        return self._of_visitors({visit.visitor_id for visit in visits}, first.date(), last.date())

    def effects(self, day: date) -> Effects | None:
        """Return the weights by the journeys before a date; None with too few orders."""
        first, last = day - timedelta(days=TRAINING_DAYS), day - timedelta(days=1)
        self._read_stored(first, last)
        rows = [
            row
            for ended_on, journeys in self._stored.items()
            if first <= ended_on <= last
            for row in journeys
        ]
        orders = sum(row["journeys"] for row in rows if row["has_order"])
        return credit_weights(outcomes_of(rows)) if orders >= LEAST_ORDERS else None

    def ended(self, day: date) -> Mapping[Path, int]:
        """Count the journeys without an order that ended on a date, because the window ended.

        Their last visit began a window before the date, and was not the visit of an order.
        """
        last_day = day - self._window
        visitors = self._visitors_of(last_day)
        if not visitors:
            return {}
        of_visitor = self._of_visitors(visitors, last_day - self._window, day)
        ordering = self._ordering_sessions(last_day)
        journeys: Counter[Path] = Counter()
        for visits in of_visitor.values():
            last = max(visits, key=lambda visit: (visit.started_at, visit.session_id))
            if last.started_at.date() == last_day and last.session_id not in ordering:
                journeys[VisitPath(path_to(last, visits, self._window)).channels] += 1
        return journeys

    def _visitors_of(self, day: date) -> set[str]:
        """Return the visitors with a visit on a UTC date that is neither a bot's nor opted out.

        Suspected machines are left out as well.
        """
        columns = ["visitor_id", "is_bot", "opted_out"]
        midnight, table = Hour.midnight(day), iceberg_tables.load(self._lake, SESSION_PARTS)
        rows = table.read(midnight, midnight.plus(23), columns).to_pylist()
        people = {row["visitor_id"] for row in rows if not (row["is_bot"] or row["opted_out"])}
        return people - {*self._suspected(day)}

    def _of_visitors(self, visitors: Collection[str], first: date, last: date) -> OfVisitors:
        parts = match_reads.parts_with(
            self._lake, first, last, "visitor_id", visitors, PART_COLUMNS
        ).to_pylist()
        visits: OfVisitors = defaultdict(list)
        for visit in visits_of(part for part in parts if not part["is_bot"]).values():
            visits[visit.visitor_id].append(visit)
        return visits

    def _ordering_sessions(self, day: date) -> set[str]:
        """Return the visits of orders that began on a date: with a confirmation page, or matched.

        The rows of order_matches alone do not name the visits of dates past the replay window.
        """
        beside = timedelta(days=1)
        first, last = Hour.midnight(day - beside), Hour.midnight(day + beside)
        rows = iceberg_tables.load(self._lake, ORDER_MATCHES).read(first, last, ["session_id"])
        views = [*self._views(day), *self._views(day + beside)]
        confirmed = (
            view.session_id for view in views if view.is_successful and not view.is_machine
        )
        return {name for name in (*rows["session_id"].to_pylist(), *confirmed) if name}

    def _read_stored(self, first: date, last: date) -> None:
        """Read the stored journeys of the dates that are not known yet, and forget earlier ones."""
        self._stored = {day: rows for day, rows in self._stored.items() if day >= first}
        begin = max(self._stored, default=first - timedelta(days=1)) + timedelta(days=1)
        if begin > last:
            return
        table = iceberg_tables.load(self._lake, JOURNEYS)
        rows_by_date: dict[date, list[Mapping[str, Any]]] = {
            begin + timedelta(days=n): [] for n in range((last - begin).days + 1)
        }
        for row in table.read(Hour.midnight(begin), Hour.midnight(last)).to_pylist():
            rows_by_date[row["event_date"]].append(row)
        self._stored |= rows_by_date
