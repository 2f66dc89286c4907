"""A chart of a holdout test as SVG: what was observed, and what the control expects, by week."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from clickstream.insight.holdout import HoldoutWeek, Lift

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 320, 56, 16, 44, 36

_STYLE = """\
  text { font: 13px system-ui, sans-serif; fill: #221c16 }
  .title { font-weight: 600 } .soft { fill: #645b51; font-size: 12px }
  path { fill: none; stroke-width: 2 } .observed { stroke: #9a4f2b }
  .expected { stroke: #645b51; stroke-dasharray: 5 4 } .axis { stroke: #c9c0b4; stroke-width: 1 }
  rect { fill: #f3e4da } svg { background: #fbfaf7 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0e9df } .soft { fill: #b0a598 } .observed { stroke: #e08a5b }
    .expected { stroke: #b0a598 } .axis { stroke: #4a4037 } rect { fill: #3a2618 }
    svg { background: #16130f }
  }
"""


def draw_lift(result: Lift, name: str, scale: int = 1) -> str:
    """Return the chart: means a day of each week, with the weeks of the test shaded.

    Values are divided by `scale`, for units of a currency.
    """
    weeks = result.weeks
    peak = max(max(week.observed, week.synthetic) for week in weeks) or 1.0
    begin = sum(week.first < result.first for week in weeks)
    shade = _x(begin - 0.5, len(weeks))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title">',
        f'<title id="title">{escape(name)}: observed and expected values of each week</title>',
        f"<style>\n{_STYLE}</style>",
        f'<rect x="{shade:.1f}" y="{TOP}" width="{WIDTH - RIGHT - shade:.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>',
        f'<text class="title" x="{LEFT}" y="18">{escape(name)}: '
        f"{escape('; '.join(result.regions))}</text>",
        f'<text class="soft" x="{LEFT}" y="36">a day, by week: observed (line), expected without '
        "the test (dashed); shaded: the campaign is off</text>",
        *_axes(weeks, peak / scale),
        _line("expected", [week.synthetic for week in weeks], peak),
        _line("observed", [week.observed for week in weeks], peak),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(weeks: Sequence[HoldoutWeek], peak: float) -> list[str]:
    """Return the axis with its first and last date, and its scale from 0 to the peak."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    return [
        f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>',
        f'<text class="soft" x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text class="soft" x="{LEFT - 6}" y="{TOP + 12}" text-anchor="end">{peak:,.0f}</text>',
        f'<text class="soft" x="{LEFT}" y="{HEIGHT - 14}">{weeks[0].first}</text>',
        f'<text class="soft" x="{right}" y="{HEIGHT - 14}" text-anchor="end">'
        f"{weeks[-1].first}</text>",
    ]


def _line(name: str, values: Sequence[float], peak: float) -> str:
    points = " ".join(
        f"{_x(index, len(values)):.1f},{_y(value, peak):.1f}" for index, value in enumerate(values)
    )
    return f'<path class="{name}" d="M{points}"/>'


def _x(index: float, number: int) -> float:
    """Return the position of a week on the axis."""
    return LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / number


def _y(value: float, peak: float) -> float:
    return HEIGHT - BOTTOM - max(value, 0.0) / peak * (HEIGHT - TOP - BOTTOM)
