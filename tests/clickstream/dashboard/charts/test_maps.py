"""The shapes of the maps are whole, and places lie where they are."""

from __future__ import annotations

import gzip
import re
from importlib.resources import files
from math import hypot
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from clickstream.dashboard.charts import maps
from clickstream.dashboard.charts.maps import (
    LEVELS,
    MOST_LABELS,
    Spot,
    classes_of_counts,
    classes_of_shares,
    place_labels,
    radius,
)

DIRECTORY = files("clickstream.dashboard") / "static" / "map"
FILES = sorted(one.name for one in DIRECTORY.iterdir())
OTHERS = ("LICENSE", "index.json")
OUTLINES = [name.removesuffix(".svg") for name in FILES if re.fullmatch("[A-Z]{2}.svg", name)]
SVG = "{http://www.w3.org/2000/svg}"
CAPITALS = {
    "GB": (-0.13, 51.5),
    "FR": (2.35, 48.86),
    "US": (-77.04, 38.9),
    "RU": (37.6, 55.75),
    "FJ": (178.44, -18.14),
    "NZ": (174.78, -41.29),
    "SG": (103.8, 1.35),
    "MY": (101.69, 3.14),
    "JP": (139.7, 35.68),
    "PT": (-9.14, 38.72),
}
FAR_PARTS = {
    "US": {"Honolulu": (-157.86, 21.3), "Anchorage": (-149.9, 61.2)},
    "ES": {"Las Palmas": (-15.4, 28.1)},
    "PT": {"Ponta Delgada": (-25.7, 37.7), "Funchal": (-16.9, 32.65)},
    "RU": {"Anadyr": (177.5, 64.7), "Kaliningrad": (20.5, 54.7)},
    "FR": {"Ajaccio": (8.74, 41.93)},
}


def elements(name: str) -> list[ET.Element]:
    root = ET.fromstring((DIRECTORY / name).read_text())
    return [one for one in root.iter() if one.tag in (f"{SVG}path", f"{SVG}circle")]


def corners(path: str) -> list[tuple[int, int]]:
    """The absolute points of a path of M, l and z."""
    points = []
    for ring in path.removesuffix("z").split("z"):
        numbers = [int(text) for text in re.findall(r"-?\d+", ring)]
        x = y = 0
        for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + step_x, y + step_y
            points.append((x, y))
    return points


def test_the_files_are_those_of_the_index_and_the_digest() -> None:
    assert sorted([*(f"{code}.svg" for code in OUTLINES), *OTHERS, "world.svg"]) == FILES
    assert sorted(maps.index()["outlines"]) == OUTLINES
    contents = {name: (DIRECTORY / name).read_bytes() for name in FILES if name not in OTHERS}
    assert maps.digest_of(contents) == maps.shapes_digest()


def test_every_id_is_a_country_s_code_and_only_once() -> None:
    codes = [one.get("id") for one in elements("world.svg")]
    assert len(codes) == len(set(codes)) > 230
    assert sorted(codes) == sorted(maps.shapes())
    known = Locale("en").territories
    assert all(code in known for code in (*maps.shapes(), *OUTLINES))
    assert "AQ" not in maps.shapes()


def test_an_outline_is_one_path_inside_its_box() -> None:
    for code in OUTLINES:
        (path,) = elements(f"{code}.svg")
        assert path.get("id") == code
        for x, y in corners(path.get("d") or ""):
            assert 0 <= x <= maps.OUTLINE_WIDTH, code
            assert 0 <= y <= maps.OUTLINE_HEIGHT, code


def test_the_world_lies_inside_its_box() -> None:
    for one in elements("world.svg"):
        if one.tag == f"{SVG}circle":
            points: list[Any] = [(float(one.get("cx") or -1), float(one.get("cy") or -1))]
        else:
            points = corners(one.get("d") or "")
        for x, y in points:
            assert 0 <= x <= maps.WIDTH, one.get("id")
            assert -1 <= y <= maps.HEIGHT + 1, one.get("id")


def test_the_world_is_light() -> None:
    content = (DIRECTORY / "world.svg").read_bytes()
    assert len(content) < 120_000
    assert len(gzip.compress(content, 5)) < 45_000


def test_files_have_shapes_only() -> None:
    for name in set(FILES) - set(OTHERS):
        text = (DIRECTORY / name).read_text()
        assert not re.search("style|script|href|url", text), name


@pytest.mark.parametrize("code", CAPITALS)
def test_a_capital_lies_in_its_country(code: str) -> None:
    frame = maps.frames(code)[0]
    assert frame.holds(*CAPITALS[code])
    x, y = frame.place(*CAPITALS[code])
    assert 0 < x < maps.OUTLINE_WIDTH
    assert 0 < y < maps.OUTLINE_HEIGHT
    (path,) = elements(f"{code}.svg")
    nearest = min(hypot(x - a, y - b) for a, b in corners(path.get("d") or ""))
    assert nearest < 250  # Singapore's coast, at its scale


@pytest.mark.parametrize(("code", "city"), [(c, one) for c, of in FAR_PARTS.items() for one in of])
def test_a_far_part_has_its_place_on_the_outline(code: str, city: str) -> None:
    place = FAR_PARTS[code][city]
    frame = next(one for one in maps.frames(code) if one.holds(*place))
    x, y = frame.place(*place)
    assert 0 < x < maps.OUTLINE_WIDTH
    assert 0 < y < maps.OUTLINE_HEIGHT


def test_overseas_parts_with_a_code_of_their_own_are_not_their_country() -> None:
    cayenne, paris = (-52.3, 4.9), CAPITALS["FR"]
    assert not any(frame.holds(*cayenne) for frame in maps.frames("FR"))
    assert any(frame.holds(*cayenne) for frame in maps.frames("GF"))
    assert any(frame.holds(*paris) for frame in maps.frames("FR"))


@pytest.mark.parametrize("name", ["../page.css", *OTHERS, "world.svg/", "gb.svg", "QQ.svg", ""])
def test_no_other_file_is_read(name: str) -> None:
    assert maps.read_shape(name) is None


def test_the_middle_of_the_world_map_is_the_middle() -> None:
    assert maps.on_world(maps.MIDDLE, 0)[0] == maps.WIDTH / 2
    assert maps.on_world(maps.MIDDLE - 180, 0)[0] == pytest.approx(0, abs=1)
    assert maps.on_world(maps.MIDDLE, maps.NORTHMOST)[1] == pytest.approx(0, abs=1e-9)
    assert maps.on_world(maps.MIDDLE, maps.SOUTHMOST)[1] == pytest.approx(maps.HEIGHT, abs=1)


@given(st.lists(st.integers(10, 10**7), min_size=1, max_size=40))
def test_classes_of_counts_are_few_and_in_order(values: list[int]) -> None:
    classes = classes_of_counts(values)
    assert 1 <= len(classes.bounds) <= len(LEVELS)
    assert list(classes.bounds) == sorted(set(classes.bounds))
    assert classes.bounds[-1] <= max(values)
    assert classes.level(max(values)) == LEVELS[-1]
    assert classes.level(min(values)) in classes.levels


@given(st.lists(st.floats(0, 1), min_size=0, max_size=40))
def test_classes_of_shares_begin_at_nothing_and_hold_the_largest(values: list[float]) -> None:
    classes = classes_of_shares(values)
    assert classes.bounds[0] == 0
    assert 1 <= len(classes.bounds) <= len(LEVELS)
    assert all(classes.level(value) in classes.levels for value in values)


def test_classes_have_round_bounds() -> None:
    assert classes_of_counts([12, 4_000]).bounds == (30, 100, 300, 1_000, 3_000)
    assert classes_of_counts([77, 1_297]).bounds == (30, 100, 300, 1_000)
    assert classes_of_shares([0.12, 0.164]).bounds == (0, 0.05, 0.1, 0.15)


spots = st.lists(
    st.builds(
        Spot,
        x=st.floats(0, 1000),
        y=st.floats(0, 620),
        name=st.text("abcdefg", min_size=1, max_size=14),
        value=st.integers(10, 5000),
    ),
    max_size=20,
)


@given(spots)
def test_labels_are_few_and_inside(spots: list[Spot]) -> None:
    labels = place_labels(spots)
    assert len(labels) <= MOST_LABELS
    assert all(0 <= label.x <= maps.OUTLINE_WIDTH for label in labels)
    assert {label.text for label in labels} <= {spot.name for spot in spots}


def test_labels_do_not_cover_each_other() -> None:
    spots = [Spot(500, 300, "London", 90), Spot(505, 302, "Westminster", 80)]
    spots += [Spot(502, 301, "Lambeth", 70), Spot(503, 300, "Southwark", 60)]
    found = [(label.text, label.anchor) for label in place_labels(spots)]
    assert found == [("London", "start"), ("Westminster", "end"), ("Lambeth", "middle")]


def test_the_area_of_a_circle_shows_its_number() -> None:
    assert radius(100, 100) ** 2 == pytest.approx(4 * radius(25, 100) ** 2)
