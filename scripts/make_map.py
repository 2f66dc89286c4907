"""Generate the shapes of the dashboard's maps: the world, and an outline of each country.

python scripts/make_map.py            fetches npm's world-atlas and writes static/map
python scripts/make_map.py DIRECTORY  reads the package from a directory

The shapes are Natural Earth's, which are in the public domain; world-atlas, their TopoJSON, has the
ISC licence. The same package gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from math import hypot
from pathlib import Path

from scripts.map_shapes import Ring, area_of, middle_of, read_shapes, simplify

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
    contents = {"world.svg": _world(world)}
    frames = {}
    for code, rings in read_shapes(topology, 0, 0).items():
        contents[f"{code}.svg"], drawn = draw_outline(code, rings)
        frames[code] = [astuple(frame) for frame in drawn]
    digest = digest_of(contents)
    index = {"package": PACKAGE, "digest": digest, "world": sorted(world), "outlines": frames}
    lines = json.dumps(index, indent=None).replace("]], ", "]],\n")
    notice = (package / "LICENSE").read_bytes()
    return contents | {"index.json": f"{lines}\n".encode(), "LICENSE": notice}


def _world(shapes: dict[str, list[Ring]]) -> bytes:
    drawn = [_shape(code, rings) for code, rings in shapes.items()]
    # Dots come last: a shape would hide the dot of a country inside it.
    drawn.sort(key=lambda shape: shape.startswith("<circle"))
    return _svg(WIDTH, HEIGHT, ['<g id="land">', *drawn, "</g>"])


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
        *_with_margin(bounds),
    )
    placed = [[frame.place(*point) for point in ring] for ring in unrolled]
    simple = [_simplify_ring(ring) for ring in placed]
    return frame, [ring for ring in simple if len(ring) > 3]


def _simplify_ring(ring: list[Point]) -> list[Point]:
    # `simplify` narrows by latitude; a picture's y is small enough in units of 1000 degrees.
    flat = [(x / 1000, y / 1000) for x, y in ring]
    return [(x * 1000, y * 1000) for x, y in simplify(flat, OUTLINE_SMALLEST / 1e6)]


def _with_margin(bounds: Box) -> Box:
    """Add a margin of 0.05 degrees to bounds, because coasts are coarse and have cities."""
    west, south, east, north = bounds
    return (
        round(west - 0.05, 2),
        round(max(south - 0.05, -90), 2),
        round(east + 0.05, 2),
        round(min(north + 0.05, 90), 2),
    )


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


if __name__ == "__main__":
    main()
