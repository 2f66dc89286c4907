"""The Places tab: where customers are, and where the next café could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.folding import OTHER, fold
from clickstream.dashboard.ask.intervals import known_share, wilson
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import NO_VALUE, Change
from clickstream.dashboard.pages.places.locations import NO_PLAN, build_locations
from clickstream.dashboard.pages.places.panels import MAP, PLACES_LIST, country_of
from clickstream.dashboard.pages.places.place_map import build_map
from clickstream.dashboard.pages.places.sales import build_place_sales, place_choices
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext

ROWS = 15
"""Number of places on the page; the panel's own page and its CSV file have all."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class PlaceRow:
    """A place with its numbers. `name` is short, `detail` is what it belongs to, `title` is both.

    `only` and `without` are queries, empty for the row of other places.
    """

    name: str
    detail: str
    title: str
    width: float
    visits: str
    share: str
    rate: str
    interval: str
    change: Change | None
    only: str = ""
    without: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class PlaceList:
    """The ranked list, its choices, and the number of places that it leaves out."""

    head: str
    rows: Sequence[PlaceRow]
    choices: Sequence[tuple[str, str, bool]]
    left_out: int
    is_compared: bool


def places_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    answer = _ask(page, PLACES_LIST)
    of_map = _ask(page, MAP)
    has_places = any(row[0] is not None for row in of_map.rows)
    return {
        "map": build_map(page, of_map) if has_places else None,
        "list": _place_list(page, answer),
        "has_visits": bool(of_map.rows),
        "has_database": bool(page.settings.geoip.database),
        "is_from_db_ip": is_from_db_ip(page.settings.resolve(page.settings.geoip.database or ".")),
        "other_map": _other_places(page, of_map),
        "sales": build_place_sales(page) if page.has_money else None,
        "locations": build_locations(page) if page.has_shop else None,
        "has_shop": page.has_shop,
        "no_plan": NO_PLAN,
        "can_plan": not page.identity.is_read_only,
        "no_money": explain_no_money(page),
    }


def _ask(page: PageContext, panel: Panel) -> Answer:
    (question,) = page.questions(panel)
    return fold(page.ask, question)


def _other_places(page: PageContext, answer: Answer) -> str:
    """State how many visits the map leaves out, because their places have few visitors."""
    for row in answer.records():
        if row[answer.question.dimensions[0]] is not OTHER:
            continue
        if "orders" in row:
            return page.formats.plural(
                "{number} order from places with fewer than 10 orders is not on the map.",
                "{number} orders from places with fewer than 10 orders are not on the map.",
                row["orders"],
            )
        return page.formats.plural(
            "{number} visit from places with fewer than 10 visitors is not on the map.",
            "{number} visits from places with fewer than 10 visitors are not on the map.",
            row["visits"],
        )
    return ""


def _place_list(page: PageContext, answer: Answer) -> PlaceList:
    (dimension,) = answer.question.dimensions
    records = answer.records()
    total = sum(record["visits"] for record in records)
    named = [record for record in records if record[dimension] is not OTHER]
    shown = [*named[:ROWS], *records[len(named) :]]
    widths = bar_widths([record["visits"] for record in shown])
    return PlaceList(
        DIMENSIONS[dimension].label,
        [
            _row(page, dimension, record, width, total)
            for record, width in zip(shown, widths, strict=True)
        ],
        place_choices(page, PLACES_LIST, dimension),
        max(len(named) - ROWS, 0),
        page.once(find_changes).days is not None,
    )


def _row(
    page: PageContext,
    dimension: str,
    record: Record,
    width: float,
    total: int,
) -> PlaceRow:
    formats, value, visits = page.formats, record[dimension], record["visits"]
    low, high = wilson(record.get("conversions", 0), visits)
    rate = record.get("conversion_rate")
    title = value_name(page, dimension, value)
    is_plain = dimension == "country" or value in (None, OTHER)
    row = PlaceRow(
        *((title, "") if is_plain else _names(page, value)),
        title,
        width,
        formats.count(visits),
        formats.share(known_share(visits, total), 0),
        formats.share(rate),
        NO_VALUE if rate is None else f"{formats.decimal(low * 100)}–{formats.share(high)}",
        None if value is OTHER else change_of(page, "visits", ((dimension, str(value)),)),
    )
    return row if value is OTHER else _with_links(page, dimension, value, row)


def _names(page: PageContext, value: str) -> tuple[str, str]:
    """Return a place's name and what it belongs to; the country only if there are several."""
    name, _, detail = value.partition(", ")
    if country_of(page.view):
        detail = detail.rpartition(", ")[0]
    return name, detail


def _with_links(page: PageContext, dimension: str, value: str | None, row: PlaceRow) -> PlaceRow:
    view = page.view
    return replace(
        row,
        only=view.toggled(dimension, value).query,
        without=view.with_filter(dimension, value, is_excluded=True).query,
        is_chosen=view.chooses(dimension, value),
    )


@cache
def is_from_db_ip(database: Path) -> bool:
    """Whether places come from DB-IP, by the names of the database's files."""
    names = [database.name, *(file.name for file in database.glob("*.mmdb"))]
    return any("dbip" in name.lower().replace("-", "") for name in names)
