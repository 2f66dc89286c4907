"""What the dashboard must show of a simulated café, computed from the café's own truth.

Nothing here is shared with the pipeline or the dashboard: people's sessions and the hours' counts
come from the simulation, and are grouped in plain Python.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.clickstream.dashboard import sales_truth

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import Filter
from clickstream.demo.cafe import HourTruth, PersonSession, Truth

Row = tuple[Any, ...]
TIMES = {"day", "hour", "weekday", "week"}
PLACES = {"country", "region", "city"}


def _is_last(view: PageView) -> bool:
    visit, place = view
    return place == len(visit.pages) - 1


def _share(number: int, of: int) -> float | None:
    """The share that pages show: none of fewer than 30."""
    return number / of if of >= 30 else None


SESSION_METRICS: Mapping[str, Callable[[Sequence[PersonSession]], Any]] = {
    "visits": len,
    "visitors": lambda some: len({visit.visitor for visit in some}),
    "page_views": lambda some: sum(visit.page_views for visit in some),
    "engaged_rate": lambda some: _share(sum(v.is_engaged for v in some), len(some)),
    "bounce_rate": lambda some: _share(sum(v.is_bounce for v in some), len(some)),
    "conversions": lambda some: sum("order" in v.goals for v in some),
    "conversion_rate": lambda some: _share(sum("order" in v.goals for v in some), len(some)),
}
SENDERS = {
    **{"google": "Google", "bing": "Microsoft", "duckduckgo": "DuckDuckGo", "chatgpt": "OpenAI"},
    **{"facebook": "Meta", "instagram": "Meta", "perplexity": "Perplexity"},
    **{"claude": "Anthropic", "copilot": "Microsoft", "gemini": "Google"},
    **{"reddit": "Reddit", "twitter": "X"},
}
"""The operators that send the café visits, by source."""

PageView = tuple[PersonSession, int]
"""A page view: its visit, and its place there."""

PAGE_METRICS: Mapping[str, Callable[[Sequence[PageView]], Any]] = {
    "views": len,
    "exit_rate": lambda some: _share(sum(map(_is_last, some)), len(some)),
    # How long the last page of a visit is looked at is the only time that the log does not have.
    "estimated_share": lambda some: _share(sum(map(_is_last, some)), len(some)),
}
HOUR_METRICS: Mapping[str, Callable[[Sequence[tuple[Hour, HourTruth]]], Any]] = {
    "lines": lambda some: sum(truth.lines for _, truth in some),
    "rejected": lambda some: sum(truth.rejected for _, truth in some),
    "assets": lambda some: sum(truth.assets for _, truth in some),
    "bots": lambda some: sum(truth.bots for _, truth in some),
    "people": lambda some: sum(t.lines - t.rejected - t.assets - t.bots for _, t in some),
    "server_errors": lambda some: sum(truth.server_errors for _, truth in some),
    "late_lines": lambda _some: 0,
    "waiting_lines": lambda _some: 0,
    "incomplete_hours": lambda _some: 0,
    "published_hours": len,
    "first_hour": lambda some: min(hour.naive for hour, _ in some),
    "newest_hour": lambda some: max(hour.naive for hour, _ in some),
}


@dataclass(frozen=True)
class CafeTruth:
    """The truth of a café, seen in a time zone."""

    truth: Truth
    zone: ZoneInfo
    shops: Sequence[Path] = ()

    def rows(
        self, metrics: Sequence[str], by: Sequence[str], period: Period, filters: Sequence[Filter]
    ) -> list[Row] | None:
        """The rows of a question in any order; None if the truth does not know its metrics."""
        if set(metrics) <= SESSION_METRICS.keys() and "furthest_step" not in by:
            visits = self.chosen(period, filters)
            if "first_week" in by:
                return self._cohorts(visits, period, filters)
            return self._grouped(visits, by, [SESSION_METRICS[name] for name in metrics])
        if set(metrics) <= PAGE_METRICS.keys():
            views = self._page_views(period, filters)
            return self._grouped(views, by, [PAGE_METRICS[name] for name in metrics])
        if set(metrics) <= HOUR_METRICS.keys() and set(by) <= TIMES:
            hours = [one for one in self.truth.hours.items() if self._holds(period, one)]
            return self._grouped(hours, by, [HOUR_METRICS[name] for name in metrics])
        if set(metrics) <= {*sales_truth.METRICS, *sales_truth.COSTS}:
            return self._sold(metrics, by, period, filters)
        if list(metrics) == ["goal_visits"] and list(by) == ["goal"]:
            return self._goals(period, filters)
        if list(metrics) == ["goal_visits"] and set(by) <= TIMES:
            return self._visits_with_goals(by, period, filters)
        return None

    def chosen(self, period: Period, filters: Sequence[Filter]) -> list[PersonSession]:
        return [v for v in self._visits(period) if all(self._passes(v, f) for f in filters)]

    def _page_views(self, period: Period, filters: Sequence[Filter]) -> list[PageView]:
        """The page views of the visits that pass; a filter by page chooses the views themselves."""
        others = [one for one in filters if one.dimension != "page"]
        views = [
            (visit, place)
            for visit in self.chosen(period, others)
            for place in range(len(visit.pages))
        ]
        for one in filters:
            if one.dimension == "page":
                views = [
                    (visit, place)
                    for visit, place in views
                    if (visit.pages[place].page in one.values) != one.is_excluded
                ]
        return views

    def _cohorts(
        self, visits: Sequence[PersonSession], period: Period, filters: Sequence[Filter]
    ) -> list[Row]:
        """Visitors by the week of their first visit that passes, and the week in which they came.

        The café's few days have one visitor key.
        """
        earlier = self.chosen(replace(period, first=period.first - timedelta(days=30)), filters)
        weeks: dict[Any, date] = {}
        for visit in sorted(earlier, key=lambda one: one.started_at):
            weeks.setdefault(visit.visitor, self._value(visit, "week"))
        found: dict[tuple[date, date], set[Any]] = defaultdict(set)
        for visit in visits:
            found[weeks[visit.visitor], self._value(visit, "week")].add(visit.visitor)
        return [(*key, len(visitors)) for key, visitors in found.items()]

    def _sold(
        self, metrics: Sequence[str], by: Sequence[str], period: Period, filters: Sequence[Filter]
    ) -> list[Row]:
        """Orders and refunds of the shops. No visit is known, so their dimensions are null."""
        if list(metrics) == [*sales_truth.COSTS]:
            return sales_truth.costs(self.shops, by, period.dates)
        passes = all((None in one.values) != one.is_excluded for one in filters)
        sold = sales_truth.read_sold(self.shops, self.zone) if passes else []
        inside = [one for one in sold if _is_in(period, one.at)]
        return sales_truth.grouped(inside, metrics, by)

    @cached_property
    def _first_visits(self) -> Mapping[Any, PersonSession]:
        """The first visit of each visitor."""
        visits = [visit for visit in self.truth.sessions if visit.pages]
        visits.sort(key=lambda visit: visit.started_at, reverse=True)
        return {visit.visitor: visit for visit in visits}

    def items(self, period: Period, filters: Sequence[Filter]) -> list[Row]:
        """Each page that the last filter by page names, with its visits and views."""
        named = set([one for one in filters if one.dimension == "page"][-1].values)
        visits = self.chosen(period, filters)
        pages = {view.page for visit in visits for view in visit.pages} & named
        seen = {page: [[v.page for v in one.pages].count(page) for one in visits] for page in pages}
        return [(page, sum(map(bool, views)), sum(views)) for page, views in seen.items()]

    def _visits_with_goals(
        self, by: Sequence[str], period: Period, filters: Sequence[Filter]
    ) -> list[Row]:
        """Visits that met the one goal that the filters name."""
        visits = self.chosen(period, filters)
        return self._grouped(visits, by, [len])

    def _goals(self, period: Period, filters: Sequence[Filter]) -> list[Row]:
        met: dict[str, int] = defaultdict(int)
        for visit in self._visits(period):
            if all(self._passes(visit, one) for one in filters):
                for goal in set(visit.goals):
                    met[goal] += 1
        return list(met.items())

    def _visits(self, period: Period) -> Iterator[PersonSession]:
        for visit in self.truth.sessions:
            if visit.pages and _is_in(period, self._local(visit.started_at)):
                yield visit

    def _holds(self, period: Period, one: tuple[Hour, HourTruth]) -> bool:
        return _is_in(period, self._local(one[0].start))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def _grouped(
        self, items: Sequence[Any], by: Sequence[str], metrics: Sequence[Any]
    ) -> list[Row]:
        groups: dict[Row, list[Any]] = defaultdict(list)
        for item in items:
            groups[tuple(self._value(item, name) for name in by)].append(item)
        if not by and not groups:
            groups[()] = []
        return [
            (*key, *(metric(some) for metric in metrics))
            for key, some in groups.items()
            if not PLACES & set(by) or len({visit.visitor for visit in some}) >= 10
        ]

    def _value(self, item: Any, name: str) -> Any:
        """The value of a dimension, of a visit, a page view, or an hour with its truth."""
        if isinstance(item, tuple) and isinstance(item[0], PersonSession):
            visit, place = item
            pages = [*(view.page for view in visit.pages), None]
            if name in ("page", "next_page"):
                return pages[place + (name == "next_page")]
            item = visit
        is_visit = isinstance(item, PersonSession)
        local = self._local(item.started_at if is_visit else item[0].start)
        day = local.date()
        times = {
            "day": day,
            "hour": local.hour,
            "weekday": local.isoweekday(),
            "week": day - timedelta(days=day.weekday()),
        }
        return times[name] if name in times else self._of_visit(item, name)

    def _of_visit(self, visit: PersonSession, name: str) -> Any:
        """The value of a visit, which may be about its visitor's first one."""
        if name == "visitor_kind":
            first, day = (
                self._local(one.started_at).date()
                for one in (self._first_visits[visit.visitor], visit)
            )
            return "returning" if day > first else "new"
        return _plain_value(visit, name)

    def _passes(self, visit: PersonSession, one: Filter) -> bool:
        if one.dimension == "page":
            found = bool({view.page for view in visit.pages} & set(one.values))
        elif one.dimension == "goal":
            found = bool(set(visit.goals) & set(one.values))
        else:
            found = self._of_visit(visit, one.dimension) in one.values
        return found != one.is_excluded


def _is_in(period: Period, local: datetime) -> bool:
    day: date = local.date()
    if period.hour_at and local.astimezone(UTC).replace(tzinfo=None) != period.hour_at:
        return False
    if not period.first <= day <= period.last:
        return False
    return period.until_hour is None or day < period.last or local.hour < period.until_hour


def _plain_value(visit: PersonSession, name: str) -> Any:
    equipment, place = visit.equipment, visit.place
    values = {
        "channel": visit.channel,
        "source": visit.source,
        "medium": visit.medium,
        "content": None,
        "term": None,
        "campaign": visit.utm_campaign,
        "referrer": visit.referrer_domain,
        "landing_page": visit.landing_page,
        "exit_page": visit.exit_page,
        "device": equipment.device,
        "browser": equipment.browser,
        "os": equipment.os,
        "country": place.country,
        "region": _joined(place.region, place.country),
        "city": _joined(place.city, place.region, place.country),
        "sender": None if "Paid" in (visit.channel or "Paid") else SENDERS.get(visit.source or ""),
    }
    return values[name]


def _joined(name: str | None, *within: str | None) -> str | None:
    """The name of a place with what it lies in, each name once."""
    return name and ", ".join([name, *(one for one in within if one and one != name)])
