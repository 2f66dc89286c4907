"""Circles of cities on a country's outline, and the choice of cities that get a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from clickstream.dashboard.charts.maps import OUTLINE_HEIGHT, OUTLINE_WIDTH

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
