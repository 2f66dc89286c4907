"""Maps: projections and files of shapes, colour classes, and labels of cities.

`scripts/make_map.py` writes the shapes to `static/map` with the same projections. Pages reference
them by `<use>`, so a map adds only few bytes to a page.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import asin, ceil, cos, floor, log10, radians, sin, sqrt
from typing import Any, Literal

Point = tuple[float, float]

WIDTH = 2000
"""Width of the world map, in units of its view box."""
NORTHMOST, SOUTHMOST = 83.7, -56.0
"""Latitudes of the world map's edges: it has no Antarctica."""
MIDDLE = 11
"""Longitude of the map's middle: its edge is in the Bering Strait, and cuts no country."""
OUTLINE_WIDTH, OUTLINE_HEIGHT = 1000, 620
"""The view box of each country's outline."""
EARTH_RADIUS = 6371.0
"""In kilometres."""

_EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
"""The polynomial of the Equal Earth projection (Šavrič, Patterson and Jenny 2018)."""
_SCALE = WIDTH / 5.4132


def wrap(longitude: float, middle: float) -> float:
    """Return the equivalent longitude within 180 degrees of `middle`."""
    return (longitude - middle + 180) % 360 - 180 + middle


def _equal_earth(longitude: float, latitude: float) -> Point:
    a1, a2, a3, a4 = _EQUAL_EARTH
    theta = asin(sqrt(3) / 2 * sin(radians(latitude)))
    square = theta * theta
    sixth = square**3
    slope = a1 + 3 * a2 * square + sixth * (7 * a3 + 9 * a4 * square)
    height = theta * (a1 + a2 * square + sixth * (a3 + a4 * square))
    return 2 * sqrt(3) / 3 * radians(longitude) * cos(theta) / slope, height


_TOP = _equal_earth(0, NORTHMOST)[1]
HEIGHT = round((_TOP - _equal_earth(0, SOUTHMOST)[1]) * _SCALE)
"""Height of the world map, in units of its view box."""


def on_world(longitude: float, latitude: float) -> Point:
    """Project a place to the world map; its longitude may be beyond the edge."""
    x, y = _equal_earth(longitude - MIDDLE, latitude)
    return WIDTH / 2 + x * _SCALE, (_TOP - y) * _SCALE


@dataclass(frozen=True)
class Frame:
    """A part of a country's outline: the projection's centre, its scale and its bounds.

    Lambert's azimuthal equal-area projection is centred on `longitude` and `latitude`, which is the
    point (x, y) of the view box. `scale` is in units per radian. `west` and `east` are within 180
    degrees of `longitude`, so they may be beyond 180.
    """

    longitude: float
    latitude: float
    scale: float
    x: float
    y: float
    west: float
    south: float
    east: float
    north: float

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a place is within the bounds."""
        near = wrap(longitude, self.longitude)
        return self.west <= near <= self.east and self.south <= latitude <= self.north

    def place(self, longitude: float, latitude: float) -> Point:
        """Project a place to the view box."""
        x, y = equal_area(longitude, latitude, self.longitude, self.latitude)
        return self.x + x * self.scale, self.y - y * self.scale


def equal_area(longitude: float, latitude: float, middle: float, height: float) -> Point:
    """Project by Lambert's azimuthal equal-area projection, in radians from its centre."""
    turn, north, centre = radians(longitude - middle), radians(latitude), radians(height)
    near = 1 + sin(centre) * sin(north) + cos(centre) * cos(north) * cos(turn)
    stretch = sqrt(2 / max(near, 1e-9))
    x = stretch * cos(north) * sin(turn)
    return x, stretch * (cos(centre) * sin(north) - sin(centre) * cos(north) * cos(turn))


def _directory() -> Any:
    return files("clickstream.dashboard") / "static" / "map"


@cache
def index() -> Mapping[str, Any]:
    """Read the index that `make map` wrote: ids on the world map, and frames of the outlines."""
    stored: Mapping[str, Any] = json.loads((_directory() / "index.json").read_text())
    return stored


@cache
def shapes() -> frozenset[str]:
    """Return the countries on the world map, as ISO 3166-1 alpha-2 codes."""
    return frozenset(index()["world"])


@cache
def frames(country: str) -> Sequence[Frame]:
    """Return the frames of a country's outline, the mainland first; empty without an outline."""
    return tuple(Frame(*numbers) for numbers in index()["outlines"].get(country, ()))


def on_outline(country: str, longitude: float, latitude: float) -> Point | None:
    """Project a place to the view box of a country's outline; None outside of it."""
    frame = next(
        (candidate for candidate in frames(country) if candidate.holds(longitude, latitude)), None
    )
    return frame.place(longitude, latitude) if frame else None


@cache
def read_shape(name: str) -> bytes | None:
    """Read a file of static/map, such as world.svg or GB.svg; None if it does not exist."""
    stem, _, kind = name.partition(".")
    if kind != "svg" or not (stem == "world" or stem in index()["outlines"]):
        return None
    return bytes((_directory() / name).read_bytes())


@cache
def shapes_digest() -> str:
    """Digest of static/map, which is part of its files' URLs."""
    return str(index()["digest"])


def digest_of(contents: Mapping[str, bytes]) -> str:
    """Compute the digest of files by their names."""
    digest = hashlib.blake2b(digest_size=5)
    for name, content in sorted(contents.items()):
        digest.update(b"%s %d\n" % (name.encode(), len(content)) + content)
    return digest.hexdigest()


# Colour classes of a map: their bounds, and the class of a value.

LEVELS = (1, 3, 5, 7, 8)
"""The shades of the classes, the lightest first, as in the style sheet."""
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Classes:
    """The lower bounds of classes. Values below the first bound are in the first class, too."""

    bounds: Sequence[float]

    def level(self, value: float) -> int:
        """Return the shade of a value."""
        return self.levels[max(bisect_right(self.bounds, value) - 1, 0)]

    @property
    def levels(self) -> Sequence[int]:
        """The shade of each class; the last class always has the darkest shade."""
        return LEVELS[len(LEVELS) - len(self.bounds) :]


def classes_of_counts(values: Sequence[float]) -> Classes:
    """Build classes by powers (10, 30, 100, 300 …) over the range of values, one per shade."""
    low, high = max(min(values, default=1), 1), max([*values, 1])
    powers = [factor * 10**power for power in range(floor(log10(low)), 16) for factor in (1, 3)]
    bounds = [bound for bound in powers if bound <= high]
    below = [bound for bound in bounds if bound <= low]
    return Classes(tuple([*below[-1:], *(b for b in bounds if b > low)][-len(LEVELS) :]))


def classes_of_shares(values: Sequence[float]) -> Classes:
    """Build classes of equal width from 0, at most as many as there are shades."""
    high = max(values, default=0) or 0.01
    power = 10 ** floor(log10(high / len(LEVELS)))
    step = next(step * power for step in _STEPS if step * power * len(LEVELS) >= high)
    number = min(max(ceil(high / step - 1e-9), 1), len(LEVELS))
    return Classes(tuple(round(step * multiple, 9) for multiple in range(number)))


# Circles of cities on a country's outline, and the choice of cities that get a label.

LARGEST_RADIUS, SMALLEST_RADIUS = 40, 5
LARGE_TEXT, SMALL_TEXT = 40, 24
"""Sizes of labels: large labels are readable on a phone, which has space for few."""
LARGE_LABELS, MOST_LABELS = 3, 8
_CHARACTER = 0.56
"""Width of a letter relative to the size of its text."""
_GAP = 6

Anchor = Literal["start", "end", "middle"]
ANCHORS: tuple[Anchor, ...] = ("start", "end", "middle")
"""Position of a label: right of its circle, left of it, or below it."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """A city: its position, its name and its size."""

    x: float
    y: float
    name: str
    value: float


@dataclass(frozen=True)
class Label:
    """A name beside a circle. `is_large`: there is space for it on a phone."""

    x: float
    y: float
    text: str
    anchor: Anchor
    is_large: bool


def radius(value: float, largest: float) -> float:
    """Return the radius of a circle whose area shows a value."""
    return round(max(LARGEST_RADIUS * sqrt(value / largest), SMALLEST_RADIUS), 1)


def place_labels(spots: Sequence[Spot]) -> list[Label]:
    """Label the largest spots, as far as labels do not overlap; the largest come first."""
    largest = max((spot.value for spot in spots), default=1)
    taken: list[Box] = []
    labels: list[Label] = []
    for spot in spots:
        if len(labels) == MOST_LABELS:
            break
        sizes = (LARGE_TEXT, SMALL_TEXT) if len(labels) < LARGE_LABELS else (SMALL_TEXT,)
        fitting = (
            (_box(spot, radius(spot.value, largest), anchor, size), anchor, size)
            for size in sizes
            for anchor in ANCHORS
        )
        for box, anchor, size in fitting:
            if _is_inside(box) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                labels.append(_label(spot, box, anchor, size == LARGE_TEXT))
                break
    return labels


def _box(spot: Spot, size: float, anchor: Anchor, text_size: float) -> Box:
    """Return the box of a label: beside its circle, or below it for the anchor `middle`."""
    width, half = len(spot.name) * text_size * _CHARACTER, text_size / 2
    if anchor == "middle":
        top = spot.y + size + _GAP
        return spot.x - width / 2, top, spot.x + width / 2, top + text_size
    near = spot.x + (size + _GAP if anchor == "start" else -size - _GAP - width)
    return near, spot.y - half, near + width, spot.y + half


def _label(spot: Spot, box: Box, anchor: Anchor, is_large: bool) -> Label:
    at = {"start": box[0], "end": box[2], "middle": spot.x}[anchor]
    return Label(round(at, 1), round((box[1] + box[3]) / 2, 1), spot.name, anchor, is_large)


def _is_inside(box: Box) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= OUTLINE_WIDTH and box[3] <= OUTLINE_HEIGHT


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
