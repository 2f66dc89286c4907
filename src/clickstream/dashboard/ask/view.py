"""The state of a page, and its URL. `view_urls` parses URLs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, get_args
from urllib.parse import urlencode

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.dimensions import OF_SUSPICION
from clickstream.dashboard.ask.periods import (
    Comparison,
    Period,
    RangeName,
    compared_with,
    period_of,
)
from clickstream.insight.holdout_terms import TestedMetric

Tab = Literal["overview", "visitors", "marketing", "orders", "places", "machines", "trust"]
Grain = Literal["hour", "day", "week"]
TABS: tuple[Tab, ...] = get_args(Tab)
GRAINS: tuple[Grain, ...] = get_args(Grain)

TILES = ("visitors", "conversions", "conversion_rate", "visits", "page_views", "engaged_rate")
"""The metrics of visits that the main chart can show, in the order of the key figures."""

MONEY_TILES = ("orders", "net_sales", "average_order")
"""The metrics of money that the main chart can show, and that have a key figure."""

CHARTED = (*TILES, *MONEY_TILES)
"""All metrics that the main chart can show."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "sources": ("channel", "source", "campaign", "referrer"),
    "pages": ("page", "landing_page", "exit_page"),
    "times": ("visits", "conversions"),
    "viewed_pages": ("page", "landing_page", "exit_page", "host"),
    "devices": ("device", "browser", "os"),
    "acquisition": ("channel", "source", "campaign", "content", "term", "referrer", "landing_page"),
    "credit": (
        "last_non_direct",
        "first",
        "last",
        "linear",
        "position",
        "time_decay",
        "markov",
        "shapley",
    ),
    "credit_by": ("campaign", "channel", "source"),
    "holdouts": get_args(TestedMetric),
    "bots": ("agent", "bot_reason", "bot_class"),
    "map": ("visits", "conversion_rate", "net_sales"),
    "places": ("country", "region", "city"),
    "place_sales": ("country", "region", "city"),
}
"""The choices of panels with several contents; the first one is the default."""

ACQUISITION_BY: Mapping[str, tuple[str, ...]] = {
    name: ("source", "medium") if name == "source" else (name,) for name in CHOICES["acquisition"]
}
"""The dimensions of each choice of the panel `acquisition`."""

NULL = "~"
"""How a URL writes the value None; other values that begin with it have it twice."""

EXCLUDED = "not."
"""How the names of parameters begin that exclude values."""

Value = str | None
"""A filter's value; None matches visits without a value."""


@dataclass(frozen=True)
class Filter:
    """One filter: visits whose dimension has one of the values, or none of them if excluded.

    In a question about page views, goals or errors, it chooses the rows that have a value. With
    `chooses_visits`, it chooses all rows of the visits that have such a row.
    """

    dimension: str
    values: tuple[Value, ...]
    is_excluded: bool = False
    chooses_visits: bool = False


EVERYONE = "everyone"
WITH_SUSPECTED = Filter("suspicion", (EVERYONE,))
"""The filter that shows suspected machines along with people: it chooses no visits."""


@dataclass(frozen=True)
class View:
    """The state of a page, as its URL describes it.

    `range` is None until the page chooses its default, see `PageContext.with_default_range`.
    `first` and `last` are the dates of an own range. `grain` is None if the range determines it.
    `choices` has the panels' choices that are not the default. `hour` is the UTC hour whose panel
    the Trust tab shows, `operator` the one whose machines the Machines tab shows; other tabs have
    none.
    """

    tab: Tab = "overview"
    range: RangeName | None = None
    first: date | None = None
    last: date | None = None
    compare: Comparison = "previous"
    metric: str = "visits"
    grain: Grain | None = None
    filters: tuple[Filter, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    hour: Hour | None = None
    operator: str = ""

    def period(self, today: date) -> Period:
        """Return the dates of the view, 28 days without a range; `today` is the site's date."""
        if self.range == "own" and self.first and self.last:
            return Period(self.first, self.last)
        return period_of(self.range or "28d", today)

    def comparison(self, today: date) -> Period | None:
        """Return the compared dates, or None."""
        return compared_with(self.period(today), self.compare)

    def choice(self, panel: str) -> str:
        """Return a panel's choice."""
        return self.choices.get(panel, CHOICES[panel][0])

    @property
    def acquisition_by(self) -> tuple[str, ...]:
        """The dimensions of the panel `acquisition`."""
        return ACQUISITION_BY[self.choice("acquisition")]

    def with_choice(self, panel: str, choice: str) -> View:
        """Return the view with another choice of a panel."""
        choices = {name: value for name, value in self.choices.items() if name != panel}
        if choice != CHOICES[panel][0]:
            choices[panel] = choice
        return replace(self, choices=choices)

    def without_metrics(self, hidden: Collection[str]) -> View:
        """Return the view with the default in place of each `hidden` metric."""
        choices = {panel: choice for panel, choice in self.choices.items() if choice not in hidden}
        metric = "visits" if self.metric in hidden else self.metric
        return replace(self, metric=metric, choices=choices)

    def with_filter(self, dimension: str, value: Value, is_excluded: bool = False) -> View:
        """Return the view with one more value of a filter; unchanged if it has the value."""
        for index, filter_ in enumerate(self.filters):
            if (filter_.dimension, filter_.is_excluded) == (dimension, is_excluded):
                values = (*filter_.values, *([value] if value not in filter_.values else []))
                widened = replace(filter_, values=values)
                return replace(self, filters=_replace_item(self.filters, index, [widened]))
        return replace(
            self, filters=(*self.filters, Filter(dimension, (value,), is_excluded=is_excluded))
        )

    def with_filters(self, *filters: Filter) -> View:
        """Return the view with more filters."""
        return replace(self, filters=(*self.filters, *filters))

    def without_dimensions(self, *dimensions: str) -> View:
        """Return the view without the filters by some dimensions."""
        filters = tuple(filter_ for filter_ in self.filters if filter_.dimension not in dimensions)
        return replace(self, filters=filters)

    def without_filter(self, dimension: str, value: Value, is_excluded: bool = False) -> View:
        """Return the view without one value of a filter."""
        for index, filter_ in enumerate(self.filters):
            if (filter_.dimension, filter_.is_excluded) == (dimension, is_excluded):
                values = tuple(other for other in filter_.values if other != value)
                rest = [replace(filter_, values=values)] if values else []
                return replace(self, filters=_replace_item(self.filters, index, rest))
        return self

    def chooses(self, dimension: str, value: Value) -> bool:
        """Whether a filter names the value of a dimension, and does not exclude it."""
        return any(
            filter_.dimension == dimension and value in filter_.values and not filter_.is_excluded
            for filter_ in self.filters
        )

    @property
    def chooses_suspicion(self) -> bool:
        """Whether a filter chooses between people and suspected machines."""
        return any(filter_.dimension in OF_SUSPICION for filter_ in self.filters)

    def toggled(self, dimension: str, value: Value) -> View:
        """Return the view after a click on a value: with the filter, or without it."""
        change = self.without_filter if self.chooses(dimension, value) else self.with_filter
        return change(dimension, value)

    def with_days(self, first: date, last: date) -> View:
        """Return the view with an own range of dates."""
        return replace(self, range="own", first=first, last=last, grain=None, hour=None)

    def with_range(self, name: RangeName) -> View:
        """Return the view with a named range."""
        return replace(self, range=name, first=None, last=None, grain=None, hour=None)

    def with_hour(self, hour: Hour, day: date) -> View:
        """Return the Trust tab with the panel of an hour, on the local date on which it begins."""
        return replace(self.with_days(day, day), tab="trust", hour=hour)

    def without_hour(self) -> View:
        """Return the view without the panel of an hour."""
        return replace(self, hour=None)

    def on_tab(self, tab: Tab) -> View:
        """Return the same view on another tab."""
        return replace(
            self,
            tab=tab,
            hour=self.hour if tab == "trust" else None,
            operator=self.operator if tab == "machines" else "",
        )

    def of_operator(self, operator: str) -> View:
        """Return the Machines tab with the machines of one operator, or of all if it is empty."""
        return replace(self.on_tab("machines"), operator=operator)

    def without_operator(self) -> View:
        """Return the view with the machines of all operators."""
        return replace(self, operator="")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters of its URL; defaults are left out."""
        pairs: list[tuple[str, str]] = []
        if self.range == "own" and self.first and self.last:
            pairs += [("from", str(self.first)), ("to", str(self.last))]
        elif self.range:
            pairs.append(("range", self.range))
        pairs += [("compare", self.compare)] if self.compare != "previous" else []
        pairs += [("metric", self.metric)] if self.metric != "visits" else []
        pairs += [("by", self.grain)] if self.grain else []
        pairs += sorted(self.choices.items())
        pairs += [("hour", str(self.hour))] if self.hour else []
        pairs += [("operator", self.operator)] if self.operator else []
        for filter_ in self.filters:
            prefix = EXCLUDED if filter_.is_excluded else ""
            pairs += [(prefix + filter_.dimension, _to_text(value)) for value in filter_.values]
        return pairs

    @property
    def query(self) -> str:
        """The URL's query with its question mark: `?` for the default view."""
        return "?" + urlencode(self.parameters)


def _replace_item(
    filters: Sequence[Filter], index: int, replacements: Sequence[Filter]
) -> tuple[Filter, ...]:
    return (*filters[:index], *replacements, *filters[index + 1 :])


def _to_text(value: Value) -> str:
    if value is None:
        return NULL
    return f"{NULL}{value}" if value.startswith(NULL) else value
