"""Sentences about the result of a holdout test. They never say that there is no effect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import assert_never

from clickstream.core.wording import format_share, percent, quantity
from clickstream.insight.holdout import Holdout, Lift, NoAnswer
from clickstream.insight.holdout_panel import RegionHistory
from clickstream.insight.holdout_plan import HoldoutOption, HoldoutPlan
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.insight.synthetic_control import DAYS_PER_BLOCK

STILL_ON = 0.2
"""Share of its usual values from which on a campaign was probably not switched off.

Some come with its tags anyway: from bookmarks, shared links, and places that are not exact.
"""

SHOWN_DATES = 3
"""Incomplete dates that a sentence names; it counts the others."""


def describe(
    result: Lift | NoAnswer, campaigns: Sequence[str], metric: TestedMetric, currency: str = ""
) -> str:
    """Say in a sentence what campaigns brought, or why that is not known."""
    if isinstance(result, NoAnswer):
        return f"No result: {result.sentence}"
    where = f"without {', '.join(campaigns)}, {_regions(result.regions)} had"
    if not result.is_found:
        return (
            f"No effect found: {where} {_difference(result.share, metric)} than expected, which is "
            f"within chance ({_interval(result)}); an effect under about "
            f"{format_share(result.least_visible)} would not have been seen."
        )
    result_text = (
        f"W{where[1:]} {_difference(result.share, metric)} than expected ({_interval(result)})"
    )
    if result.share < 0:
        return f"{result_text}: look for another cause, such as an event in the regions."
    brings = "it brings" if len(campaigns) == 1 else "they bring"
    amount = _amount(result.effect, metric, currency)
    weeks, days = divmod(result.test_days, 7)
    time = quantity(result.test_days, "day") if days else quantity(weeks, "week")
    return f"{result_text}: {brings} about {amount} in {time} there."


def notes(result: Lift | NoAnswer) -> Iterator[str]:
    """Yield what limits a result: dates to come, incomplete dates, other regions and the fit."""
    if isinstance(result, Lift):
        if result.days_missing:
            days = quantity(result.days_missing, "date")
            yield f"The test is not over: {days} until {result.last} are missing."
        yield from _notes_on_control(result)
    if result.incomplete:
        yield _name_incomplete(result.incomplete)


def notes_on_campaigns(history: RegionHistory, holdout: Holdout) -> Iterator[str]:
    """Yield a doubt about the test itself: the campaigns are unknown, or were not switched off."""
    indexes = [n for n, name in enumerate(history.panel.regions) if name in holdout.regions]
    by_date = history.of_campaigns[indexes].sum(axis=0)
    dates = history.panel.dates
    before = [value for day, value in zip(dates, by_date, strict=True) if day < holdout.first]
    within = [
        value
        for day, value in zip(dates, by_date, strict=True)
        if holdout.first <= day <= holdout.last
    ]
    usual = sum(before) / max(len(before), 1)
    now = sum(within) / max(len(within), 1)
    if before and usual <= 0:
        yield "Nothing came by the campaigns in the regions before the test: check their names."
    elif before and now > STILL_ON * usual:
        yield (
            f"The campaigns brought {format_share(now / usual)} as much a day during the test as "
            "before: check that they were off in the regions."
        )


def describe_plan(plan: HoldoutPlan, metric: TestedMetric) -> str:
    """Say in a sentence which test to choose, or why none would find the campaign."""
    if plan.refusal:
        return f"No plan: {plan.refusal}"
    if (best := plan.best) is not None:
        return (
            f"Proposed: switch it off in {_regions(best.regions)} for "
            f"{quantity(best.weeks, 'week')}. An effect of "
            f"{format_share(best.smallest_effect or 0)} of the {_NOUNS[metric]} there would be "
            f"found; the campaign has {format_share(best.campaign_share)} of them, and the test "
            "finds it if half of these or more would not come without it."
        )
    effects = [
        option.smallest_effect for option in plan.options if option.smallest_effect is not None
    ]
    if not effects:
        return "Nothing can be detected: not even the loss of all values would be found."
    return (
        f"At this traffic, no test would find the campaign: the smallest effect that is found is "
        f"{format_share(min(effects))} of the {_NOUNS[metric]} in the regions, and the campaign "
        f"has {format_share(max(option.campaign_share for option in plan.options))} at most. Its "
        "effect is hardly larger than that."
    )


def settings_section(
    campaigns: Sequence[str],
    metric: TestedMetric,
    best: HoldoutOption,
    before_days: int,
    today: date,
) -> str:
    """Return the section of the settings for a proposed test, from the next Monday on."""
    first = today + timedelta(days=DAYS_PER_BLOCK - today.weekday())
    last = first + timedelta(weeks=best.weeks, days=-1)
    words = re.findall("[a-z0-9]+", " ".join(campaigns).lower())
    lines = {
        "name": _toml("-".join(["without", *words])),
        "campaigns": f"[{', '.join(map(_toml, campaigns))}]",
        "regions": f"[{', '.join(map(_toml, best.regions))}]",
        **{"first": str(first), "last": str(last)},
        **{"metric": _toml(metric), "before_days": str(before_days)},
    }
    return "\n".join(["[[holdouts]]", *(f"{name} = {value}" for name, value in lines.items())])


def _toml(text: str) -> str:
    """Return a text as a string of TOML, which has the escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)


_NOUNS: dict[TestedMetric, str] = {"orders": "orders", "net_sales": "net sales", "visits": "visits"}


def _notes_on_control(result: Lift) -> Iterator[str]:
    names = ", ".join(f"{donor.region} {format_share(donor.share)}" for donor in result.donors)
    yield f"The control is {names}; it missed the weeks before by {format_share(result.fit_error)}."
    if result.too_small:
        regions = quantity(result.too_small, "region")
        yield f"{regions} with too few values before the test are left out."
    if result.widening > 1:
        yield (
            f"The interval is {result.widening:.1f} times as wide as the days before suggest, "
            "because other regions changed without a reason, too."
        )


def _name_incomplete(incomplete: Mapping[date, str]) -> str:
    """Name the dates that are left out, and what they lack."""
    days = sorted(incomplete)
    named = ", ".join(f"{day} ({incomplete[day]})" for day in days[:SHOWN_DATES])
    unnamed = len(days) - SHOWN_DATES
    rest = f" and {quantity(unnamed, 'other date')}" if unnamed > 0 else ""
    return f"Left out because they are not complete: {named}{rest}."


def _difference(share: float, metric: TestedMetric) -> str:
    """Say by how much the regions were below or above their control."""
    match metric:
        case "orders" | "visits":
            word = f"{'fewer' if share >= 0 else 'more'} {metric}"
        case "net_sales":
            word = f"{'lower' if share >= 0 else 'higher'} net sales"
        case _:
            assert_never(metric)
    return f"{format_share(abs(share))} {word}"


def _amount(effect: float, metric: TestedMetric, currency: str) -> str:
    if metric == "net_sales":
        return f"{_rounded(effect / 100)} {currency}".rstrip()
    return f"{_rounded(effect)} {metric}"


def _rounded(number: float) -> str:
    """Round to two or three digits: more would be chance."""
    size = abs(number)
    step = 1 if size < 100 else 10 if size < 1_000 else 10 ** (len(str(int(size))) - 3)
    return f"{round(number / step) * step:,}"


def _interval(result: Lift) -> str:
    """Name the interval; a limit below 0 is more than without the campaign."""
    return f"90 % interval {percent(result.low)} to {format_share(result.high)}"


def _regions(names: Sequence[str]) -> str:
    return f"the region{'s' if len(names) > 1 else ''} {'; '.join(names)}"
