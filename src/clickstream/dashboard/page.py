"""What every page has: its view, answers, formats, coverage and comparison.

A `Page` is one request's answer in the making. Everything on it is a pure function of the view, of
the version of the facts and of what accounts wrote, and of the present hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from clickstream.dashboard.access.identity import NOBODY, Identity
from clickstream.dashboard.answers import Answer, Ask
from clickstream.dashboard.coverage import Coverage, measure_coverage, to_local
from clickstream.dashboard.entries.store import NO_ENTRIES, Entries
from clickstream.dashboard.fact_copy import CopyState
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.metrics import Metric
from clickstream.dashboard.periods import Period, cut_at
from clickstream.dashboard.questions import build_question
from clickstream.dashboard.view import Filter, View
from clickstream.settings import Settings


@dataclass(frozen=True)
class Page:
    """A page in the making.

    `zone` is the time zone of the facts' local dates, `now` the time there (naive). `state` is the
    version of the facts; `problem` says why they could not be refreshed, and is empty while they
    are. `entries` are the notes and saved views of accounts, `identity` is who asks.
    """

    view: View
    ask: Ask
    formats: Formats
    now: datetime
    settings: Settings
    zone: ZoneInfo
    state: CopyState
    problem: str = ""
    entries: Entries = NO_ENTRIES
    identity: Identity = NOBODY

    @property
    def version(self) -> str:
        """What an open page compares, to notice new facts and new notes."""
        return version_of(self.state, self.entries.version)

    @cached_property
    def period(self) -> Period:
        """The dates that the page shows."""
        return self.view.period(self.now.date())

    @cached_property
    def coverage(self) -> Coverage:
        """Which hours of the period are published."""
        return measure_coverage(self.ask, self.period, self.zone)

    @cached_property
    def compared_dates(self) -> Period | None:
        """The whole period that the view is compared with."""
        return self.view.comparison(self.now.date())

    @cached_property
    def compared(self) -> Period | None:
        """The part of the compared period that matches the published part of this one.

        None if nothing is compared, or if too many hours of either are missing.
        """
        whole, complete_to = self.compared_dates, self.coverage.complete_to
        if whole is None or complete_to is None:
            return None
        if not self.coverage.is_nearly_complete(cut_at(self.period, complete_to)):
            return None
        cut = cut_at(whole, complete_to - self.shift)
        known = measure_coverage(self.ask, cut, self.zone)
        return cut if known.is_nearly_complete(cut) else None

    @property
    def shift(self) -> timedelta:
        """How far before a moment of the period the compared one lies."""
        whole = self.compared_dates
        return self.period.first - whole.first if whole else timedelta()

    def days(self, period: Period) -> str:
        """The dates of a period as readers see them, with the year if it is not this one."""
        if period.first.year == period.last.year != self.now.year:
            days = self.formats.days(period.first, period.last)
            return f"{days} {period.last.year}"
        return self.formats.days(period.first, period.last)

    def shown(self, metric: Metric, value: Any) -> str:
        """A metric's value as readers see it; moments, which are UTC, in local time."""
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
        chosen = self.view.filters if filters is None else filters
        question = build_question(
            metrics, by, period or self.period, chosen, limit, key_days=self.key_days
        )
        return self.ask(question)

    @property
    def key_days(self) -> int:
        """How long a visitor can be recognized."""
        return self.settings.privacy.key_days


def version_of(state: CopyState, entries: str) -> str:
    """The version of a page's content: that of the facts, and that of notes and saved views."""
    return f"{state.version}-{entries}"
