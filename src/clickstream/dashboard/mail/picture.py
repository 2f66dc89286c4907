"""Draws the picture of a mail: visits of each day beside those of the week before.

It has no text, so machines without fonts draw the same picture; the day names and the values are
cells of the table below it. Its background is transparent, and its colours are visible on white and
on dark backgrounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import resvg_py

from clickstream.dashboard.mail.content import Day

WIDTH, HEIGHT = 544, 132
"""The size in CSS pixels in a wide mail; the picture has twice as many pixels."""

DENSITY = 2
NOW, BEFORE, RULE = "#b5622f", "#a19484", "#a1948466"
"""Colours of the week, of the week before, and of the base line."""

_COLUMN, _GAP, _ROUND, _TOP = 22.0, 3.0, 3.0, 4.0


def draw_png(days: Sequence[Day]) -> bytes:
    """Draw the days as a PNG; each has an equal part of the width."""
    return resvg_py.svg_to_bytes(svg_string=draw_svg(days), zoom=DENSITY, skip_system_fonts=True)


def draw_svg(days: Sequence[Day]) -> str:
    """Draw the days as SVG; each has an equal part of the width."""
    numbers = [n for day in days for n in (day.visits, day.visits_before) if n is not None]
    largest = max(numbers, default=0) or 1
    shapes = "".join(_columns(days, (HEIGHT - _TOP - 1) / largest))
    base = f'<path d="M0 {HEIGHT - 0.5}H{WIDTH}" stroke="{RULE}"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{shapes}{base}</svg>'


def _columns(days: Sequence[Day], scale: float) -> Iterator[str]:
    step = WIDTH / len(days)
    for index, day in enumerate(days):
        middle = (index + 0.5) * step
        left = middle - _COLUMN - _GAP / 2
        if day.visits_before is None:
            left = middle - 1.5 * _COLUMN - _GAP  # the only column is in the middle
        for number, colour, shift in (
            (day.visits_before, BEFORE, 0.0),
            (day.visits, NOW, _COLUMN + _GAP),
        ):
            if number:
                yield _column(left + shift, number * scale, colour)


def _column(left: float, height: float, colour: str) -> str:
    """Draw a column on the base line with round corners at the top."""
    round_ = min(_ROUND, height)
    flat = _COLUMN - 2 * round_
    return (
        f'<path fill="{colour}" d="M{left:.2f} {HEIGHT - 1}v{round_ - height:.2f}'
        f"q0 {-round_} {round_} {-round_}h{flat:.2f}q{round_} 0 {round_} {round_}"
        f'v{height - round_:.2f}z"/>'
    )
