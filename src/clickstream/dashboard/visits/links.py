"""Finds the view whose visits are those that a number counts.

A panel's own page links its numbers to this view, and `/visits` lists the visits of a view. So the
list has as many visits as the number says. A number without such a view has no link.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import GOALS, SESSIONS, FactView
from clickstream.dashboard.ask.folding import OTHER
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.ask.view_urls import MOST_VALUES

_ALWAYS: Mapping[str, tuple[Filter, ...]] = {
    "visits": (),
    "conversions": (),
    "page_visits": (),
    "goal_visits": (),
    "failed_visits": (Filter("met_error", ("yes",)),),
}
"""The metrics that count visits, and the filters that choose the visits of each.

Those of the main goal are chosen by the question's goal."""

_TIMES = {"weekday": "start_weekday", "hour": "start_hour"}
"""The filters of visits for the dimensions of time that are no dates."""

_DATES = {"day", "week"}
_OF_ERRORS = {"failed_page", "failed_status"}
"""The dimensions whose values together are a value of `error`."""


def view_behind(
    view: View, shown: Period, question: Question, metric: str, values: Sequence[Any]
) -> View | None:
    """Return the view of the visits that a number counts; None if no view has exactly these.

    The number is a metric of a row of the question. `values` are those of its dimensions, and
    `shown` are the dates of the view.
    """
    row = dict(zip(question.dimensions, values, strict=True))
    of_row = _row_filters(row, question.filters)
    has_whole_dates = question.period == Period(question.period.first, question.period.last)
    if metric not in _ALWAYS or of_row is None or not has_whole_dates:
        return None
    facts = METRICS[metric].facts
    decided = {*row, *(filter_.dimension for filter_ in of_row)}
    if "error" in decided:
        decided |= _OF_ERRORS
    unmet = [filter_ for filter_ in question.filters if not _is_met(filter_, decided, facts)]
    always = _ALWAYS[metric]
    if METRICS[metric].is_of_goal:
        always = (Filter("goal", (question.goal,)),)
    filters = _combine([*unmet, *of_row, *always])
    if filters is None or not _is_exact(facts, unmet, of_row):
        return None
    plain = replace(view, tab="overview", filters=tuple(filters), grain=None, hour=None, choices={})
    return _with_dates(plain, shown, question.period, row)


def _row_filters(row: Mapping[str, Any], view_filters: Sequence[Filter]) -> list[Filter] | None:
    """Return the filters that choose the visits of a row; None if there are none for it."""
    is_error = "failed_status" in row
    left_out = _DATES | _OF_ERRORS if is_error else _DATES
    candidates = [_filter_of(name, value) for name, value in row.items() if name not in left_out]
    if is_error:
        errors = _errors_of(row, view_filters)
        candidates.append(Filter("error", errors) if errors else None)
    filters = [candidate for candidate in candidates if candidate is not None]
    return filters if len(filters) == len(candidates) else None


def _filter_of(name: str, value: Any) -> Filter | None:
    """Return the filter of visits for a value of a dimension; None if there is none."""
    if name in _TIMES:
        return Filter(_TIMES[name], (str(value),))
    if name == "step_of_failed":
        return Filter("furthest_step", (value,))
    return Filter(name, (value,)) if DIMENSIONS[name].is_filter and value is not OTHER else None


def _errors_of(row: Mapping[str, Any], view_filters: Sequence[Filter]) -> tuple[str, ...]:
    """Return the values of `error` for a status, on the row's page or those of the question."""
    pages: Sequence[str | None] = (row["failed_page"],) if "failed_page" in row else ()
    if not pages:
        pages = next(
            (
                filter_.values
                for filter_ in view_filters
                if filter_.dimension == "failed_page"
                and not filter_.chooses_visits
                and not filter_.is_excluded
            ),
            (),
        )
    status = str(row["failed_status"])
    return tuple(status if page is None else f"{status} {page}" for page in pages)


def _is_met(filter_: Filter, decided: Collection[str], facts: FactView) -> bool:
    """Whether the counted facts meet a filter because of the row's values, `decided`."""
    is_of_visit = DIMENSIONS[filter_.dimension].facts is SESSIONS
    return filter_.dimension in decided and (is_of_visit or _chooses_rows(filter_, facts))


def _chooses_rows(filter_: Filter, facts: FactView) -> bool:
    """Whether a filter chooses rows of the facts, and not all rows of a visit."""
    return DIMENSIONS[filter_.dimension].facts is facts and (
        facts is SESSIONS or not filter_.chooses_visits
    )


def _is_exact(facts: FactView, unmet: Sequence[Filter], of_row: Sequence[Filter]) -> bool:
    """Whether the visits that pass the filters are those of the counted rows.

    Several conditions must hold for one row of the facts, but filters of visits may be met by
    different rows. Metrics of goals count rows, so they must be of one goal.
    """
    if facts is SESSIONS:
        return True
    of_facts = [filter_ for filter_ in (*unmet, *of_row) if _chooses_rows(filter_, facts)]
    if facts is GOALS and [len(filter_.values) for filter_ in of_facts] != [1]:
        return False
    return len(of_facts) <= 1 and not any(filter_.is_excluded for filter_ in of_facts)


def _combine(filters: Sequence[Filter]) -> list[Filter] | None:
    """Return filters that a URL can hold together; None if one dimension needs two at once."""
    combined: dict[tuple[str, bool], Filter] = {}
    for filter_ in filters:
        key = (filter_.dimension, filter_.is_excluded)
        before = combined.get(key)
        if before is None:
            combined[key] = replace(filter_, chooses_visits=False)
        elif filter_.is_excluded:
            values = tuple(dict.fromkeys((*before.values, *filter_.values)))
            combined[key] = replace(before, values=values)
        elif set(before.values) != set(filter_.values):
            return None
    number = sum(len(filter_.values) for filter_ in combined.values())
    return [*combined.values()] if number <= MOST_VALUES else None


def _with_dates(view: View, shown: Period, chosen: Period, row: Mapping[str, Any]) -> View | None:
    """Return the view with the dates of the row, within those of the question."""
    first, last = chosen.first, chosen.last
    if "day" in row:
        first = last = _date(row["day"])
    elif "week" in row:
        week = _date(row["week"])
        first, last = max(first, week), min(last, week + timedelta(days=6))
    return view if Period(first, last) == shown else view.with_days(first, last)


def _date(value: date) -> date:
    """Return the date of a value, which an engine may return with a time."""
    return date(value.year, value.month, value.day)
