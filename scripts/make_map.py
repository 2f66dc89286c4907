"""Generate the shapes of the dashboard's maps: the world, and an outline of each country.

python scripts/make_map.py            fetches npm's world-atlas and writes static/map
python scripts/make_map.py DIRECTORY  reads the package from a directory

The shapes are Natural Earth's, which are in the public domain; world-atlas, their TopoJSON, has the
ISC licence. The same package gives the same bytes.
"""

from __future__ import annotations

import heapq
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

from babel.core import get_global

from clickstream.dashboard.charts.maps import (
    HEIGHT,
    MIDDLE,
    OUTLINE_HEIGHT,
    OUTLINE_WIDTH,
    WIDTH,
    Frame,
    Point,
    digest_of,
    equal_area,
    on_world,
    wrap,
)

Ring = list[Point]
Shapes = dict[str, list[Ring]]

PACKAGE = "world-atlas@2.0.2"
DIRECTORY = Path(__file__).parents[1] / "src/clickstream/dashboard/static/map"

WORLD_SMALLEST, WORLD_LEAST_AREA = 0.02, 0.04
OUTLINE_SMALLEST = 0.5
"""Triangles of points that an outline leaves out, in square units of its view box."""
DOT, SMALLEST_SHAPE = 5, 8
"""Radius of a dot, and the size below which a country is drawn as one; units of the world."""

Box = tuple[float, float, float, float]
MARGIN = 14
WHOLE: Box = (MARGIN, MARGIN, OUTLINE_WIDTH - MARGIN, OUTLINE_HEIGHT - MARGIN)
INSETS: dict[str, Sequence[tuple[Box, Box]]] = {
    "US": (
        ((-190, 51, -129, 72), (10, 440, 220, 610)),
        ((-161, 18, -154, 23), (235, 515, 335, 605)),
    ),
    "ES": (((-19, 27, -13, 30), (40, 500, 260, 600)),),
    "PT": (((-32, 36, -24, 40), (30, 80, 260, 220)), ((-18, 32, -16, 34), (110, 330, 200, 400))),
}
"""Distant parts that an outline shows beside the mainland: their bounds, and their position."""
FAR, SMALL_PART = 0.15, 0.05
"""A ring farther from the mainland than this share of its diagonal is left out, if its area is
smaller than this share of the largest ring's."""


def main() -> None:
    """Write all files, and print their size."""
    if len(sys.argv) > 1:
        contents = draw(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as directory:
            contents = draw(fetch(Path(directory)))
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    for name, content in contents.items():
        (DIRECTORY / name).write_bytes(content)
    total = sum(map(len, contents.values()))
    sys.stdout.write(f"{len(contents)} files, {total:,} bytes; ")
    sys.stdout.write(f"world.svg {len(contents['world.svg']):,}\n")


def fetch(directory: Path) -> Path:
    """Fetch the package by npm, and return the directory of its files."""
    fetched = subprocess.run(
        ["npm", "pack", PACKAGE, "--ignore-scripts", "--silent"],
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
    )
    with tarfile.open(directory / fetched.stdout.split()[-1]) as archive:
        archive.extractall(directory, filter="data")
    return directory / "package"


def draw(package: Path) -> dict[str, bytes]:
    """Draw all files; return their texts by name."""
    topology = json.loads((package / "countries-50m.json").read_text())
    world = read_shapes(topology, WORLD_SMALLEST, WORLD_LEAST_AREA)
    drawn_world = [_shape(code, rings) for code, rings in world.items()]
    # Dots come last: a shape would hide the dot of a country inside it.
    drawn_world.sort(key=lambda shape: shape.startswith("<circle"))
    land = ['<g id="land">', *drawn_world, "</g>"]
    contents = {"world.svg": _svg(WIDTH, HEIGHT, land)}
    frames = {}
    for code, rings in read_shapes(topology, 0, 0).items():
        contents[f"{code}.svg"], drawn = draw_outline(code, rings)
        frames[code] = [astuple(frame) for frame in drawn]
    digest = digest_of(contents)
    index = {"package": PACKAGE, "digest": digest, "world": sorted(world), "outlines": frames}
    lines = json.dumps(index, indent=None).replace("]], ", "]],\n")
    notice = (package / "LICENSE").read_bytes()
    return contents | {"index.json": f"{lines}\n".encode(), "LICENSE": notice}


def _shape(code: str, rings: list[Ring]) -> str:
    placed = [[on_world(*point) for point in _unroll(ring, MIDDLE)] for ring in rings]
    west, north, east, south = _bounds([point for ring in placed for point in ring])
    if max(east - west, south - north) >= SMALLEST_SHAPE:
        return _path(code, placed)
    x, y = _bounds_middle((west, north, east, south))
    return f'<circle id="{code}" cx="{x:.0f}" cy="{y:.0f}" r="{DOT}"/>'


def draw_outline(code: str, rings: list[Ring]) -> tuple[bytes, list[Frame]]:
    """Draw the outline of a country; return its file and its frames."""
    left, frames, drawn = list(rings), [], []
    for bounds, box in INSETS.get(code, ()):
        inside = [ring for ring in left if _is_inside(middle_of(ring), bounds)]
        left = [ring for ring in left if ring not in inside]
        frame, placed = _fit_rings(inside, box)
        frames.append(frame)
        drawn += placed
    frame, placed = _fit_rings(_mainland(left), WHOLE)
    return _svg(OUTLINE_WIDTH, OUTLINE_HEIGHT, [_path(code, placed + drawn)]), [frame, *frames]


def _fit_rings(rings: list[Ring], box: Box) -> tuple[Frame, list[list[Point]]]:
    """Fit rings into a box as large as possible; return the frame and the rings in it."""
    middle = middle_of(max(rings, key=area_of))[0]
    unrolled = [_unroll(ring, middle) for ring in rings]
    bounds = _bounds([point for ring in unrolled for point in ring])
    longitude, latitude = (round(degrees, 2) for degrees in _bounds_middle(bounds))
    flat = [[equal_area(x, y, longitude, latitude) for x, y in ring] for ring in unrolled]
    flat_box = _bounds([point for ring in flat for point in ring])
    widths = (box[2] - box[0]) / (flat_box[2] - flat_box[0])
    scale = min(widths, (box[3] - box[1]) / (flat_box[3] - flat_box[1]))
    (x, y), (flat_x, flat_y) = _bounds_middle(box), _bounds_middle(flat_box)
    frame = Frame(
        longitude,
        latitude,
        round(scale, 1),
        round(x - flat_x * scale, 1),
        round(y + flat_y * scale, 1),
        # A margin of 0.05 degrees, because coasts are coarse and have cities.
        round(bounds[0] - 0.05, 2),
        round(max(bounds[1] - 0.05, -90), 2),
        round(bounds[2] + 0.05, 2),
        round(min(bounds[3] + 0.05, 90), 2),
    )
    placed = [[frame.place(*point) for point in ring] for ring in unrolled]
    simple = []
    for ring in placed:
        # `simplify` narrows by latitude; a picture's y is small enough in units of 1000 degrees.
        narrow = simplify([(x / 1000, y / 1000) for x, y in ring], OUTLINE_SMALLEST / 1e6)
        simple.append([(x * 1000, y * 1000) for x, y in narrow])
    return frame, [ring for ring in simple if len(ring) > 3]


def _mainland(rings: list[Ring]) -> list[Ring]:
    """Remove small rings that are far from the mainland."""
    ordered = sorted(rings, key=area_of, reverse=True)
    largest = area_of(ordered[0])
    middle = middle_of(ordered[0])[0]
    kept = [ring for ring in ordered if area_of(ring) >= SMALL_PART * largest]
    rest = [ring for ring in ordered if ring not in kept]
    while True:
        box = _bounds([point for ring in kept for point in _unroll(ring, middle)])
        reach = FAR * hypot(box[2] - box[0], box[3] - box[1])
        near = [ring for ring in rest if _gap(_bounds(_unroll(ring, middle)), box) <= reach]
        if not near:
            return kept
        kept += near
        rest = [ring for ring in rest if ring not in near]


def _gap(box: Box, other: Box) -> float:
    across = max(box[0] - other[2], other[0] - box[2], 0)
    return hypot(across, max(box[1] - other[3], other[1] - box[3], 0))


def _unroll(ring: Ring, middle: float) -> Ring:
    """Move a ring by multiples of 360 degrees, so that its middle is near a longitude."""
    x = middle_of(ring)[0]
    shift = wrap(x, middle) - x
    return [(longitude + shift, latitude) for longitude, latitude in ring]


def _is_inside(point: Point, box: Box) -> bool:
    x = wrap(point[0], (box[0] + box[2]) / 2)
    return box[0] <= x <= box[2] and box[1] <= point[1] <= box[3]


def _bounds(points: Iterable[Point]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _bounds_middle(box: Box) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _path(code: str, rings: Iterable[Iterable[Point]]) -> str:
    """Return an SVG path in whole units, whose stroke width does not scale with the picture."""
    drawn = "".join(map(_steps, rings))
    return f'<path id="{code}" vector-effect="non-scaling-stroke" d="{drawn}"/>'


def _steps(ring: Iterable[Point]) -> str:
    points = [(round(x), round(y)) for x, y in ring]
    text, last = f"M{_pair(points[0])}l", points[0]
    for point in points[1:-1]:
        if point != last:
            text += _separate(text, _pair((point[0] - last[0], point[1] - last[1])))
            last = point
    return f"{text.removesuffix('l')}z"


def _pair(point: tuple[int, int]) -> str:
    return f"{point[0]}{_separate('0', str(point[1]))}"


def _separate(before: str, number: str) -> str:
    return number if number.startswith("-") or before.endswith("l") else f" {number}"


def _svg(width: int, height: int, elements: Sequence[str]) -> bytes:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    return "\n".join([head, *elements, "</svg>\n"]).encode()


# Read the shapes of countries from TopoJSON: simplified rings of longitudes and latitudes.

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
    kept: Shapes = {}
    for code in sorted(shapes):
        largest = max(shapes[code], key=area_of)
        kept[code] = [r for r in shapes[code] if r is largest or area_of(r) >= least_area]
    return kept


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


if __name__ == "__main__":
    main()
