"""What the dashboard must show of a simulated café, computed from the café's own truth.

Nothing here is shared with the pipeline or the dashboard: people's sessions and the hours' counts
come from the simulation, and are grouped in plain Python.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clickstream.dashboard.periods import Period
from clickstream.dashboard.view import Filter
from clickstream.demo.cafe import HourTruth, PersonSession, Truth
from clickstream.hours import Hour

Row = tuple[Any, ...]
TIMES = {"day", "hour", "weekday", "week"}


def _share(number: int, of: int) -> float | None:
    return number / of if of else None


SESSION_METRICS: Mapping[str, Callable[[Sequence[PersonSession]], Any]] = {
    "visits": len,
    "visitors": lambda some: len({visit.visitor for visit in some}),
    "page_views": lambda some: sum(visit.page_views for visit in some),
    "engaged_rate": lambda some: _share(sum(v.is_engaged for v in some), len(some)),
    "bounce_rate": lambda some: _share(sum(v.is_bounce for v in some), len(some)),
    "conversions": lambda some: sum(v.conversions > 0 for v in some),
    "conversion_rate": lambda some: _share(sum(v.conversions > 0 for v in some), len(some)),
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

    def rows(
        self, metrics: Sequence[str], by: Sequence[str], period: Period, filters: Sequence[Filter]
    ) -> list[Row] | None:
        """The rows of a question in any order; None if the truth does not know its metrics."""
        if set(metrics) <= SESSION_METRICS.keys() and "furthest_step" not in by:
            visits = [v for v in self._visits(period) if all(_passes(v, f) for f in filters)]
            return self._grouped(visits, by, [SESSION_METRICS[name] for name in metrics])
        if set(metrics) <= HOUR_METRICS.keys() and set(by) <= TIMES:
            hours = [one for one in self.truth.hours.items() if self._holds(period, one)]
            return self._grouped(hours, by, [HOUR_METRICS[name] for name in metrics])
        if list(metrics) == ["goal_visits"] and list(by) == ["goal"]:
            return self._goals(period, filters)
        if list(metrics) == ["goal_visits"] and set(by) <= TIMES:
            return self._visits_with_goals(by, period, filters)
        return None

    def pages(self, period: Period, filters: Sequence[Filter]) -> list[Row]:
        """Each page with its views and the share of them that ended a visit."""
        named = [value for one in filters if one.dimension == "page" for value in one.values]
        views: dict[str, list[bool]] = defaultdict(list)
        for visit in self._visits(period):
            if all(_passes(visit, one) for one in filters):
                for place, (page, _) in enumerate(visit.pages, 1):
                    if not named or page in named:
                        views[page].append(place == len(visit.pages))
        return [(page, len(ends), sum(ends) / len(ends)) for page, ends in views.items()]

    def items(self, period: Period, filters: Sequence[Filter]) -> list[Row]:
        """Each page that the filters by page name, with the visits that saw it and its views."""
        named = {value for one in filters if one.dimension == "page" for value in one.values}
        visits = [v for v in self._visits(period) if all(_passes(v, one) for one in filters)]
        pages = {view.page for visit in visits for view in visit.pages} & named
        seen = {page: [[v.page for v in one.pages].count(page) for one in visits] for page in pages}
        return [(page, sum(map(bool, views)), sum(views)) for page, views in seen.items()]

    def _visits_with_goals(
        self, by: Sequence[str], period: Period, filters: Sequence[Filter]
    ) -> list[Row]:
        """Visits that met the one goal that the filters name."""
        visits = [v for v in self._visits(period) if all(_passes(v, one) for one in filters)]
        return self._grouped(visits, by, [len])

    def _goals(self, period: Period, filters: Sequence[Filter]) -> list[Row]:
        met: dict[str, int] = defaultdict(int)
        for visit in self._visits(period):
            if all(_passes(visit, one) for one in filters):
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
            if "country" not in by or len({visit.visitor for visit in some}) >= 10
        ]

    def _value(self, item: Any, name: str) -> Any:
        """The value of a dimension, of a visit or of an hour with its truth."""
        is_visit = isinstance(item, PersonSession)
        local = self._local(item.started_at if is_visit else item[0].start)
        day = local.date()
        times = {
            "day": day,
            "hour": local.hour,
            "weekday": local.isoweekday(),
            "week": day - timedelta(days=day.weekday()),
        }
        return times[name] if name in times else _plain_value(item, name)


def _is_in(period: Period, local: datetime) -> bool:
    day: date = local.date()
    if not period.first <= day <= period.last:
        return False
    return period.until_hour is None or day < period.last or local.hour < period.until_hour


def _plain_value(visit: PersonSession, name: str) -> Any:
    equipment, place = visit.equipment, visit.place
    values = {
        "channel": visit.channel,
        "source": visit.source,
        "campaign": visit.utm_campaign,
        "referrer": visit.referrer_domain,
        "landing_page": visit.landing_page,
        "exit_page": visit.exit_page,
        "device": equipment.device,
        "browser": equipment.browser,
        "os": equipment.os,
        "country": place.country,
    }
    return values[name]


def _passes(visit: PersonSession, one: Filter) -> bool:
    if one.dimension == "page":
        found = bool({view.page for view in visit.pages} & set(one.values))
    elif one.dimension == "goal":
        found = bool(set(visit.goals) & set(one.values))
    else:
        found = _plain_value(visit, one.dimension) in one.values
    return found != one.is_excluded
