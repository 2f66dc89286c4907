"""Goals: the visits that met each goal, and the pace towards the targets of the month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from typing import Literal

from clickstream.dashboard.ask.coverage import hours_of, measure_coverage, to_local
from clickstream.dashboard.ask.intervals import known_share
from clickstream.dashboard.ask.periods import Period, cut_at, period_of
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.widgets.notes import hours_by_rules
from clickstream.dashboard.widgets.page import PageContext

HISTORY_DAYS = 28
"""The days before now whose hours show what the coming ones usually bring."""

TOLERANCE = 0.05
"""A goal is on pace if its projection differs from the target by at most this share of it."""

WeekHour = tuple[int, int]
"""A weekday, 1 for Monday, and a local hour."""


@dataclass(frozen=True)
class Pace:
    """Progress towards the target of the calendar month.

    `projected` adds what the coming hours of the month usually bring; it is None with less than a
    week of data. `width` is the reached part of the target in percent, `elapsed_width` that of the
    month. The number comes in parts of about `cluster`: visits alone, amounts in orders.
    """

    reached: int
    target: int
    projected: int | None
    width: float
    elapsed_width: float
    cluster: float = 1.0

    @property
    def state(self) -> Literal["ahead", "on pace", "behind", "unknown"]:
        """How the projection compares with the target."""
        if self.projected is None:
            return "unknown"
        margin = max(TOLERANCE * self.target, 2 * sqrt(self.target * self.cluster))
        if abs(self.projected - self.target) <= margin:
            return "on pace"
        return "ahead" if self.projected > self.target else "behind"


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
    starts: dict[str, datetime] = {}
    published: Counter[str] = Counter()
    for record in hours_by_rules(page):
        starts.setdefault(record["settings"], to_local(record["first_hour"], page.zone))
        published[record["settings"]] += record["published_hours"]
    if len(starts) < 2:
        return {}
    days = page.answer(("goal_visits",), ("day", "goal"), filters=()).rows
    first_met = {goal: day for day, goal, _ in reversed(days)}
    sentences = {}
    for name in page.settings.goals:
        in_order = [*starts.values()]
        begun = [at for at in in_order if name not in first_met or at.date() <= first_met[name]]
        since = begun[-1] if begun else in_order[0]
        hours = sum(published[settings] for settings, at in starts.items() if at < since)
        if hours:
            sentences[name] = _say_uncounted(page, hours, since)
    return sentences


def _say_uncounted(page: PageContext, hours: int, since: datetime) -> str:
    return page.formats.plural(
        "No visit met it in {number} hour before {when}, which was built with other settings: "
        "perhaps it was not set yet.",
        "No visit met it in {number} hours before {when}, which were built with other "
        "settings: perhaps it was not set yet.",
        hours,
        when=page.formats.moment(since),
    )


def _paces(page: PageContext) -> dict[str, Pace]:
    """Return the paces of goals with a target; none with filters: targets are of all visits."""
    targets = page.settings.dashboard.monthly_targets
    if not targets or page.view.filters:
        return {}
    month, end = _this_month(page)
    if end is None:
        return {}
    rows = page.ask(build_question(("goal_visits",), ("goal",), month)).rows
    reached = {str(name): int(visits) for name, visits in rows}
    coming = _coming(page, end, month.end, "goal_visits", ("goal",))
    return {
        name: _pace(
            page,
            month,
            end,
            reached.get(name, 0),
            target,
            None if coming is None else coming.get((name,), 0.0),
        )
        for name, target in targets.items()
    }


def sales_pace(page: PageContext) -> Pace | None:
    """Return the pace towards the month's net sales, in hundredths.

    None without a target, and with filters, because the target is of all orders.
    """
    target = page.settings.dashboard.monthly_sales_target
    if not (target and page.has_money) or page.view.filters:
        return None
    month, end = _this_month(page)
    if end is None:
        return None
    metrics = ("net_sales", "sales_squares")
    net, squares = page.ask(build_question(metrics, (), cut_at(month, end))).rows[0]
    coming = _coming(page, end, month.end, "net_sales")
    rest = None if coming is None else coming.get((), 0.0)
    pace = _pace(page, month, end, int(net), 100 * target, rest)
    return replace(pace, cluster=max(squares / net, 1.0) if net > 0 else 1.0)


def _this_month(page: PageContext) -> tuple[Period, datetime | None]:
    """Return the calendar month, and the local moment to which its hours are complete."""
    month = period_of("month", page.now.date())
    return month, measure_coverage(page.ask, month, page.zone, page.now).complete_to


def _pace(
    page: PageContext,
    month: Period,
    end: datetime,
    reached: int,
    target: int,
    coming: float | None,
) -> Pace:
    elapsed = hours_of(cut_at(month, end), page.zone) / hours_of(month, page.zone)
    return Pace(
        reached,
        target,
        None if coming is None else round(reached + coming),
        round(min(max(100 * reached / target, 0), 100), 1),
        round(100 * elapsed, 1),
    )


def _coming(
    page: PageContext, end: datetime, until: datetime, metric: str, by: Sequence[str] = ()
) -> dict[tuple[str, ...], float] | None:
    """Return what the hours from `end` to `until` usually bring of a metric, by dimensions.

    Each hour brings the average of the published hours with its weekday and time. None if there is
    no such hour for one of them, as in the first week of a log.
    """
    coming = Counter(_week_hours(end, until))
    first = end.date() - timedelta(days=HISTORY_DAYS)
    history = cut_at(Period(first, end.date()), end)
    question = build_question(("published_hours",), ("weekday", "hour"), history)
    published = {(day, hour): number for day, hour, number in page.ask(question).rows}
    if not coming.keys() <= published.keys():
        return None
    question = build_question((metric,), ("weekday", "hour", *by), history)
    expected: dict[tuple[str, ...], float] = defaultdict(float)
    for day, hour, *group, number in page.ask(question).rows:
        if (day, hour) in published:
            expected[tuple(group)] += coming[day, hour] * number / published[day, hour]
    return dict(expected)


def _week_hours(start: datetime, end: datetime) -> Iterator[WeekHour]:
    """Yield the weekday and the hour of each local hour."""
    while start < end:
        yield start.isoweekday(), start.hour
        start += timedelta(hours=1)


def pace_text(formats: Formats, pace: Pace, show: Callable[[float], str] | None = None) -> str:
    """Describe the pace towards the month's target; `show` formats its numbers, if no counts."""
    show = show or formats.count
    states = {
        "ahead": "this month {reached} of {target}, ahead: on course for {projected}",
        "on pace": "this month {reached} of {target}, on pace for {projected}",
        "behind": "this month {reached} of {target}, behind: on course for {projected}",
        "unknown": "this month {reached} of {target}; a forecast needs a week of data",
    }
    return states[pace.state].format(
        reached=show(pace.reached), target=show(pace.target), projected=show(pace.projected or 0)
    )
