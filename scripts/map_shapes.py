"""Reads shapes of countries from a TopoJSON file: simplified rings of longitudes and latitudes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from typing import Any

from babel.core import get_global

from clickstream.dashboard.charts.maps import Point, wrap

Ring = list[Point]
Shapes = dict[str, list[Ring]]

UNNUMBERED = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
"""Names without an ISO number in Natural Earth, and their code in GeoIP databases."""
LEFT_OUT = ("AQ",)
OVERSEAS = {
    "FR": {
        "GF": (-55, 2, -51, 6),
        "GP": (-62, 15.8, -61, 16.6),
        "MQ": (-62, 14.3, -60.7, 15),
        "RE": (55, -22, 56, -20),
        "YT": (44, -14, 46, -12),
    },
    "NL": {"BQ": (-69, 11, -62, 18)},
    "NO": {"SJ": (-10, 70, 36, 82)},
}
"""Parts that have a code of their own, by the corners of a box around them. Svalbard's box holds
Norwegian islands, too: only rings that lie west of 0 or north of 74 degrees are Svalbard's."""


def read_shapes(topology: Mapping[str, Any], smallest: float, least_area: float) -> Shapes:
    """The rings of each country by ISO 3166-1 alpha-2, holes included.

    Arcs are simplified, so that neighbours keep a common border: points whose triangle is smaller
    than `smallest` square degrees are removed. Rings of less than `least_area` square degrees are
    removed, too, except a country's largest ring.
    """
    arcs = [simplify(arc, smallest) for arc in _arcs(topology)]
    shapes: Shapes = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        for ring in _rings(geometry, arcs):
            code = _code(geometry, ring)
            if code:
                shapes.setdefault(code, []).append(ring)
    return {code: _large(shapes[code], least_area) for code in sorted(shapes)}


def _arcs(topology: Mapping[str, Any]) -> Iterator[Ring]:
    (scale_x, scale_y), (left, low) = (topology["transform"][k] for k in ("scale", "translate"))
    for arc in topology["arcs"]:
        x = y = 0
        points: Ring = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            longitude = x * scale_x + left
            near = points[-1][0] if points else longitude
            points.append((wrap(longitude, near), y * scale_y + low))
        yield points


def _rings(geometry: Mapping[str, Any], arcs: Sequence[Ring]) -> Iterator[Ring]:
    """The rings of a geometry, each continuous even where it crosses 180 degrees."""
    polygons = {"Polygon": [geometry["arcs"]], "MultiPolygon": geometry["arcs"]}
    for polygon in polygons[geometry["type"]]:
        for numbers in polygon:
            ring: Ring = []
            for number in numbers:
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                shift = wrap(arc[0][0], ring[-1][0]) - arc[0][0] if ring else 0
                ring += [(x + shift, y) for x, y in arc[1 if ring else 0 :]]
            yield ring


def _code(geometry: Mapping[str, Any], ring: Ring) -> str | None:
    number = geometry.get("id")
    if number is None:
        return UNNUMBERED.get(geometry["properties"]["name"])
    code = str(get_global("territory_aliases")[number][0])
    x, y = middle_of(ring)
    for part, (west, south, east, north) in OVERSEAS.get(code, {}).items():
        is_inside = west <= x <= east and south <= y <= north
        if is_inside and (part != "SJ" or x < 0 or y > 74):
            return part
    return None if code in LEFT_OUT else code


def middle_of(ring: Ring) -> Point:
    """The mean of a ring's points."""
    xs, ys = zip(*ring, strict=True)
    return sum(xs) / len(ring), sum(ys) / len(ring)


def area_of(ring: Ring) -> float:
    """The area of a ring in square degrees of the equator."""
    squeeze = cos(radians(middle_of(ring)[1]))
    twice = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return abs(twice) / 2 * squeeze


def _large(rings: list[Ring], least_area: float) -> list[Ring]:
    largest = max(rings, key=area_of)
    return [ring for ring in rings if ring is largest or area_of(ring) >= least_area]


def simplify(points: Sequence[Point], smallest: float) -> Ring:
    """Drop points by Visvalingam's method: those whose triangles with their neighbours are small.

    A closed line keeps four points at least, so that it stays an area.
    """
    least = 4 if points[0] == points[-1] else 2
    before = list(range(-1, len(points) - 1))
    after = list(range(1, len(points) + 1))
    sizes = {
        index: _triangle(points, index - 1, index, index + 1) for index in range(1, len(points) - 1)
    }
    heap = [(size, index) for index, size in sizes.items()]
    heapq.heapify(heap)
    left = len(points)
    while heap and left > least:
        size, index = heapq.heappop(heap)
        if sizes.get(index) != size:
            continue
        if size >= smallest:
            break
        del sizes[index]
        left -= 1
        a, b = before[index], after[index]
        after[a], before[b] = b, a
        for near in (a, b):
            if near in sizes:
                sizes[near] = max(size, _triangle(points, before[near], near, after[near]))
                heapq.heappush(heap, (sizes[near], near))
    return [points[index] for index in (0, *sorted(sizes), len(points) - 1)]


def _triangle(points: Sequence[Point], a: int, b: int, c: int) -> float:
    (ax, ay), (bx, by), (cx, cy) = points[a], points[b], points[c]
    return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2 * cos(radians(by))
