"""The context of one page: its view, answers, formats, coverage and comparison.

A page is a pure function of the view, the version of the facts, the entries that accounts wrote,
and the current hour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from clickstream.alerts.lake_state import UNSEEN, LakeState
from clickstream.completeness import LowHour
from clickstream.dashboard.access.identity import NOBODY, Identity
from clickstream.dashboard.ask.answers import Answer, Ask
from clickstream.dashboard.ask.coverage import (
    Coverage,
    ask_low_hours,
    is_period_complete,
    log_question,
    measure_coverage,
    to_local,
)
from clickstream.dashboard.ask.engines import ATHENA
from clickstream.dashboard.ask.fact_copy import CopyState
from clickstream.dashboard.ask.fact_views import MONEY, NEED_SHOP, TIMED_ORDERS
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.periods import Period, cut_at, start_of
from clickstream.dashboard.ask.question import Question, build_question, leading_goal
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.entries.store import NO_NOTES, ShownNotes
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.log_notes import NO_LOG_NOTES, LogNotes
from clickstream.settings import Settings

# Names the metrics of the main goal: after orders, or after the site's own goal.

_Texts = Mapping[str, tuple[str, str]]
"""The label and the definition of each metric."""

_ORDER: _Texts = {
    "conversions": ("Orders", "Number of visits with at least one order. Each visit counts once."),
    "conversion_rate": ("Order rate", "Share of visits with at least one order."),
}
_OF_SHOP: _Texts = {
    "conversions": (
        "Visits with an order",
        (
            "Number of visits with at least one order, as the log shows them. Each visit counts "
            "once. Orders are counted by the shop: also those without a visit, such as by phone, "
            "and each order of a visit."
        ),
    ),
    "conversion_rate": _ORDER["conversion_rate"],
}
"""The texts of a site whose shop counts the orders."""

_OTHER: _Texts = {
    "conversions": (
        "Visits with {goal}",
        "Number of visits that met the goal {goal}. Each visit counts once.",
    ),
    "conversion_rate": ("Rate of {goal}", "Share of visits that met the goal {goal}."),
}


def named_metric(name: str, goal: str, is_order: bool, has_shop: bool) -> Metric:
    """Return a metric that names the main goal in its label and definition.

    With `has_shop`, the shop counts orders, and the goal is a visit with an order.
    """
    metric = METRICS[name]
    if not metric.is_of_goal or not goal:
        return metric
    if is_order:
        label, definition = (_OF_SHOP if has_shop else _ORDER)[name]
    else:
        label, definition = (text.format(goal=goal) for text in _OTHER[name])
    return replace(metric, label=label, definition=definition)


OF_GOALS = frozenset(("conversions", "conversion_rate"))
"""The metrics that mean nothing on a site without a goal."""

OF_MONEY = frozenset(name for name, metric in METRICS.items() if metric.facts in NEED_SHOP)
"""The metrics that mean nothing on a page without money."""

Built = TypeVar("Built")


@dataclass(frozen=True)
class PageContext:
    """The context of one request.

    `zone` is the time zone of the facts' local dates, `now` the time there (naive). `state` is the
    version of the facts; `problem` is the reason why they could not be refreshed, empty after a
    success. `entries` are the notes of accounts, `identity` is the reader. `engine` runs the SQL
    of the views. `lake_state` is what is open and missing now, `log_notes` are those of log files.
    """

    view: View
    ask: Ask
    formats: Formats
    now: datetime
    settings: Settings
    zone: ZoneInfo
    state: CopyState
    problem: str = ""
    entries: ShownNotes = NO_NOTES
    identity: Identity = NOBODY
    engine: str = ATHENA
    lake_state: LakeState = UNSEEN
    log_notes: LogNotes = NO_LOG_NOTES
    _built: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def once(self, build: Callable[[PageContext], Built]) -> Built:
        """Return what `build` makes of this page; computed at the first call."""
        if build not in self._built:
            self._built[build] = build(self)
        built: Built = self._built[build]
        return built

    @property
    def version(self) -> str:
        """The version that an open page compares to notice new facts and new notes."""
        return version_of(self.state, self.entries.version, self.lake_state)

    @cached_property
    def chosen_dates(self) -> Period:
        """The dates that the view chooses."""
        return self.view.period(self.now.date())

    @cached_property
    def period(self) -> Period:
        """The dates that the page shows: the chosen ones, from the first day of the log on."""
        chosen, begins = self.chosen_dates, self.log_begins
        if begins and chosen.first < begins.date() <= chosen.last:
            return replace(chosen, first=begins.date())
        return chosen

    @property
    def has_lake(self) -> bool:
        """Whether the facts are of a lake; false for those of log files (`clickstream open`)."""
        return self.engine == ATHENA

    @property
    def is_lake_empty(self) -> bool:
        """Whether no hour is published, in the page's dates or elsewhere; false if not known."""
        return not self.problem and self.ask(log_question(self.now)).single()["newest_hour"] is None

    @cached_property
    def log_begins(self) -> datetime | None:
        """The local moment (naive) at which the log begins; None without a line."""
        begins = self.ask(log_question(self.now)).single()["log_begins"]
        return None if begins is None else to_local(begins, self.zone)

    @property
    def starts_at(self) -> datetime | None:
        """The local moment at which the log begins, if that is after the start of the dates."""
        begins = self.log_begins
        return begins if begins and begins > start_of(self.chosen_dates.first) else None

    @cached_property
    def coverage(self) -> Coverage:
        """Which hours of the period are published."""
        return measure_coverage(self.ask, self.period, self.zone, self.now)

    @cached_property
    def low_hours(self) -> list[LowHour]:
        """The published hours of the period that are perhaps incomplete, by hour and host."""
        return ask_low_hours(self.ask, self.period, self.zone)

    @cached_property
    def compared_dates(self) -> Period | None:
        """The whole period that the view is compared with."""
        return self.view.comparison(self.now.date())

    @cached_property
    def compared(self) -> Period | None:
        """The part of the compared period that matches the published part of this period.

        None if nothing is compared, or if too many hours of either period are missing.
        """
        whole, complete_to = self.compared_dates, self.coverage.complete_to
        if whole is None or complete_to is None:
            return None
        if not self.coverage.is_nearly_complete(cut_at(self.period, complete_to)):
            return None
        cut = cut_at(whole, complete_to - self.shift)
        return cut if is_period_complete(self.ask, cut, self.zone) else None

    def until_complete(self, period: Period) -> Period:
        """Return the part of a period whose orders the page shows.

        The shop may have been read after the newest published hour. A page shows the orders of the
        hours of its visits, so that its amounts, their usual values and rates are of equal hours.
        """
        end = self.coverage.complete_to
        return cut_at(period, end) if end and period.hour_at is None else period

    @property
    def shift(self) -> timedelta:
        """The time between a moment of the period and the compared moment."""
        whole = self.compared_dates
        return self.chosen_dates.first - whole.first if whole else timedelta()

    @cached_property
    def goals(self) -> tuple[str, ...]:
        """The goals of the settings, and others that visits of the period met."""
        rows = self.answer(("goal_visits",), ("goal",), filters=()).rows
        return tuple(dict.fromkeys([*self.settings.goals, *(str(goal) for goal, _ in rows)]))

    @cached_property
    def main_goal(self) -> str:
        """The goal that leads: the order if it is a goal, else the first; empty without a goal."""
        order, goals = self.settings.dashboard.order_goal, self.settings.goals
        return leading_goal(order, goals if order in goals else self.goals)

    @property
    def is_main_goal_order(self) -> bool:
        """Whether the page of conversions is about orders."""
        return self.main_goal == self.settings.dashboard.order_goal

    def goal_of(self, metrics: Sequence[str]) -> str | None:
        """Return the main goal for a question whose metrics count it, else None."""
        return self.main_goal if any(METRICS[name].is_of_goal for name in metrics) else None

    def metric(self, name: str) -> Metric:
        """Return a metric; its texts name the main goal, if it counts that."""
        goal = self.goal_of([name])
        return (
            named_metric(name, goal, self.is_main_goal_order, self.has_shop)
            if goal
            else METRICS[name]
        )

    @property
    def has_goals(self) -> bool:
        """Whether the site has a goal."""
        return bool(self.settings.goals or self.goals)

    @property
    def has_shop(self) -> bool:
        """Whether the site has sales, all in one currency."""
        return bool(self.settings.sales_currency)

    @property
    def has_money(self) -> bool:
        """Whether the page shows orders and amounts: its filters apply to orders, too."""
        chosen = {filter_.dimension for filter_ in self.view.filters}
        return self.has_shop and chosen <= MONEY.visit_dimensions

    @property
    def hidden(self) -> frozenset[str]:
        """The metrics that the page does not show: of goals or of money, if it has none."""
        of_goals = frozenset[str]() if self.has_goals else OF_GOALS
        return of_goals if self.has_money else of_goals | OF_MONEY

    def with_default_range(self) -> PageContext:
        """Return the page with a range, if its view has none.

        These are 28 days if the log has eight weeks before them to compare them with, else 7 days.
        """
        if self.view.range:
            return self
        begins, needed = self.log_begins, timedelta(days=28, weeks=8)
        is_long = begins is not None and begins.date() <= self.now.date() - needed
        return replace(self, view=replace(self.view, range="28d" if is_long else "7d"))

    def without_hidden_metrics(self) -> PageContext:
        """Return the page with the default in place of each hidden metric of its view."""
        return replace(self, view=self.view.without_metrics(self.hidden)) if self.hidden else self

    def parts(self, panel: Panel) -> tuple[list[str], Sequence[str]]:
        """Return the metrics and the dimensions that a panel shows."""
        metrics, by = panel.parts(self.view)
        return [name for name in metrics if name not in self.hidden], by

    def questions(self, panel: Panel, period: Period | None = None) -> list[Question]:
        """Return the questions of a panel, for the page's period or another."""
        goal, dates = self.goal_of(self.parts(panel)[0]), period or self.period
        return panel.questions(
            self.view, dates, self.key_days, self.hidden, goal, self.until_complete(dates)
        )

    def days(self, period: Period) -> str:
        """Format the dates of a period, with the year if it is not the current year."""
        if period.first.year == period.last.year != self.now.year:
            days = self.formats.days(period.first, period.last)
            return f"{days} {period.last.year}"
        return self.formats.days(period.first, period.last)

    def shown(self, metric: Metric, value: Any) -> str:
        """Format a metric's value; moments, which are UTC, in local time."""
        if metric.format == "moment" and value is not None:
            value = to_local(value, self.zone)
        return self.formats.value(metric, value)

    def answer(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        period: Period | None = None,
        limit: int | None = None,
        filters: Sequence[Filter] | None = None,
    ) -> Answer:
        """Ask for metrics of the view's period and filters, or of others."""
        return self.ask(self.question(metrics, by, period, limit, filters))

    def question(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        period: Period | None = None,
        limit: int | None = None,
        filters: Sequence[Filter] | None = None,
    ) -> Question:
        """Build the question for metrics of the view's period and filters, or of others."""
        chosen = self.view.filters if filters is None else filters
        goal, dates = self.goal_of(metrics), period or self.period
        if METRICS[metrics[0]].facts in TIMED_ORDERS:
            dates = self.until_complete(dates)
        return build_question(metrics, by, dates, chosen, limit, self.key_days, goal)

    @property
    def key_days(self) -> int:
        """The number of days for which a visitor can be recognized."""
        return self.settings.privacy.key_days


def version_of(state: CopyState, entries: str, lake_state: LakeState = UNSEEN) -> str:
    """Build the version of a page's content: that of facts, entries and state of the lake."""
    return f"{state.version}-{entries}{lake_state.version}"
