"""Map projections: positions of places on the world map and on a country's outline, and the files.

`scripts/make_map.py` writes the shapes to `static/map` with the same projections. Pages reference
them by `<use>`, so a map adds only few bytes to a page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from typing import Any

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
