"""Match the orders of a date, and return its rows of the tables of matches.

`pipeline.sales.matches` reads the inputs and calls this. The function is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from clickstream.insight.credit import Effects
from clickstream.insight.markov import Path
from clickstream.sales.matching import (
    HOUR,
    LARGEST_OFFSET,
    SECOND,
    ClassifiedView,
    HourCoverage,
    NumberedView,
    NumberMatches,
    OrderKey,
    OrderToMatch,
    OrderViews,
    Reason,
    match_by_number,
    moment,
)
from clickstream.sales.time_matching import (
    LARGEST_CHANCE,
    OrderForm,
    chance_share,
    match_by_time,
)
from clickstream.sales.touches import journey_rows, of_date, touch_rows
from clickstream.sales.visits import VisitArrival, VisitPath
from clickstream.tables.sales_matches import (
    CONFIRMATION_VIEWS,
    JOURNEYS,
    ORDER_MATCHES,
    ORDER_TOUCHES,
)
from clickstream.tables.table_type import Table

Method = Literal["number", "time", "none"]
FindVisits = Callable[[set[str]], Mapping[str, VisitPath]]
"""Returns the paths to the visits of some sessions; sessions that are not found are left out."""


@dataclass(frozen=True)
class MatchRules:
    """The times of `[orders]` in hours and seconds; `by_time` is whether times are compared.

    `attribution_days` is the window before an order in which visits are its touches.
    """

    window_hours: int = 24
    by_time: bool = False
    tolerance_seconds: int = 5
    attribution_days: int = 7

    @property
    def window(self) -> int:
        """The window in microseconds."""
        return self.window_hours * HOUR

    @property
    def attribution_window(self) -> timedelta:
        """The window of touches."""
        return timedelta(days=self.attribution_days)


@dataclass(frozen=True)
class MatchInputs:
    """The orders, views and sent forms that the matches of a date depend on, also of other dates.

    `hours` are the published ones. `effects` are the removal effects of channels before the date,
    None with too few orders, and `ended` counts the journeys that ended on the date in nothing.
    """

    orders: Sequence[OrderToMatch]
    views: Sequence[NumberedView]
    hours: HourCoverage
    forms: Sequence[OrderForm] = ()
    effects: Effects | None = None
    ended: Mapping[Path, int] = field(default_factory=dict)


class OrderMatch(NamedTuple):
    """The result for an order: what is known of its confirmation, or why it has none."""

    order: OrderToMatch
    method: Method
    why_none: Reason | None
    views: int
    at: int | None = None
    session_id: str | None = None
    network: str | None = None


@dataclass(frozen=True)
class MatchedDay:
    """The rows of a date by table."""

    day: date
    rows: Mapping[Table, Sequence[Mapping[str, Any]]]

    def table(self, table: Table) -> pa.Table:
        """Return the rows of a table, sorted as the table is."""
        return table.in_order(pa.Table.from_pylist(self.rows[table], table.arrow_schema()))


def match_day(day: date, inputs: MatchInputs, rules: MatchRules, find: FindVisits) -> MatchedDay:
    """Match the orders of a date, classify its confirmation views, and share the credit."""
    by_number = match_by_number(inputs.orders, inputs.views, rules.window)
    matches = [*_matches(day, inputs, rules, by_number)]
    visits = find({match.session_id for match in matches if match.session_id})
    paths = [(match, visits.get(match.session_id or "")) for match in matches]
    visited = [(match.order, path) for match, path in paths if path]
    views = [view for view in by_number.views if moment(view.view.at).date() == day]
    return MatchedDay(
        day,
        {
            ORDER_MATCHES: [_match_row(match, path) for match, path in paths],
            CONFIRMATION_VIEWS: [_view_row(view) for view in views],
            ORDER_TOUCHES: [
                row for order, path in visited for row in touch_rows(order, path, inputs.effects)
            ],
            JOURNEYS: journey_rows(day, [path.channels for _, path in visited], inputs.ended),
        },
    )


def _matches(
    day: date, inputs: MatchInputs, rules: MatchRules, by_number: NumberMatches
) -> Iterator[OrderMatch]:
    own = [order for order in inputs.orders if order.day == day]
    reasons = {order.key: by_number.reason(order, inputs.hours, rules.window) for order in own}
    timed = _by_time(own, reasons, inputs, rules, by_number) if rules.by_time else {}
    for order in own:
        views = by_number.of_orders.get(order.key, OrderViews())
        reason, view = reasons[order.key], views.confirmed_by
        if reason is None and view is not None:
            yield OrderMatch(
                order, "number", None, views.number, view.at, view.session_id, view.network
            )
        else:
            yield timed.get(order.key) or OrderMatch(order, "none", reason, views.number)


def _by_time(
    own: Iterable[OrderToMatch],
    reasons: Mapping[OrderKey, Reason | None],
    inputs: MatchInputs,
    rules: MatchRules,
    by_number: NumberMatches,
) -> dict[OrderKey, OrderMatch]:
    """Return the orders without a number in the log that a sent form fits.

    Pages with an unknown number count as sent forms. Orders that no view confirms compete. If too
    many of the matches would be chance, none of them counts.
    """
    left = [
        order
        for order in own
        if reasons[order.key] in ("no request", "hour incomplete")
        and order.key not in by_number.of_orders
        and _is_published_around(order, inputs.hours)
    ]
    confirmed = {key for key, views in by_number.of_orders.items() if views.confirmed_by}
    competing = [
        order for order in inputs.orders if order.is_on_the_web and order.key not in confirmed
    ]
    unknown = [
        OrderForm(view.view.at, view.view.session_id, network=view.view.network)
        for view in by_number.views
        if view.kind == "unknown number" and view.view.session_id
    ]
    tolerance = rules.tolerance_seconds * SECOND
    forms = [*inputs.forms, *unknown]
    fitting = match_by_time(left, competing, forms, tolerance)
    if chance_share(left, fitting, forms, tolerance) > LARGEST_CHANCE:
        fitting = dict.fromkeys(fitting)
    return {order.key: _timed(order, fitting[order.key]) for order in left if order.key in fitting}


def _is_published_around(order: OrderToMatch, hours: HourCoverage) -> bool:
    """Whether the hours in which the form of an order can be are published with all hosts."""
    all_hours = HourCoverage(hours.complete, hours.numbered, needs_numbers=False)
    return all_hours.covers(order.at - LARGEST_OFFSET, order.at + LARGEST_OFFSET)


def _timed(order: OrderToMatch, form: OrderForm | None) -> OrderMatch:
    if form is None:
        return OrderMatch(order, "none", "ambiguous", 0)
    if form.is_opted_out:
        return OrderMatch(order, "none", "opted out", 0)
    return OrderMatch(order, "time", None, 0, form.at, form.session_id, form.network)


def _match_row(match: OrderMatch, path: VisitPath | None) -> dict[str, Any]:
    """Return the row of an order; one whose visit is not stored completely has none."""
    order, has_visit = match.order, path is not None
    visit, arrival = (path.visit, path.arrival) if path else (None, VisitArrival())
    why_none = None if has_visit else match.why_none or "hour incomplete"
    apart = (match.at - order.at) / SECOND if has_visit and match.at is not None else None
    of_visit = ("session_id", "site", "landing_page", "device", "country", "region", "city")
    return {
        **of_date(order.day),
        "sales_source": order.key.source,
        "order_id": order.key.order_id,
        "method": match.method if has_visit else "none",
        "why_none": why_none,
        "seconds_apart": apart,
        "confirmation_views": match.views,
        "network": match.network if has_visit else None,
        **{name: getattr(visit, name, None) for name in of_visit},
        **arrival._asdict(),
    }


def _view_row(classified: ClassifiedView) -> dict[str, Any]:
    view, order = classified.view, classified.order
    at = moment(view.at)
    return {
        "event_date": at.date(),
        "hour_at": at.replace(minute=0, second=0, microsecond=0),
        "hit_at": at,
        "order_number": view.number,
        "kind": classified.kind,
        "sales_source": order.key.source if order else None,
        "order_id": order.key.order_id if order else None,
        "shown_cents": view.shown_cents,
        "order_cents": order.total_cents if order else None,
        "currency": order.currency if order else None,
        "raw_object": view.raw_object,
        "line_number": view.line_number,
    }
