"""Read the visits before orders, and the journeys from which removal effects are worked out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core.dictionary_encoding import TEXT
from clickstream.core.hours import Hour
from clickstream.insight.credit import LEAST_ORDERS, Effects
from clickstream.insight.markov import Path, credit_weights
from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.data_files import repeating_texts
from clickstream.sales.matching import NumberedView
from clickstream.sales.touches import outcomes_of
from clickstream.sales.visits import PART_COLUMNS, Visit, VisitPath, path_to, visits_of
from clickstream.tables import SESSION_PARTS, Table
from clickstream.tables.sales_matches import JOURNEYS, ORDER_MATCHES

TRAINING_DAYS = 30
"""The journeys of that many days before a date give its removal effects."""

_AHEAD = 7
"""Dates after the requested ones that are read with them, because they are asked for next."""

_CACHED_PARTS = 2_000_000
"""Limit of the session parts that are kept in memory: about 300 MB."""

_PLAIN = pa.schema([SESSION_PARTS.arrow_schema().field(name) for name in PART_COLUMNS])
_ENCODED = pa.schema(
    [
        field.with_type(TEXT) if field.name in repeating_texts(SESSION_PARTS) else field
        for field in _PLAIN
    ]
)
"""The columns of parts; a row with repeated texts as dictionaries takes half of the memory."""

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
        self._parts: dict[date, pa.Table] = {}
        self._journeys = _RowsByDate(lake, JOURNEYS, None)
        self._matches = _RowsByDate(lake, ORDER_MATCHES, ["event_date", "session_id"])

    def note(self, day: date, rows: Mapping[Table, pa.Table]) -> None:
        """Take the matched rows of a date, on which later dates depend, before they are stored."""
        self._journeys.note(day, rows[JOURNEYS])
        self._matches.note(day, rows[ORDER_MATCHES].select(["event_date", "session_id"]))

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
        rows = self._journeys.read(_dates(first, last))
        orders = sum(row["journeys"] for row in rows if row["has_order"])
        return credit_weights(outcomes_of(rows)) if orders >= LEAST_ORDERS else None

    def ended(self, day: date) -> Mapping[Path, int]:
        """Count the journeys without an order that ended on a date, because the window ended.

        Their last visit began a window before the date, and was not the visit of an order.
        """
        last_day = day - self._window
        first = last_day - self._window
        self._parts = {of: parts for of, parts in self._parts.items() if of >= first}
        visitors = self._visitors_of(last_day) - self._visitors_after(last_day, day)
        if not visitors:
            return {}
        of_visitor = self._of_visitors(visitors, first, day)
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
        parts = self._parts_of(day)
        people = parts.filter(pc.invert(pc.fill_null(parts["opted_out"], False)))
        return {*people["visitor_id"].to_pylist()} - {*self._suspected(day)}

    def _visitors_after(self, day: date, last: date) -> set[str]:
        """Return the visitors with a visit that began after a UTC date."""
        end = Hour.midnight(day).plus(24).naive
        later = [self._parts_of(following) for following in _dates(day, last)]
        return {
            visitor
            for parts in later
            for visitor in parts.filter(pc.greater_equal(parts["session_started_at"], end))[
                "visitor_id"
            ].to_pylist()
        }

    def _of_visitors(self, visitors: Collection[str], first: date, last: date) -> OfVisitors:
        names = pa.array(sorted(visitors), pa.string())
        visits: OfVisitors = defaultdict(list)
        of_visitors = [
            parts.filter(pc.is_in(parts["visitor_id"], names))
            for parts in map(self._parts_of, _dates(first, last))
        ]
        rows = (row for parts in of_visitors for row in parts.cast(_PLAIN).to_pylist())
        for visit in visits_of(rows).values():
            visits[visit.visitor_id].append(visit)
        return visits

    def _parts_of(self, day: date) -> pa.Table:
        """Return the session parts of a date but those of bots; repeated texts are dictionaries.

        Each date is read once for all dates whose windows it is in, unless the cache is full.
        """
        if (known := self._parts.get(day)) is not None:
            return known
        at, table = Hour.midnight(day), iceberg_tables.load(self._lake, SESSION_PARTS)
        rows = table.read(at, at.plus(23), PART_COLUMNS).select(PART_COLUMNS)
        people = rows.filter(pc.invert(pc.fill_null(rows["is_bot"], False)))
        parts = people.cast(_PLAIN).cast(_ENCODED)
        if sum(map(len, self._parts.values())) + len(parts) <= _CACHED_PARTS:
            self._parts[day] = parts
        return parts

    def _ordering_sessions(self, day: date) -> set[str]:
        """Return the visits of orders that began on a date: with a confirmation page, or matched.

        The rows of order_matches alone do not name the visits of dates past the replay window.
        """
        beside = timedelta(days=1)
        matches = self._matches.read([day - beside, day, day + beside])
        views = [*self._views(day), *self._views(day + beside)]
        confirmed = (
            view.session_id for view in views if view.is_successful and not view.is_machine
        )
        matched = (row["session_id"] for row in matches)
        return {name for name in (*matched, *confirmed) if name}


class _RowsByDate:
    """Rows of a table by date, asked for in ascending order; those of a run count before stored."""

    def __init__(self, lake: Lake, table: Table, columns: list[str] | None) -> None:
        self._lake, self._table, self._columns = lake, table, columns
        self._rows: dict[date, list[Mapping[str, Any]]] = {}

    def note(self, day: date, rows: pa.Table) -> None:
        """Take the rows of a date that are not stored yet."""
        self._rows[day] = rows.to_pylist()

    def read(self, days: Sequence[date]) -> list[Mapping[str, Any]]:
        """Return the rows of consecutive dates, and forget earlier ones."""
        self._rows = {day: rows for day, rows in self._rows.items() if day >= days[0]}
        if missing := [day for day in days if day not in self._rows]:
            first, last = missing[0], missing[-1] + timedelta(days=_AHEAD)
            rows_by_date = defaultdict[date, list[Mapping[str, Any]]](list)
            stored = iceberg_tables.load(self._lake, self._table)
            read = stored.read(Hour.midnight(first), Hour.midnight(last), self._columns)
            for row in read.to_pylist():
                rows_by_date[row["event_date"]].append(row)
            for day in _dates(first, last):
                self._rows.setdefault(day, rows_by_date[day])
        return [row for day in days for row in self._rows[day]]


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
