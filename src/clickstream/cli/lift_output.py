"""Output of `clickstream lift`: tables and sentences for the terminal, and values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.text import Text

from clickstream.insight.holdout import Lift, NoAnswer
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.insight.holdout_texts import describe
from clickstream.terminal import print_rows
from clickstream.wording import format_share, printable

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
    more = ("least_visible", "widening", "is_found", "days_missing", "too_small")
    return values | {
        **{name: getattr(result, name) for name in (*numbers, *more)},
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
