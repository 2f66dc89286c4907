"""Match orders to the views of their confirmation pages by the number of the order.

Pure functions: the result depends on the set of orders and views, and not on their order. Times are
microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal, NamedTuple

ON_THE_WEB = ("web", "app")
"""Where orders are sold that have a confirmation page."""

SUCCESSFUL = (200, 304)
HOUR = 3_600_000_000
SECOND = 1_000_000

Reason = Literal["not on the web", "opted out", "bot", "ambiguous", "hour incomplete", "no request"]
ViewKind = Literal[
    "order", "repeat", "unknown number", "ambiguous number", "failed", "bot", "opted out"
]


LARGEST_OFFSET = 600 * SECOND
"""The clocks of the shop and of the web server may differ by this time."""


class OrderKey(NamedTuple):
    """The key of an order."""

    source: str
    order_id: str


class OrderToMatch(NamedTuple):
    """An order. `is_denied` says that its customer does not want to be matched."""

    at: int
    key: OrderKey
    number: str
    day: date
    sold_by: str
    total_cents: int
    currency: str
    is_denied: bool = False

    @property
    def is_on_the_web(self) -> bool:
        """Whether it can have a confirmation page."""
        return self.sold_by in ON_THE_WEB


class NumberedView(NamedTuple):
    """A request for a confirmation page. `session_id` is None if its session part is missing."""

    at: int
    raw_object: str
    line_number: int
    number: str
    status: int
    is_machine: bool
    is_opted_out: bool
    session_id: str | None
    shown_cents: int | None = None
    network: str | None = None

    @property
    def is_successful(self) -> bool:
        """Whether the page was shown."""
        return self.status in SUCCESSFUL


class ClassifiedView(NamedTuple):
    """A view, its kind, and the order whose number it has; None without exactly one."""

    view: NumberedView
    kind: ViewKind
    order: OrderToMatch | None


@dataclass
class OrderViews:
    """The successful views with the number of an order.

    `confirmed_by` is the view that counts. `kinds` are those of all views.
    """

    number: int = 0
    confirmed_by: NumberedView | None = None
    kinds: set[ViewKind] = field(default_factory=set)


@dataclass(frozen=True)
class HourCoverage:
    """Which hours, by their number, were published with all hosts, and which of them have numbers.

    `needs_numbers` is whether only these count, because the settings have an expression for them.
    """

    complete: Collection[int]
    numbered: Collection[int]
    needs_numbers: bool = True

    def covers(self, first: int, last: int) -> bool:
        """Whether all hours with a moment from `first` to `last` are known in full."""
        hours = range(first // HOUR, last // HOUR + 1)
        covered = self.numbered if self.needs_numbers else self.complete
        return all(hour in covered for hour in hours)


@dataclass(frozen=True)
class NumberMatches:
    """The views with their kinds, in order, and the views of each order on the web."""

    views: Sequence[ClassifiedView]
    of_orders: Mapping[OrderKey, OrderViews]

    def reason(self, order: OrderToMatch, hours: HourCoverage, window: int) -> Reason | None:
        """Return why an order has no visit; None if it has one."""
        views = self.of_orders.get(order.key, OrderViews())
        if not order.is_on_the_web:
            return "not on the web"
        if order.is_denied or (views.confirmed_by is None and "opted out" in views.kinds):
            return "opted out"
        if (view := views.confirmed_by) is not None:
            return None if view.session_id else "hour incomplete"
        if "bot" in views.kinds:
            return "bot"
        if "ambiguous number" in views.kinds:
            return "ambiguous"
        is_covered = hours.covers(order.at - LARGEST_OFFSET, order.at + window)
        return "no request" if is_covered else "hour incomplete"


def match_by_number(
    orders: Iterable[OrderToMatch], views: Iterable[NumberedView], window: int
) -> NumberMatches:
    """Assign each view to the order with its number that is at most `window` microseconds earlier.

    Clocks may differ, so the order may be later by LARGEST_OFFSET. Of the successful views by
    people, the one nearest to the order is its confirmation, and if several are equally near, the
    one that shows its amount. A number that several orders within these times have is ambiguous,
    and assigned to none of them.
    """
    by_number: dict[str, list[OrderToMatch]] = defaultdict(list)
    for order in sorted(orders):
        if order.is_on_the_web:
            by_number[plain_number(order.number)].append(order)
    with_orders = []
    nearest: dict[OrderKey, tuple[int, bool, NumberedView]] = {}
    for view in sorted(views, key=lambda view: (view.at, view.raw_object, view.line_number)):
        with_number = by_number.get(plain_number(view.number), ())
        fitting = [
            order for order in with_number if -LARGEST_OFFSET <= view.at - order.at <= window
        ]
        with_orders.append((view, fitting))
        if len(fitting) == 1 and view.is_successful and not view.is_machine:
            [order] = fitting
            # Lines of logs have whole seconds.
            distance = abs(view.at - order.at) // SECOND
            rank = (distance, view.shown_cents != order.total_cents, view)
            if order.key not in nearest or rank[:2] < nearest[order.key][:2]:
                nearest[order.key] = rank
    confirming = {rank[2] for rank in nearest.values()}
    of_orders: dict[OrderKey, OrderViews] = defaultdict(OrderViews)
    classified = []
    for view, fitting in with_orders:
        kind = _kind(view, fitting, confirming)
        # Views of people who opted out are stored without their order.
        stored = fitting[0] if len(fitting) == 1 and kind != "opted out" else None
        classified.append(ClassifiedView(view, kind, stored))
        _note(view, kind, fitting, of_orders)
    return NumberMatches(classified, dict(of_orders))


def plain_number(number: str) -> str:
    """Return a number as it is compared: some shops write `#1001` where the page has `1001`."""
    return number.strip().removeprefix("#")


def _kind(
    view: NumberedView,
    fitting: Sequence[OrderToMatch],
    confirming: Collection[NumberedView],
) -> ViewKind:
    if view.is_machine:
        return "bot"
    if not view.is_successful:
        return "failed"
    if view.is_opted_out:
        return "opted out"
    if not fitting:
        return "unknown number"
    if len(fitting) > 1:
        return "ambiguous number"
    if fitting[0].is_denied:
        return "opted out"
    return "order" if view in confirming else "repeat"


def _note(
    view: NumberedView,
    kind: ViewKind,
    fitting: Sequence[OrderToMatch],
    of_orders: Mapping[OrderKey, OrderViews],
) -> None:
    """Count a successful view for each order that fits."""
    if not view.is_successful:
        return
    for order in fitting:
        views = of_orders[order.key]
        views.number += 1
        views.kinds.add(kind)
        if kind == "order":
            views.confirmed_by = view


def microseconds(at: datetime) -> int:
    """Return a time (naive UTC) in microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def moment(at: int) -> datetime:
    """Reverse `microseconds`."""
    seconds, rest = divmod(at, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=rest)


_EPOCH = datetime(1970, 1, 1)
