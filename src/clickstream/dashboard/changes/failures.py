"""Pages that answered 5xx to more of their visits than usual: how many people, and since when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.fact_views import SESSION_ERRORS
from clickstream.dashboard.ask.question import Question, condition_of
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.changes.candidates import Candidate, Number, compare_numbers
from clickstream.dashboard.changes.days import Days, ask_days
from clickstream.dashboard.changes.looks import WHOLE
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import Settings

FAILED = "visits_with_5xx"
LEAST_VISITS = 10
"""Minimum number of visits that met an error."""

LONGEST_PAUSE = timedelta(minutes=30)
"""A page fails continuously if the pauses between its errors are shorter."""

MOST_ERRORS = 5000
"""Maximum number of visits with an error that are read to find when a page failed, the newest."""


@dataclass(frozen=True)
class Failure:
    """When a page failed: the status, the people who met it, the first and last time (local).

    `is_burst` means that most of them met it without a long pause between. Then the people and the
    times are those of the day of the burst, else of the whole range.
    """

    status: int
    people: int
    first: datetime
    last: datetime
    is_burst: bool


def error_candidates(page: PageContext, days: Days) -> list[Candidate]:
    """Compare the share of each page's visits that met a 5xx there with the usual share.

    Pages without page views, such as the target of a form, are compared with all visits. The
    slower question for the share is asked only if the count alone is far from its usual value.
    """
    filters = filters_of_visits(page)
    failed = {
        value: series[FAILED]
        for (value,), series in ask_days(page, days, (FAILED,), ("failed_page",), filters).items()
        if series[FAILED].now >= LEAST_VISITS
        and Number(FAILED, ((FAILED, value),), series[FAILED]).is_promising(days)
    }
    if not failed:
        return []
    only = (*filters, Filter("page", tuple(failed)))
    page_visits = ask_days(page, days, ("page_visits",), ("page",), only)
    everybody = ask_days(page, days, WHOLE)[()]["visits"]
    numbers = []
    for name, met in failed.items():
        views = page_visits.get((name,))
        trials = met.plus(views["page_visits"]) if views else everybody
        numbers.append(Number(FAILED, (("failed_page", name),), met, True, trials))
    return [number for number in compare_numbers(days, numbers) if number.is_up]


def filters_of_visits(page: PageContext) -> tuple[Filter, ...]:
    """Turn the view's filters into filters of visits, so that all pages of a visit count."""
    return tuple(replace(filter_, chooses_visits=True) for filter_ in page.view.filters)


def step_of(settings: Settings, name: str) -> str:
    """Return the name of the funnel step of a page, empty if it belongs to none."""
    steps = (step.name for step in settings.funnel if re.compile(step.page).fullmatch(name))
    return next(steps, "")


def find_failure(page: PageContext, days: Days, name: str) -> Failure:
    """Find out when a page failed, and for whom."""
    met = _errors(page, days, name)
    statuses = [status for _, status, _ in met]
    status = max(sorted(set(statuses)), key=statuses.count)
    times = [(at, visitor) for at, code, visitor in met if code == status]
    run = max(_runs(times), key=len)
    is_burst = 2 * len(run) >= len(times)
    if is_burst:
        day = run[0][0].date()
        chosen = [(at, visitor) for at, visitor in times if at.date() == day]
    else:
        chosen = run = times
    people = len({visitor for _, visitor in chosen})
    return Failure(status, people, run[0][0], run[-1][0], is_burst)


def _errors(page: PageContext, days: Days, name: str) -> list[tuple[datetime, int, object]]:
    """Return the local time, status and visitor of each visit's first 5xx on a page, in order."""
    where, values = condition_of(
        SESSION_ERRORS, days.checked, filters_of_visits(page), page.key_days
    )
    sql = (
        f"select first_at, status, visitor_id\nfrom {SESSION_ERRORS.name}\nwhere {where}\n"
        f"  and page = ? and status >= 500\norder by 1 desc, 2, 3\nlimit {MOST_ERRORS}"
    )
    names = ("first_at", "status", "visitor_id")
    rows = page.ask(Question(sql, (*values, name), names, (), days.checked)).rows
    return [(to_local(at, page.zone), int(status), who) for at, status, who in reversed(rows)]


def _runs(times: Sequence[tuple[datetime, object]]) -> list[list[tuple[datetime, object]]]:
    """Split ordered times at each long pause."""
    runs: list[list[tuple[datetime, object]]] = []
    for at, visitor in times:
        if runs and at - runs[-1][-1][0] <= LONGEST_PAUSE:
            runs[-1].append((at, visitor))
        else:
            runs.append([(at, visitor)])
    return runs
