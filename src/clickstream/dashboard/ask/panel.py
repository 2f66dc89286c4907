"""The definition of a panel: the metrics that it shows in a view, and by which dimensions.

The pages, the CSV files, the SQL behind a number and the comparison with Athena all use these
definitions. A definition asks no engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clickstream.dashboard.ask.dimensions import DIMENSIONS, Dimension
from clickstream.dashboard.ask.fact_views import MONEY, NEED_SHOP, OF_ORDERS
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import USUAL_KEY_DAYS, Question, build_question
from clickstream.dashboard.ask.view import TILES, Filter, Grain, Tab, View

GRAIN_DIMENSIONS: Mapping[Grain, tuple[str, ...]] = {
    "hour": ("day", "hour"),
    "day": ("day",),
    "week": ("week",),
}
LONGEST_BY_HOUR = 8
LONGEST_BY_DAY = 100

ROWS = 8
"""Maximum number of rows of a list on a page; its CSV file has all."""

VISITS = ("visits", "conversion_rate")
ARRIVALS = ("visits", "engaged_rate", "conversions", "conversion_rate")
LANDINGS = ("visits", "bounce_rate", "conversion_rate")


@dataclass(frozen=True)
class Panel:
    """A panel. `asks` maps its choices to metrics and dimensions; without choices, the key is "".

    It also asks for each dimension of `also_by` alone, and with `is_over_time` by hour, day or
    week. `only` are filters that it always has, in addition to those of the view. With
    `has_intervals`, the page shows the intervals of its rates. `of_money` are metrics of orders
    that it shows beside those of visits, by the same dimensions if orders have them.
    """

    name: str
    tab: Tab
    title: str
    asks: Mapping[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    also_by: Sequence[str] = ()
    only: Sequence[Filter] = ()
    is_over_time: bool = False
    has_intervals: bool = False
    of_money: Sequence[str] = ()

    def parts(self, view: View) -> tuple[Sequence[str], Sequence[str]]:
        """Return the metrics and the dimensions that it shows in a view."""
        if "" in self.asks:
            return self.asks[""]
        return self.asks[view.choice(self.name)]

    def questions(
        self,
        view: View,
        period: Period,
        key_days: int = USUAL_KEY_DAYS,
        hidden: Collection[str] = (),
        goal: str | None = None,
        of_orders: Period | None = None,
    ) -> list[Question]:
        """Return its questions in a view, for all rows, without the `hidden` metrics.

        `goal` is the site's main goal. `of_orders` is the period of orders, if it is another.
        """
        metrics, by = self.parts(view)
        metrics = [name for name in metrics if name not in hidden]
        if not metrics:
            return []
        groups = [by, *((name,) for name in self.also_by)]
        if self.is_over_time:
            groups.append((*by, *GRAIN_DIMENSIONS[grain_of(view, period)]))
        filters, dates = self.filters(view), self.dates(period)
        dates_of_orders = self.dates(of_orders or period)
        if METRICS[metrics[0]].facts in OF_ORDERS:
            dates = dates_of_orders
        questions = [
            build_question(metrics, group, dates, filters, key_days=key_days, goal=goal)
            for group in groups
        ]
        money = self.money(view, hidden)
        return [
            *questions,
            *([build_question(money, by, dates_of_orders, filters)] if money else []),
        ]

    def money(self, view: View, hidden: Collection[str] = ()) -> list[str]:
        """Return the metrics of money that it shows in a view, without the `hidden` ones."""
        is_known = all(
            DIMENSIONS[name].facts is None or name in MONEY.visit_dimensions
            for name in self.parts(view)[1]
        )
        return [name for name in self.of_money if is_known and name not in hidden]

    def dates(self, period: Period) -> Period:
        """Return the dates of its questions for a period."""
        return period

    def filters(self, view: View) -> tuple[Filter, ...]:
        """Return the filters of its questions in a view."""
        return (*view.filters, *self.only)

    def metrics(self, view: View, hidden: Collection[str] = ()) -> list[Metric]:
        """Return the metrics that it shows, without the `hidden` ones."""
        shown = [name for name in self.parts(view)[0] if name not in hidden]
        return [METRICS[name] for name in (*shown, *self.money(view, hidden))]

    def dimensions(self, view: View) -> list[Dimension]:
        """Return the dimensions that it shows."""
        return [DIMENSIONS[name] for name in (*self.parts(view)[1], *self.also_by)]

    @property
    def is_of_money(self) -> bool:
        """Whether it shows only what sites with a shop have."""
        first = next(iter(self.asks.values()), None)
        return first is not None and METRICS[first[0][0]].facts in NEED_SHOP

    @property
    def is_filtered(self) -> bool:
        """Whether the view's filters apply to its rows."""
        first = next(iter(self.asks.values()))
        facts = METRICS[first[0][0]].facts
        return facts.has_sessions or facts in OF_ORDERS


@dataclass(frozen=True)
class Trend(Panel):
    """The main chart and the sparklines: all tiles' metrics by hour, day or week."""

    def parts(self, view: View) -> tuple[Sequence[str], Sequence[str]]:
        """Return every metric that the chart can show, by the grain of the view."""
        return TILES, GRAIN_DIMENSIONS[view.grain or "day"]

    def questions(
        self,
        view: View,
        period: Period,
        key_days: int = USUAL_KEY_DAYS,
        hidden: Collection[str] = (),
        goal: str | None = None,
        of_orders: Period | None = None,
    ) -> list[Question]:
        """Return its question by the grain of the chart."""
        drawn = replace(view, grain=grain_of(view, period))
        return super().questions(drawn, period, key_days, hidden, goal, of_orders)

    @property
    def is_filtered(self) -> bool:
        """True, because it shows visits."""
        return True


def grain_of(view: View, period: Period) -> Grain:
    """Return the grain of the chart: the view's, else one for the length of the period.

    Hours of more than 8 days would be too many to see.
    """
    if view.grain == "hour" and period.days > LONGEST_BY_HOUR:
        return "day"
    if view.grain:
        return view.grain
    if period.days <= 2:
        return "hour"
    return "day" if period.days <= LONGEST_BY_DAY else "week"
