"""Output of `clickstream lift`: tables, sentences, values for JSON, and a chart as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.text import Text

from clickstream.core.terminal import print_rows
from clickstream.core.wording import format_share, printable
from clickstream.insight.holdout import HoldoutWeek, Lift, NoAnswer
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.insight.holdout_texts import describe

if TYPE_CHECKING:
    from clickstream.insight.holdout_panel import RegionHistory
    from clickstream.insight.holdout_plan import HoldoutOption, HoldoutPlan
    from clickstream.settings.holdouts import HoldoutSettings

_WIDEST_BAR = 24


def show_result(
    test: HoldoutSettings,
    result: Lift | NoAnswer,
    limits: Sequence[str],
    currency: str,
    out: Console,
) -> None:
    """Print the result of a test: its sentence, the weeks, and what limits it."""
    out.print(Text(printable(test.name), "bold"))
    sentence = describe(result, test.campaigns, test.metric, currency)
    out.print(Text(printable(sentence)), soft_wrap=True)
    if isinstance(result, Lift):
        headings = ("week of", ">observed a day", ">expected a day", ">missing", "")
        print_rows(headings, _weeks(result, test.metric), out)
    for note in limits:
        out.print(Text(printable(note), "dim"), soft_wrap=True)


def _weeks(result: Lift, metric: TestedMetric) -> Iterator[Sequence[RenderableType]]:
    """Yield the row of each week, with a bar of what is missing against the control."""
    scale = 100 if metric == "net_sales" else 1
    largest = max(abs(week.synthetic - week.observed) for week in result.weeks) or 1.0
    for week in result.weeks:
        is_test = week.first >= result.first
        missing = week.synthetic - week.observed
        length = round(_WIDEST_BAR * abs(missing) / largest)
        yield (
            f"{week.first}{' off' if is_test else ''}",
            *(f"{value / scale:,.1f}" for value in (week.observed, week.synthetic)),
            format_share(missing / week.synthetic) if week.synthetic else "",
            Text(("-" if missing < 0 else "=") * length, "cyan" if is_test else "dim"),
        )


def show_plan(
    proposal: HoldoutPlan, history: RegionHistory, metric: TestedMetric, out: Console
) -> None:
    """Print the options of a plan as a table."""
    if not proposal.options:
        return
    share = f">of all {metric.replace('_', ' ')}"
    headings = ("regions", ">weeks", ">smallest effect", ">campaign", share, ">cost")
    rows = [_cells(option, option is proposal.best) for option in proposal.options]
    print_rows(headings, rows, out)
    if history.without_region:
        share = format_share(history.without_region)
        text = f"{share} of all {metric.replace('_', ' ')} have no region and are not compared."
        out.print(Text(text, "dim"), soft_wrap=True)


def _cells(option: HoldoutOption, is_best: bool) -> list[Text]:
    smallest = option.smallest_effect
    cells = [
        printable("; ".join(option.regions)),
        str(option.weeks),
        "not known" if smallest is None else format_share(smallest),
        *(format_share(share) for share in (option.campaign_share, option.share, option.cost)),
    ]
    return [Text(cell, "bold" if is_best else "") for cell in cells]


def lift_values(
    test: HoldoutSettings, result: Lift | NoAnswer, limits: Sequence[str]
) -> dict[str, Any]:
    """Return the result of a test for JSON; dates are texts."""
    values: dict[str, Any] = {
        "name": test.name,
        "campaigns": [*test.campaigns],
        "regions": [*test.regions],
        "first": str(test.first),
        "last": str(test.last),
        "metric": test.metric,
        "sentence": describe(result, test.campaigns, test.metric),
        "notes": [*limits],
        "incomplete": {str(day): why for day, why in sorted(result.incomplete.items())},
    }
    if isinstance(result, NoAnswer):
        return values | {"reason": result.reason}
    numbers = ("effect", "effect_low", "effect_high", "share", "low", "high", "p", "fit_error")
    verdicts = ("least_visible", "widening", "is_found", "days_missing", "too_small")
    return values | {
        **{name: getattr(result, name) for name in (*numbers, *verdicts)},
        "donors": {donor.region: donor.share for donor in result.donors},
        "placebos": {placebo.region: placebo.share for placebo in result.placebos},
        "dates": [str(day) for day in result.dates],
        "observed": [*result.observed],
        "synthetic": [*result.synthetic],
    }


def plan_values(proposal: HoldoutPlan, history: RegionHistory) -> dict[str, Any]:
    """Return a plan for JSON."""
    fields = ("regions", "weeks", "smallest_effect", "placebo_tests", "share", "campaign_share")
    options = [
        {name: getattr(option, name) for name in (*fields, "cost", "is_enough")}
        for option in proposal.options
    ]
    return {
        "options": options,
        "best": options[[*proposal.options].index(proposal.best)] if proposal.best else None,
        "days": proposal.days,
        "before_days": proposal.before_days,
        "refusal": proposal.refusal,
        "without_region": history.without_region,
        "incomplete": {str(day): why for day, why in sorted(history.panel.incomplete.items())},
    }


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
    height = HEIGHT - TOP - BOTTOM
    points = " ".join(
        f"{_x(index, len(values)):.1f},{HEIGHT - BOTTOM - max(value, 0.0) / peak * height:.1f}"
        for index, value in enumerate(values)
    )
    return f'<path class="{name}" d="M{points}"/>'


def _x(index: float, number: int) -> float:
    """Return the position of a week on the axis."""
    return LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / number
