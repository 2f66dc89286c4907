"""Orders and net sales by place, and orders per 10,000 inhabitants with their interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.folding import OTHER, fold
from clickstream.dashboard.ask.intervals import poisson_interval
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.question import EVER, Question, build_question
from clickstream.dashboard.ask.view import CHOICES, Filter
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.pages.places.panels import PLACE_SALES, country_of
from clickstream.dashboard.widgets.lists import choice_label, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.place_names import PlaceKey, measured_place_key, place_key

# Inhabitants and other measures of places, joined to the places of visits by their names.

PEOPLE = "people"
"""The measure that is the number of inhabitants."""

_BY = ("measured_country", "measured_region", "measured_place", "measure")

Measures = Mapping[str, float]
"""Values of a place by the name of the measure."""


def measures_question(page: PageContext) -> Question:
    """Ask for the current values of the measures that the settings choose, of all places."""
    wanted = dict.fromkeys((PEOPLE, *page.settings.dashboard.place_measures))
    only = (Filter("measure", tuple(wanted)),)
    return build_question(("measured",), _BY, EVER, only)


def measures_of_places(page: PageContext) -> Mapping[PlaceKey, Measures]:
    """Return the measures of all places."""
    answer = page.ask(measures_question(page))
    return answer.derive("by place", lambda: _by_place(answer))


def _by_place(answer: Answer) -> Mapping[PlaceKey, Measures]:
    measures: dict[PlaceKey, dict[str, float]] = defaultdict(dict)
    for country, region, name, measure, value in answer.rows:
        measures[measured_place_key(country, region, name)].setdefault(measure, value)
    return measures


ROWS = 15
"""Number of places on the page; the panel's own page and its CSV file have all."""

PER = 10_000
"""Inhabitants to which orders are related."""

_LABELS = {PEOPLE: "Inhabitants", "median_age": "Median age", "household_size": "Household size"}


@dataclass(frozen=True)
class PlaceSalesRow:
    """A place with its orders, amounts and measures. `only` is a query, empty for other places.

    `rate` is the number of orders per 10,000 inhabitants, and `interval` its 90 % interval.
    """

    name: str
    width: float
    orders: str
    net_sales: str
    measures: Sequence[str]
    rate: str
    interval: str
    only: str = ""


@dataclass(frozen=True)
class PlaceSales:
    """The list, the heads of its columns of measures, and the number of places it leaves out."""

    head: str
    measures: Sequence[str]
    rows: Sequence[PlaceSalesRow]
    choices: Sequence[tuple[str, str, bool]]
    left_out: int
    has_rates: bool
    not_placed: str


def place_sales_questions(page: PageContext) -> list[Question]:
    """Ask for orders by place, then for the measures of all places."""
    return [*page.questions(PLACE_SALES), measures_question(page)]


def build_place_sales(page: PageContext) -> PlaceSales:
    """Ask for everything that the panel shows."""
    answer = fold(page.ask, place_sales_questions(page)[0])
    (dimension,) = answer.question.dimensions
    measures, measure_names = measures_of_places(page), page.settings.dashboard.place_measures
    records = answer.records()
    named = [record for record in records if isinstance(record[dimension], str)]
    shown = [*named[:ROWS], *(record for record in records if record not in named)]
    widths = bar_widths([record["orders"] for record in shown])
    rows = [
        _row(page, dimension, record, width, _measures_of(measures, dimension, record[dimension]))
        for record, width in zip(shown, widths, strict=True)
    ]
    return PlaceSales(
        DIMENSIONS[dimension].label,
        [_LABELS.get(n, n.replace("_", " ").capitalize()) for n in measure_names],
        rows,
        place_choices(page, PLACE_SALES, dimension),
        max(len(named) - ROWS, 0),
        any(row.rate != NO_VALUE for row in rows),
        _not_placed(page, answer),
    )


def _measures_of(measures: Mapping[PlaceKey, Measures], dimension: str, place: Any) -> Measures:
    return measures.get(place_key(dimension, place), {}) if isinstance(place, str) else {}


def _row(
    page: PageContext, dimension: str, record: Mapping[str, Any], width: float, measures: Measures
) -> PlaceSalesRow:
    formats, value, people = page.formats, record[dimension], measures.get(PEOPLE)
    rate, interval = NO_VALUE, ""
    if people:
        low, high = (end * PER / people for end in poisson_interval(record["orders"]))
        rate = _rate(page, record["orders"] * PER / people)
        interval = f"{_rate(page, low)} – {_rate(page, high)}"
    wanted = page.settings.dashboard.place_measures
    return PlaceSalesRow(
        value_name(page, dimension, value),
        width,
        formats.count(record["orders"]),
        page.shown(METRICS["net_sales"], record["net_sales"]),
        [_measure(page, measures.get(name)) for name in wanted],
        rate,
        interval,
        "" if value is OTHER else page.view.toggled(dimension, value).query,
    )


def _rate(page: PageContext, value: float) -> str:
    """Format a rate; one below 1 with two digits, such as 0.042."""
    return page.formats.decimal(value) if value >= 1 else page.formats.significant(value)


def _measure(page: PageContext, value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return page.formats.count(value) if value.is_integer() else page.formats.decimal(value)


def place_choices(page: PageContext, panel: Panel, shown: str) -> list[tuple[str, str, bool]]:
    """Return the choices of a list of places, without countries if only one country remains."""
    names = CHOICES[panel.name][1:] if country_of(page.view) else CHOICES[panel.name]
    return [
        (choice_label(page, name), page.view.with_choice(panel.name, name).query, name == shown)
        for name in names
    ]


def _not_placed(page: PageContext, answer: Answer) -> str:
    """State how many orders have no place: those without a visit, such as by phone."""
    orders = sum(row[1] for row in answer.rows if row[0] is None)
    if not orders:
        return ""
    return page.formats.plural(
        "{number} order has no place, because its visit is not known.",
        "{number} orders have no place, because their visits are not known.",
        orders,
    )
