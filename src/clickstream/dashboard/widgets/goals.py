"""Goals: the visits that met each goal, and the pace towards the month's target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Literal

from clickstream.dashboard.formats import Formats
from clickstream.dashboard.questions.coverage import hours_of, measure_coverage, to_local
from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.questions.periods import period_of
from clickstream.dashboard.questions.question import build_question
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class Pace:
    """Progress towards the target of the calendar month.

    `expected` is the part of the target for the hours published so far, `projected` the number at
    the end of the month at the same rate. `width` and `expected_width` are percentages of the
    target.
    """

    reached: int
    target: int
    expected: int
    projected: int
    state: Literal["ahead", "on pace", "behind"]
    width: float
    expected_width: float


@dataclass(frozen=True)
class GoalRow:
    """A goal: visits of the period that met it, their share of all visits, and the month's pace.

    `since` is a sentence on earlier hours of the period that may not have counted it.
    """

    name: str
    visits: int
    share: float | None
    query: str
    pace: Pace | None
    since: str = ""


def goal_rows(page: PageContext) -> list[GoalRow]:
    """Return the goals of the settings and of the facts, in order of their visits."""
    rows = page.answer(("goal_visits",), ("goal",)).rows
    met = {str(name): int(visits) for name, visits in rows}
    names = [*met, *(name for name in page.goals if name not in met)]
    visits = page.answer(("visits",)).single()["visits"] or 0
    paces = _paces(page)
    since = _uncounted(page)
    return [
        GoalRow(
            name,
            met.get(name, 0),
            known_share(met.get(name, 0), visits),
            page.view.with_filter("goal", name).query,
            paces.get(name),
            since.get(name, ""),
        )
        for name in names
    ]


def _uncounted(page: PageContext) -> dict[str, str]:
    """State for each goal which hours of the period may have been built before it was set.

    Goals are counted when an hour is built. The hours of other settings, up to those in which the
    first visit met the goal, may not have counted it; the facts do not record which did.
    """
    rules = page.answer(("first_hour", "published_hours"), ("settings",)).rows
    in_order = sorted(rules, key=lambda row: row[1])
    if len(in_order) < 2:
        return {}
    days = page.answer(("goal_visits",), ("day", "goal"), filters=()).rows
    first_met = {goal: day for day, goal, _ in reversed(days)}
    starts = [to_local(first, page.zone) for _, first, _ in in_order]
    found = {}
    for name in page.settings.goals:
        begun = [at for at in starts if name not in first_met or at.date() <= first_met[name]]
        since = begun[-1] if begun else starts[0]
        hours = sum(row[2] for row, at in zip(in_order, starts, strict=True) if at < since)
        if hours:
            found[name] = _say_uncounted(page, hours, since)
    return found


def _say_uncounted(page: PageContext, hours: int, since: datetime) -> str:
    return page.formats.plural(
        "No visit met it in %(number)s hour before %(when)s, which was built with other settings: "
        "perhaps it was not set yet.",
        "No visit met it in %(number)s hours before %(when)s, which were built with other "
        "settings: perhaps it was not set yet.",
        hours,
        when=page.formats.moment(since),
    )


def _paces(page: PageContext) -> dict[str, Pace]:
    """Return the paces of goals with a target, for all visits: the view's filters do not apply."""
    targets = page.settings.dashboard.monthly_targets
    if not targets:
        return {}
    month = period_of("month", page.now.date())
    published = measure_coverage(page.ask, month, page.zone, page.now).published
    if not published:
        return {}
    rows = page.ask(build_question(("goal_visits",), ("goal",), month)).rows
    reached = {str(name): int(visits) for name, visits in rows}
    part = published / hours_of(month, page.zone)
    return {name: _pace(reached.get(name, 0), target, part) for name, target in targets.items()}


def _pace(reached: int, target: int, part: float) -> Pace:
    """Compute the pace after `part` of the month: on pace within 2 standard errors (Poisson)."""
    expected = target * part
    state: Literal["ahead", "on pace", "behind"] = "on pace"
    if abs(reached - expected) > 2 * sqrt(max(expected, 1)):
        state = "ahead" if reached > expected else "behind"
    return Pace(
        reached,
        target,
        round(expected),
        round(reached / part),
        state,
        round(min(100 * reached / target, 100), 1),
        round(min(100 * part, 100), 1),
    )


def pace_text(formats: Formats, pace: Pace) -> str:
    """Describe the pace towards the month's target."""
    states = {
        "ahead": mark("this month %(reached)s of %(target)s, ahead: on course for %(projected)s"),
        "on pace": mark("this month %(reached)s of %(target)s, on pace for %(projected)s"),
        "behind": mark("this month %(reached)s of %(target)s, behind: on course for %(projected)s"),
    }
    return formats.text(
        states[pace.state],
        reached=formats.count(pace.reached),
        target=formats.count(pace.target),
        projected=formats.count(pace.projected),
    )
