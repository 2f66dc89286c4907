"""The panel of suspected machines: which cohorts are left out, why, and how to keep one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.cohort_labels import REASON
from clickstream.dashboard.questions.panel import ROWS
from clickstream.dashboard.questions.view import WITH_SUSPECTED, Filter
from clickstream.dashboard.tabs.trust.panels import SUSPECTS
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import searched


@dataclass(frozen=True)
class CohortRow:
    """A suspected cohort: its name in words, its label, why it is suspected, and its size.

    `query` is the view of its visits alone.
    """

    name: str
    label: str
    reason: str
    left_out: str
    query: str


@dataclass(frozen=True)
class SuspectsPanel:
    """The largest cohorts, what was searched, and the view with or without the machines.

    `is_shown` means that the figures of the view have suspected machines in them.
    """

    title: str
    rows: Sequence[CohortRow]
    has_more: bool
    searched: str
    is_shown: bool
    query: str


def build_suspects(page: PageContext) -> SuspectsPanel:
    """Ask for the suspected cohorts of the page's dates."""
    metrics, by = SUSPECTS.parts(page.view)
    answer = page.answer(metrics, by, limit=ROWS + 1, filters=())
    rows = [_row(page, record) for record in answer.records()[:ROWS]]
    view = page.view
    if view.chooses_suspicion:
        query = view.without_dimensions("suspicion", "cohort").query
    else:
        query = view.with_filters(WITH_SUSPECTED).query
    more = len(answer.rows) > ROWS
    shown = view.chooses_suspicion
    return SuspectsPanel(SUSPECTS.title, rows, more, _searched(page), shown, query)


def _row(page: PageContext, record: dict[str, Any]) -> CohortRow:
    label = str(record["suspected_as"])
    of_cohort = page.view.without_dimensions("suspicion", "cohort")
    return CohortRow(
        value_name(page, "suspected_as", label),
        label,
        _reason(page, record),
        page.formats.count(record["suspected_machines"]),
        of_cohort.with_filters(Filter("cohort", (label,))).query,
    )


def _reason(page: PageContext, record: dict[str, Any]) -> str:
    """State why a cohort is suspected."""
    formats = page.formats
    members = record["cohort_members"]
    reason = REASON.format(
        members=formats.count(members),
        proved=formats.count(record["cohort_proved"]),
        explained=formats.count(min(record["cohort_explained"], members)),
    )
    if not record["undecided_dates"]:
        return reason
    return f"{reason} They can also be people; the interval has both."


def _searched(page: PageContext) -> str:
    """State which dates were searched, so that an empty list does not reassure falsely."""
    found, formats = page.once(searched), page.formats
    days = page.period.days
    if not found.dates:
        return "No date of this range is searched yet."
    if found.dates >= days:
        return "All dates of this range are searched."
    return (
        f"{formats.count(found.dates)} of {formats.count(days)} dates are searched; the "
        "others are not yet."
    )
