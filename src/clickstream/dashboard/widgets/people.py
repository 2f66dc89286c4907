"""How many visitors of a page are suspected machines, and the interval of the number of people."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.dashboard.widgets.page import PageContext

SHOWN_FROM = 0.05
"""An interval is shown if it reaches at least this far from the number, as a share of it."""


@dataclass(frozen=True)
class SearchedDates:
    """The searched UTC dates of a page: their number, and sums over them by date.

    `people` are the visitors who are not suspected, `lowest` and `highest` the interval's ends.
    """

    dates: int
    people: int
    lowest: float
    highest: float


def suspected_visitors(page: PageContext) -> int:
    """Return how many visitors of the page's dates are left out; 0 if the view shows them.

    It is the sum over the cohorts that the Trust page lists, whatever the filters of visits.
    """
    if page.view.chooses_suspicion:
        return 0
    suspected = page.answer(("suspected_machines",), filters=()).single()["suspected_machines"]
    return int(suspected or 0)


def searched(page: PageContext) -> SearchedDates:
    """Return what the search for suspected machines found on the page's dates."""
    metrics = ("searched_dates", "people_by_date", "fewest_people", "most_people")
    figures = page.answer(metrics, filters=()).single()
    return SearchedDates(*(figures[name] or 0 for name in metrics))


def people_interval(page: PageContext, visitors: int) -> tuple[int, int] | None:
    """Return the interval of the number of visitors, if all of a page's dates are searched.

    It is as wide, relative to the number, as those of the dates. None with a filter, because it is
    known for whole dates only; also while dates are not searched, and if it is narrow.
    """
    search = page.once(searched)
    over = [day for day in page.period.dates if day < page.now.date()]
    if page.view.filters or not search.people or search.dates < len(over):
        return None
    low, high = search.lowest / search.people, search.highest / search.people
    if max(1 - low, high - 1) < SHOWN_FROM:
        return None
    return round(visitors * low), round(visitors * high)
