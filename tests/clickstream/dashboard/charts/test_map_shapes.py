"""How `make map` reads shapes: simplified, continuous, and by the codes that addresses have."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scripts.make_map import draw_outline, read_shapes, simplify

SCALE = {"scale": [1, 1], "translate": [0, 0]}
coordinates = st.integers(-80, 80)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=30)


def topology(*geometries: Any, arcs: Any) -> dict[str, Any]:
    """A TopoJSON file; arcs are written as absolute points."""
    steps = [
        [points[0], *([x - a, y - b] for (a, b), (x, y) in pairwise(points))] for points in arcs
    ]
    countries = [
        {"type": "Polygon", "id": code, "properties": {"name": code}, "arcs": rings}
        for code, rings in geometries
    ]
    return {
        "transform": SCALE,
        "objects": {"countries": {"geometries": countries}},
        "arcs": steps,
    }


def square(x: float, y: float, size: float = 1) -> list[tuple[float, float]]:
    return [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]


@given(lines, st.floats(0, 1000))
def test_a_simpler_line_has_the_same_ends_and_no_new_point(line: Any, smallest: float) -> None:
    simple = simplify(line, smallest)
    assert (simple[0], simple[-1]) == (line[0], line[-1])
    assert set(simple) <= set(line)


@given(lines)
def test_an_area_stays_an_area(line: Any) -> None:
    ring = [*line, line[0]]
    assert len(simplify(ring, 1e9)) >= min(len(ring), 4)


def test_the_smallest_triangles_go_first() -> None:
    line = [(0, 0), (5, 0.1), (10, 0), (15, 8), (20, 0)]
    assert simplify(line, 1) == [(0, 0), (10, 0), (15, 8), (20, 0)]


def test_neighbours_keep_one_border() -> None:
    border = [(10, y) for y in range(11)] + [(10.2, 11), (10, 12)]
    west = [(10, 12), (0, 12), (0, 0), (10, 0)]
    east = [(10, 12), (20, 12), (20, 0), (10, 0)]
    found = read_shapes(
        topology(("250", [[0, 1]]), ("276", [[0, 2]]), arcs=[border, west, east]), 5, 0
    )
    assert [*found] == ["DE", "FR"]
    shared = set(found["DE"][0]) & set(found["FR"][0])
    assert shared == {(10, 0), (10, 12)}


def test_a_ring_across_180_degrees_is_continuous() -> None:
    ring = [(178, 65), (-178, 65), (-178, 68), (178, 68), (178, 65)]
    (found,) = read_shapes(topology(("643", [[0]]), arcs=[ring]), 0, 0)["RU"]
    assert found == [(178, 65), (182, 65), (182, 68), (178, 68), (178, 65)]


def test_overseas_parts_have_their_own_code_and_antarctica_is_left_out() -> None:
    places = [square(2, 46), square(-53.5, 3.5), square(0, -80)]
    found = read_shapes(topology(("250", [[0], [1]]), ("010", [[2]]), arcs=places), 0, 0)
    assert [*found] == ["FR", "GF"]


def test_small_rings_go_except_a_country_s_largest() -> None:
    places = [square(0, 0, 4), square(10, 0, 1), square(50, 0, 1)]
    found = read_shapes(topology(("250", [[0], [1]]), ("276", [[2]]), arcs=places), 0, 2)
    assert {code: len(rings) for code, rings in found.items()} == {"FR": 1, "DE": 1}


def test_a_small_ring_far_from_the_mainland_is_not_on_the_outline() -> None:
    mainland, near, far = square(0, 40, 10), square(11, 45, 1), square(60, 40, 1)
    _, (frame,) = draw_outline("ZZ", [mainland, near, far])
    assert frame.holds(11.5, 45.5)
    assert not frame.holds(60.5, 40.5)


def test_a_far_part_that_is_large_is_on_the_outline() -> None:
    _, (frame,) = draw_outline("ZZ", [square(100, 0, 8), square(120, 0, 7)])
    assert frame.holds(101, 1)
    assert frame.holds(126, 6)
