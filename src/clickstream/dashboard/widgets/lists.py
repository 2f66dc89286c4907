"""Panels that are lists: values of a dimension with their metrics, each row a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.core.cohort_labels import CohortLabel
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.folding import OTHER
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.operators import OWN, UNKNOWN
from clickstream.dashboard.ask.panel import ROWS, Panel
from clickstream.dashboard.ask.view import CHOICES, EVERYONE, Value
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.widgets.page import PageContext

NONE = "(none)"
UNKNOWN_PLACE = "Not known"
OTHER_PLACES = "Other places"
BEFORE_FIRST = "before the first step"
STEPS = {"furthest_step", "step_of_failed"}
"""Dimensions whose values are numbers of funnel steps."""
PAGES = {
    "page",
    "landing_page",
    "exit_page",
    "next_page",
    "failed_page",
    "error_page",
    "crawl_page",
}
"""Dimensions whose values are pages, which the settings may name."""

COHORTS = {"cohort", "suspected_as"}
"""Dimensions whose values are labels of suspected cohorts."""

LEFT = "(left the site)"
_OTHER_PAGES = "Other pages"
_WITHOUT_VALUE = {
    "why_none": "visit known",
    "next_page": LEFT,
    "crawl_page": _OTHER_PAGES,
    "crawl_path": _OTHER_PAGES,
}
"""The names of rows without a value; all other dimensions have `NONE`."""

LONGEST_NAME = 60
"""Maximum number of characters of a value in a sentence or a title."""

_TIMES_OF_START = {
    "start_hour": {str(hour) for hour in range(24)},
    "start_weekday": {str(day) for day in range(1, 8)},
}
"""The values of the dimensions of a visit's start, as text."""

OF_SHOP: Mapping[str, frozenset[str]] = {"acquisition": frozenset(("landing_page",))}
"""The choices of panels that only sites with a shop have."""

KINDS = {"new": "New", "returning": "Returning"}
"""The labels of the kinds of visitors."""

_ANSWERS = {"yes": "yes", "no": "no"}
_SUSPICION = {
    "machine": "suspected machines",
    "person": "people",
    EVERYONE: "people and suspected machines",
}
PURPOSES = {
    "ai training": "AI training",
    "ai search": "AI search",
    "ai user": "AI agent for a person",
    "seo": "SEO",
}
"""The names of the classes of bots that differ from the classes."""

_OPERATORS = {UNKNOWN: "Unknown operator", OWN: "Own equipment"}

_SOLD_BY = {
    "web": "Web",
    "phone": "Phone",
    "counter": "Counter",
    "app": "App",
    "partner": "Partner",
}
_REFUND_KINDS = {
    "refund": "Refund",
    "cancel": "Cancelled",
    "void": "Void",
    "chargeback": "Chargeback",
    "discrepancy": "Discrepancy",
}
_CUSTOMERS = {**KINDS, "unknown": "Not known"}
_WHY_NONE = {
    "not matched yet": "not matched yet",
    "not on the web": "not sold on the web",
    "no request": "no request for a confirmation page",
    "hour incomplete": "an hour of the log is incomplete",
    "opted out": "the visitor opted out",
    "bot": "only a bot viewed the confirmation",
    "ambiguous": "several visits are possible",
    "no paid order": "refund without a paid order",
}
"""The reasons why the visit of an order is not known."""

_NAMES = {
    **{"sold_by": _SOLD_BY, "refund_kind": _REFUND_KINDS, "customer_kind": _CUSTOMERS},
    **{"visitor_kind": KINDS, "met_goal": _ANSWERS, "met_error": _ANSWERS},
    **dict.fromkeys(("bot_class", "crawl_class"), PURPOSES),
    **dict.fromkeys(("operator", "crawl_operator"), _OPERATORS),
    "suspicion": _SUSPICION,
    "why_none": _WHY_NONE,
}


@dataclass(frozen=True)
class ListRow:
    """A row: its name, the width of its bar in percent, and its values.

    `title` is the name for a tooltip. `only` and `without` are queries of the page that filter by
    the row or exclude it.
    """

    name: str
    title: str
    width: float
    cells: Sequence[str]
    only: str = ""
    without: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class ListPanel:
    """A list with its column heads and the panel's choices: (label, query, is shown)."""

    name: str
    title: str
    head: str
    columns: Sequence[Metric]
    rows: Sequence[ListRow]
    choices: Sequence[tuple[str, str, bool]]
    has_more: bool


def list_panel(page: PageContext, panel: Panel, hidden: Sequence[str] = ()) -> ListPanel:
    """Ask for a list's largest rows; `hidden` metrics have no column."""
    metrics, by = page.parts(panel)
    names = [metric for metric in metrics if metric not in hidden]
    answer = page.answer(names, by, limit=ROWS + 1, filters=panel.filters(page.view))
    shown = list(answer.rows[:ROWS])
    widths = bar_widths([row[len(by)] for row in shown])
    return ListPanel(
        panel.name,
        panel.title,
        DIMENSIONS[by[0]].label,
        [page.metric(metric) for metric in names],
        [_row(page, names, by, row, width) for row, width in zip(shown, widths, strict=True)],
        choices_of(page, panel.name),
        len(answer.rows) > ROWS,
    )


def _row(
    page: PageContext, names: Sequence[str], by: Sequence[str], row: Sequence[Any], width: float
) -> ListRow:
    values = row[len(by) :]
    cells = [page.shown(METRICS[name], value) for name, value in zip(names, values, strict=True)]
    label, title = (
        " · ".join(name(page, column, value) for column, value in zip(by, row, strict=False))
        for name in (value_name, value_title)
    )
    if not DIMENSIONS[by[0]].is_filter:
        return ListRow(label, title, width, cells)
    view, dimension, value = page.view, by[0], row[0]
    only = view.toggled(dimension, value).query
    without = view.with_filter(dimension, value, is_excluded=True).query
    return ListRow(label, title, width, cells, only, without, view.chooses(dimension, value))


def value_title(page: PageContext, dimension: str, value: Any) -> str:
    """Return the name of a dimension's value for a tooltip: of a page, the page itself."""
    if dimension in PAGES and value is not None:
        return str(value)
    return value_name(page, dimension, value)


def value_name(page: PageContext, dimension: str, value: Any) -> str:
    """Return the name of a dimension's value as the pages show it."""
    formats = page.formats
    if dimension in STEPS:
        names_of_steps = [BEFORE_FIRST, *(step.name for step in page.settings.funnel)]
        number = str(value)
        is_step = number.isdecimal() and int(number) < len(names_of_steps)
        return names_of_steps[int(number)] if is_step else number
    if value is None:
        if DIMENSIONS[dimension].smallest_group:
            return UNKNOWN_PLACE
        return _WITHOUT_VALUE.get(dimension, NONE)
    if value is OTHER:
        return OTHER_PLACES
    if names := _NAMES.get(dimension):
        return names.get(value, str(value))
    if str(value) in _TIMES_OF_START.get(dimension, ()):
        is_hour = dimension == "start_hour"
        return formats.hour(int(value)) if is_hour else formats.weekday(int(value))
    return _text_name(page, dimension, str(value))


def _text_name(page: PageContext, dimension: str, value: str) -> str:
    """Return the name of a page, a suspected cohort or a country; other texts as they are."""
    if dimension in PAGES:
        return page.settings.dashboard.page_names.get(value, value)
    if dimension in COHORTS:
        return CohortLabel.parse(value).describe() or value
    return page.formats.country(value) if dimension == "country" else value


def shorten_name(name: str) -> str:
    """Return a name that fits a sentence or a title: a visitor chooses its length."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def values_named(page: PageContext, dimension: str, text: str) -> list[Value]:
    """Return the values that are shown under another name, if this name contains a text."""
    candidates: list[Value] = [None]
    if dimension in STEPS:
        candidates = [str(number) for number in range(len(page.settings.funnel) + 1)]
    elif dimension == "visitor_kind":
        candidates = [*KINDS]
    elif dimension == "country":
        candidates += page.formats.locale.territories
    wanted = text.casefold()
    return [
        candidate
        for candidate in candidates
        if wanted in value_name(page, dimension, candidate).casefold()
    ]


MODEL_LABELS: Mapping[str, str] = {
    "last_non_direct": "Last, not direct",
    "first": "First",
    "last": "Last",
    "linear": "Linear",
    "position": "40/20/40",
    "time_decay": "Time decay",
    "markov": "Markov",
    "shapley": "Shapley",
}
"""The names of the models of credit."""


def choices_of(page: PageContext, name: str) -> list[tuple[str, str, bool]]:
    """Return a panel's choices: label, query, and whether it is shown; none if only one is left."""
    left_out = page.hidden if page.has_shop else page.hidden | OF_SHOP.get(name, frozenset())
    choices = [choice for choice in CHOICES.get(name, ()) if choice not in left_out]
    if len(choices) < 2:
        return []
    shown = page.view.choice(name)
    return [
        (choice_label(page, choice), page.view.with_choice(name, choice).query, choice == shown)
        for choice in choices
    ]


def choice_label(page: PageContext, choice: str) -> str:
    """Return the label of a panel's choice, which is a model, a dimension or a metric."""
    if choice in MODEL_LABELS:
        return MODEL_LABELS[choice]
    return DIMENSIONS[choice].label if choice in DIMENSIONS else page.metric(choice).label
