"""Pages that answered 5xx to more of their visits than usual: how many people, since when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clickstream.dashboard.page import Page
from clickstream.dashboard.periods import start_of
from clickstream.dashboard.questions import build_question
from clickstream.dashboard.sentences.candidates import LEAST_SIZE, WHOLE, Candidate
from clickstream.dashboard.sentences.significance import compare_count, compare_share
from clickstream.dashboard.sentences.weeks import Series, Weeks, ask_weeks
from clickstream.dashboard.view import Filter
from clickstream.settings import Settings

FAILED = "people_with_server_errors"
PROMISING = 0.05
LEAST_PEOPLE = 10
"""Fewer people than that who met errors are not told."""


@dataclass(frozen=True)
class Burst:
    """The people who met one status on a page, and the local hours (naive) in which most did."""

    status: int
    people: int
    first: datetime
    last: datetime


def error_candidates(page: Page, weeks: Weeks) -> list[Candidate]:
    """Compare the share of each page's visits that met a 5xx there with the usual share.

    Only of all visits, since errors are not filtered. Pages that nobody views, such as the target
    of a form, are compared with all visits.
    """
    if page.view.filters:
        return []
    failed = {
        value: series[FAILED]
        for value, series in ask_weeks(page, weeks, (FAILED,), "error_page").items()
        if series[FAILED].now >= LEAST_PEOPLE and _is_promising(weeks, series[FAILED])
    }
    if not failed:
        return []
    only = (Filter("page", tuple(failed)),)
    viewed = ask_weeks(page, weeks, ("page_visits",), "page", only)
    everybody = ask_weeks(page, weeks, WHOLE)[""]["visits"]
    found = (_compare(weeks, one, failed[one], viewed, everybody) for one in failed)
    return [candidate for candidate in found if candidate]


def _is_promising(weeks: Weeks, failed: Series) -> bool:
    """Whether the people alone are unusual; their share is worth a longer question only then."""
    count = compare_count(failed.now, failed.before(weeks), weeks.length, None)
    return count.chance < PROMISING


def _compare(
    weeks: Weeks,
    name: str,
    failed: Series,
    viewed: Mapping[str, Mapping[str, Series]],
    everybody: Series,
) -> Candidate | None:
    views = viewed[name]["page_visits"] if name in viewed else everybody
    trials = [more + seen for more, seen in zip(failed.weeks, views.weeks, strict=True)]
    pairs = [(failed.weeks[number], trials[number]) for number in weeks.numbers]
    share = compare_share(failed.now, trials[0], pairs, weeks.length)
    if share is None or share.size < LEAST_SIZE or share.observed <= share.expected:
        return None
    return Candidate(FAILED, "error_page", name, share, failed.excess(weeks))


def step_of(settings: Settings, name: str) -> str:
    """The name of the funnel's step that a page belongs to, empty if there is none."""
    found = (step.name for step in settings.funnel if re.compile(step.page).fullmatch(name))
    return next(found, "")


def find_burst(page: Page, weeks: Weeks, name: str) -> Burst:
    """Find the most frequent 5xx of a page, how many people met it, and when."""
    by: tuple[str, ...] = ("error_page", "status")
    people = page.ask(build_question(("people_with_errors",), by, weeks.checked)).rows
    _, status, number = next(row for row in people if row[0] == name and row[1] >= 500)
    by = (*by, "day", "hour")
    rows = page.ask(build_question(("errors",), by, weeks.checked)).rows
    hours = {start_of(row[2], row[3]): row[4] for row in rows if row[:2] == (name, status)}
    first, last = _densest(hours)
    return Burst(int(status), int(number), first, last)


def _densest(hours: Mapping[datetime, int]) -> tuple[datetime, datetime]:
    """The first and the last hour of the day with most errors."""
    by_day: dict[object, int] = {}
    for at, errors in hours.items():
        by_day[at.date()] = by_day.get(at.date(), 0) + errors
    day = max(by_day, key=lambda one: (by_day[one], str(one)))
    chosen = _run_around(sorted(at for at in hours if at.date() == day), hours)
    return chosen[0], chosen[-1]


def _run_around(times: Sequence[datetime], hours: Mapping[datetime, int]) -> Sequence[datetime]:
    """The hours of a day with at least a quarter of its worst hour's errors."""
    worst = max(hours[at] for at in times)
    return [at for at in times if 4 * hours[at] >= worst]
