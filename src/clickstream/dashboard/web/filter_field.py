"""The field that filters a tab by any value: its form, its suggestions, and unmatched filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream.core.errors import InputError
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.dimensions import DIMENSIONS, FILTERS, OF_SUSPICION
from clickstream.dashboard.ask.fact_views import (
    GOALS,
    PAGE_VIEWS,
    SESSION_ERRORS,
    SESSIONS,
    FactView,
)
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.ask.view import TABS, WITH_SUSPECTED, Filter, Value, View
from clickstream.dashboard.changes.looks import OF_LINES
from clickstream.dashboard.widgets.lists import STEPS, shorten_name, value_name, values_named
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import suspected_visitors

FILTER, RELATION, VALUE = "filter", "relation", "value"
FIELDS = (FILTER, RELATION, VALUE)
"""The names of the form's fields."""

IS, IS_NOT = "is", "not"
SUGGESTED, OFFERED = 20, 5
"""Maximum number of suggestions while a reader types, and of values beside an unmatched one."""

_VISITS: Mapping[FactView | None, str] = {
    SESSIONS: "visits",
    PAGE_VIEWS: "page_visits",
    GOALS: "goal_visits",
    SESSION_ERRORS: "failed_visits",
}
"""The metric that counts the visits with a value of a fact view's dimensions."""


@dataclass(frozen=True)
class Unmatched:
    """A sentence on a filter that matches no visit, and links to similar values instead of it."""

    sentence: str
    links: Sequence[tuple[str, str]] = ()


def may_see_values(identity: Identity) -> bool:
    """Whether the reader may see names of values: on Machines and Trust alone, few panels do."""
    return any(identity.opens(tab) for tab in TABS if tab not in OF_LINES)


def filter_dimensions(page: PageContext) -> list[tuple[str, str]]:
    """Return the names and labels of the dimensions that the site has."""
    left_out = {*(() if page.settings.funnel else STEPS), *(() if page.has_goals else ("goal",))}
    if not (page.view.chooses_suspicion or suspected_visitors(page)):
        left_out |= OF_SUSPICION
    return [(name, DIMENSIONS[name].label) for name in FILTERS if name not in left_out]


def add_filter(page: PageContext, fields: Mapping[str, str]) -> View:
    """Return the view with the filter that the form describes. Raises InputError."""
    dimension, relation = fields[FILTER], fields.get(RELATION, IS)
    text = fields.get(VALUE, "").strip()
    if dimension not in FILTERS:
        names = ", ".join(FILTERS)
        raise InputError(f"{FILTER}={dimension[:40]} is not known; use one of {names}.")
    if relation not in (IS, IS_NOT):
        raise InputError(f"{RELATION}={relation[:40]} is not known; use one of {IS}, {IS_NOT}.")
    if not text:
        raise InputError("The filter has no value. Go back and write one, such as Email.")
    return page.view.with_filter(dimension, find_value(page, dimension, text), relation == IS_NOT)


def find_value(page: PageContext, dimension: str, text: str) -> Value:
    """Return the value of a name: the same text, else one in other case, else the text itself."""
    named = values_named(page, dimension, text)
    candidates = dict.fromkeys([*named, *suggest_values(page, dimension, text)])
    if text in candidates:
        return text
    wanted = text.casefold()
    return next(
        (v for v in candidates if value_name(page, dimension, v).casefold() == wanted), text
    )


def suggest_values(
    page: PageContext,
    dimension: str,
    text: str,
    filters: Sequence[Filter] = (),
    limit: int = SUGGESTED,
) -> list[Value]:
    """Return the largest values, by visits, whose value or name contains a text."""
    metrics = (_VISITS[DIMENSIONS[dimension].facts],)
    if dimension in OF_SUSPICION:
        filters = (*filters, WITH_SUSPECTED)
    question = build_question(metrics, (dimension,), page.period, filters, key_days=page.key_days)
    named = values_named(page, dimension, text)
    rows = page.ask(question.containing(text, {dimension: named}, limit)).rows
    return [row[0] for row in rows if question.searched or row[0] in named]


def suggest_names(page: PageContext, fields: Mapping[str, str]) -> list[str]:
    """Return the names that the field suggests, among the visits that other filters select."""
    dimension = fields.get(FILTER, "")
    if dimension not in FILTERS:
        return []
    other_filters = [filter_ for filter_ in page.view.filters if filter_.dimension != dimension]
    values = suggest_values(page, dimension, fields.get(VALUE, "").strip(), other_filters)
    return [value_name(page, dimension, value) for value in values]


def find_unmatched(page: PageContext, visits: int) -> list[Unmatched]:
    """Return the filters that match no visit of the range; `visits` match all filters together."""
    if visits and all(map(_is_matched, page.view.filters)):
        return []
    unmatched = [
        _describe(page, filter_, value)
        for filter_ in page.view.filters
        for value in _missing_values(page, filter_)
    ]
    if unmatched or visits or len(page.view.filters) < 2:
        return unmatched
    text = "Each filter matches visits in this range, but no visit matches all of them."
    return [Unmatched(text)]


def _is_matched(filter_: Filter) -> bool:
    """Whether a filter that a visit passes has no other value, so it need not be asked about."""
    is_single = len(filter_.values) == 1 and not filter_.is_excluded
    return is_single and not DIMENSIONS[filter_.dimension].smallest_group


def _missing_values(page: PageContext, filter_: Filter) -> list[Value]:
    metric = _VISITS[DIMENSIONS[filter_.dimension].facts]
    chosen = Filter(filter_.dimension, filter_.values)
    answer = page.answer((metric,), (filter_.dimension,), filters=[chosen])
    matched = {row[0] for row in answer.rows}
    return [value for value in filter_.values if value not in matched]


def _describe(page: PageContext, filter_: Filter, value: Value) -> Unmatched:
    dimension = DIMENSIONS[filter_.dimension]
    name = f"{dimension.label} “{shorten_name(value_name(page, filter_.dimension, value))}”"
    if dimension.smallest_group:
        return Unmatched(f"{name}: fewer than {dimension.smallest_group} visitors in this range.")
    similar: list[Value] = []
    if value and may_see_values(page.identity):
        similar = suggest_values(page, filter_.dimension, value, limit=OFFERED)
    without = page.view.without_filter(filter_.dimension, value, filter_.is_excluded)
    return Unmatched(
        f"{name}: no visit in this range.",
        [
            (
                shorten_name(value_name(page, filter_.dimension, other)),
                without.with_filter(filter_.dimension, other, filter_.is_excluded).query,
            )
            for other in similar
            if other != value
        ],
    )
