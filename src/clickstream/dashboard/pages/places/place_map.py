"""The map of the Places tab: countries of the world, or the cities of one country."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.folding import named_rows
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.charts.maps import (
    HEIGHT,
    OUTLINE_HEIGHT,
    OUTLINE_WIDTH,
    WIDTH,
    Classes,
    Label,
    Point,
    Spot,
    classes_of_counts,
    classes_of_shares,
    on_outline,
    on_world,
    place_labels,
    radius,
    shapes,
    shapes_digest,
)
from clickstream.dashboard.pages.places.locations import MapMark, map_marks
from clickstream.dashboard.pages.places.panels import country_of
from clickstream.dashboard.widgets.lists import choices_of, value_name
from clickstream.dashboard.widgets.page import PageContext

DOT = 7
"""Radius of a country without a shape, in units of the world map."""
TOO_FEW = 0
"""The shade of places with too few visits for a rate."""
FLAT = 5
"""The shade of a city's circle if only its size shows the number."""

WORLD_SCALE = 2
"""Marks on the world map are drawn larger: its view box is twice as wide as a country's."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Area:
    """A place on the map: a shape in the file (`shape` is its id), or a circle."""

    title: str
    query: str
    level: int
    shape: str = ""
    x: float = 0
    y: float = 0
    radius: float = 0
    is_chosen: bool = False


@dataclass(frozen=True)
class LegendEntry:
    """A shade, and the values that it represents."""

    level: int
    text: str


@dataclass(frozen=True)
class PlaceMap:
    """A map: its view box, the file and the ids of its background, and its places.

    `country` is the name of the only country, and `back` the query of the world map; both are empty
    on the world map. `outside` is the number of cities outside the country's outline. `marks` are
    the candidates for a new café, drawn at `mark_scale`.
    """

    width: int
    height: int
    file: str
    ground: str
    areas: Sequence[Area]
    labels: Sequence[Label]
    legend: Sequence[LegendEntry]
    choices: Sequence[tuple[str, str, bool]]
    label: str
    country: str = ""
    back: str = ""
    outside: int = 0
    marks: Sequence[MapMark] = ()
    mark_scale: float = 1


def build_map(page: PageContext, answer: Answer) -> PlaceMap:
    """Build the map of an answer by country, or by city if only one country remains."""
    (dimension,) = answer.question.dimensions
    size = len(named_rows(answer))
    records = [record for record in answer.records()[:size] if record[dimension] is not None]
    code = country_of(page.view)
    return _country_map(page, records, code) if code else _world_map(page, records)


def _world_map(page: PageContext, records: Sequence[Record]) -> PlaceMap:
    classes = _classes(page, records)
    dots = _dots(
        page, [record["country"] for record in records if record["country"] not in shapes()]
    )
    areas = []
    for record in records:
        code = record["country"]
        area = _area(page, "country", record, classes)
        if code in shapes():
            areas.append(replace(area, shape=code))
        elif code in dots:
            x, y = dots[code]
            areas.append(replace(area, x=x, y=y, radius=DOT))
    return PlaceMap(
        width=WIDTH,
        height=HEIGHT,
        file=f"static/map/world.svg?{shapes_digest()}",
        ground="land",
        areas=areas,
        labels=(),
        legend=_legend(page, records, classes),
        choices=choices_of(page, "map"),
        label=f"Countries by {_metric_label(page)}",
        marks=map_marks(page, None),
        mark_scale=WORLD_SCALE,
    )


def _country_map(page: PageContext, records: Sequence[Record], code: str) -> PlaceMap:
    classes = _classes(page, records)
    spots = _spots(page, records, code)
    placed = [(record, spots[record["city"]]) for record in records if record["city"] in spots]
    largest = max((_size(page, record) for record, _ in placed), default=1) or 1
    areas = [
        replace(
            _area(page, "city", record, classes),
            x=spot.x,
            y=spot.y,
            radius=radius(_size(page, record), largest),
        )
        for record, spot in placed
    ]
    country = page.formats.country(code)
    return PlaceMap(
        width=OUTLINE_WIDTH,
        height=OUTLINE_HEIGHT,
        file=f"static/map/{code}.svg?{shapes_digest()}",
        ground=code,
        areas=areas,
        labels=place_labels([spot for _, spot in placed]),
        legend=_legend(page, records, classes) if _shows_rates(page) else (),
        choices=choices_of(page, "map"),
        label=f"Cities of {country} by {_metric_label(page)}",
        country=country,
        back=_without_places(page),
        marks=map_marks(page, code),
        outside=len(records) - len(placed),
    )


def _without_places(page: PageContext) -> str:
    """Return the query of the view without filters of places."""
    filters = [
        filter_
        for filter_ in page.view.filters
        if filter_.dimension not in ("country", "region", "city")
    ]
    return replace(page.view, filters=tuple(filters)).query


def _shows_rates(page: PageContext) -> bool:
    return page.view.choice("map") == "conversion_rate"


def _metric_label(page: PageContext) -> str:
    return page.metric(page.view.choice("map")).label


def _classes(page: PageContext, records: Sequence[Record]) -> Classes:
    if _shows_rates(page):
        return classes_of_shares(
            [record["conversion_rate"] for record in records if _has_rate(record)]
        )
    return classes_of_counts([_size(page, record) for record in records])


def _shows_sales(page: PageContext) -> bool:
    return page.view.choice("map") == "net_sales"


def _size(page: PageContext, record: Record) -> float:
    """Return what the area of a place shows: its visits, or its net sales in whole units."""
    shown: float = max(record["net_sales"] / 100, 0) if _shows_sales(page) else record["visits"]
    return shown


def _has_rate(record: Record) -> bool:
    return record.get("conversion_rate") is not None


def _area(page: PageContext, dimension: str, record: Record, classes: Classes) -> Area:
    formats, value = page.formats, record[dimension]
    parts = [_number(page, record)]
    if _has_rate(record) and page.has_goals:
        label = page.metric("conversion_rate").label
        parts.append(f"{label} {formats.share(record['conversion_rate'])}")
    view = page.view
    return Area(
        f"{value_name(page, dimension, value)}: {', '.join(parts)}",
        view.toggled(dimension, value).query,
        _level(page, dimension, record, classes),
        is_chosen=view.chooses(dimension, value),
    )


def _number(page: PageContext, record: Record) -> str:
    formats = page.formats
    if not _shows_sales(page):
        return formats.plural("{number} visit", "{number} visits", record["visits"])
    orders = formats.plural("{number} order", "{number} orders", record["orders"])
    return f"{page.shown(METRICS['net_sales'], record['net_sales'])}, {orders}"


def _level(page: PageContext, dimension: str, record: Record, classes: Classes) -> int:
    if _shows_rates(page):
        return classes.level(record["conversion_rate"]) if _has_rate(record) else TOO_FEW
    return FLAT if dimension == "city" else classes.level(_size(page, record))


def _legend(page: PageContext, records: Sequence[Record], classes: Classes) -> list[LegendEntry]:
    entries = [
        LegendEntry(level, text)
        for level, text in zip(classes.levels, _spans(page, classes.bounds), strict=True)
    ]
    if _shows_rates(page) and not all(map(_has_rate, records)):
        entries.insert(0, LegendEntry(TOO_FEW, "too few visits"))
    return entries if records else []


def _spans(page: PageContext, bounds: Sequence[float]) -> Iterator[str]:
    """Describe the values of each class: from its bound to the next one."""
    formats = page.formats
    digits = 0 if all(float(round(bound * 100, 6)).is_integer() for bound in bounds) else 1
    for low, high in zip(bounds, [*bounds[1:], None], strict=True):
        if _shows_rates(page):
            shown, last = formats.share(low, digits), formats.share(high or 0, digits)
        elif _shows_sales(page):
            shown, last = (
                formats.whole_units(low * 100),
                formats.whole_units(((high or 1) - 1) * 100),
            )
        else:
            shown, last = formats.count(low), formats.count((high or 1) - 1)
        if high is None:
            yield f"{shown} or more"
        else:
            yield f"{shown} – {last}"


def _dots(page: PageContext, countries: Sequence[str]) -> dict[str, Point]:
    """Place countries without a shape at the mean of the places that requests came from."""
    if not countries:
        return {}
    filters = (Filter("place_country", tuple(countries)),)
    coordinates = _coordinates(page, "place_country", filters)
    return {code: _rounded(on_world(*point)) for code, point in coordinates.items()}


def _spots(page: PageContext, records: Sequence[Record], code: str) -> dict[str, Spot]:
    """Place the cities of a country on its outline; leave out cities outside it."""
    coordinates = _coordinates(page, "place_city", (Filter("place_country", (code,)),))
    spots = {}
    for record in records:
        point = coordinates.get(record["city"])
        on_map = on_outline(code, *point) if point else None
        if on_map:
            x, y = _rounded(on_map)
            name = str(record["city"]).partition(", ")[0]
            spots[record["city"]] = Spot(x, y, name, _size(page, record))
    return spots


def _coordinates(page: PageContext, dimension: str, filters: Sequence[Filter]) -> dict[str, Point]:
    names = ("place_longitude", "place_latitude")
    rows = page.ask(build_question(names, (dimension,), page.period, filters)).rows
    return {name: (x, y) for name, x, y in rows if None not in (name, x, y)}


def _rounded(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)
