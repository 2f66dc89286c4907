"""The operators of machines: what they take, whether they obey, and what they send back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.operators import IMPOSTOR, OPERATORS
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.pages.machines.obedience import Kind, Obedience, RobotsReport
from clickstream.dashboard.pages.machines.panels import OPERATORS_PANEL, RETURNS
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext

MOST_OPERATORS = 12
"""Maximum number of rows of the list of operators on the page; its CSV file has all."""

MOST_RETURNS = 10
"""Maximum number of rows of the list of what they send back."""

REQUESTED, NOT_REQUESTED = "requested", "not requested"
"""Whether an operator's machines requested robots.txt."""

_PAGES = ("crawl_pages", "crawl_other_pages", "crawl_robots")


class PagesRead(NamedTuple):
    """The metrics of the pages that machines read."""

    pages: int
    other_pages: int
    robots: int


NOTHING_READ = PagesRead(0, 0, 0)


@dataclass(frozen=True)
class OperatorRow:
    """An operator and purpose, as shown. `only` is the page with this operator alone, or with all.

    `robots` states whether it obeyed robots.txt, or without its rules, whether it requested the
    file; `not_requested` adds that it obeyed or not without having requested it.
    """

    name: str
    purpose: str
    only: str
    is_chosen: bool
    width: float
    requests: str
    data: str
    pages: str
    errors: str
    error_share: str
    robots: str
    not_requested: str
    identity: str
    newest: str


@dataclass(frozen=True)
class ReturnRow:
    """An operator that can send visits: the pages that it read, and what came back."""

    name: str
    pages: str
    requests: str
    visits: str
    visits_query: str
    conversions: str
    summary: str


@dataclass(frozen=True)
class OperatorLists:
    """Both lists, and whether each has more rows than the page shows."""

    rows: Sequence[OperatorRow]
    has_more: bool
    returns: Sequence[ReturnRow]
    has_more_returns: bool


def operator_questions(page: PageContext) -> list[Question]:
    """Ask for the requests of each operator and purpose, and for the pages that they read."""
    return [
        *page.questions(OPERATORS_PANEL),
        _pages_question(page, "crawl_operator", "crawl_class"),
    ]


def return_questions(page: PageContext) -> list[Question]:
    """Ask for the visits that each operator sent, its requests, and the pages that it read."""
    return [
        *page.questions(RETURNS),
        page.question(("bot_requests",), ("operator",), filters=()),
        _pages_question(page, "crawl_operator"),
    ]


def _pages_question(page: PageContext, *by: str) -> Question:
    return page.question(_PAGES, by, filters=())


def build_operators(page: PageContext, report: RobotsReport) -> OperatorLists:
    """Ask for both lists."""
    whole, pages = (page.ask(question) for question in operator_questions(page))
    read = {row[:2]: PagesRead(*row[2:]) for row in pages.rows}
    records = whole.records()
    shown = records[:MOST_OPERATORS]
    widths = bar_widths([record["bot_requests"] for record in shown])
    rows = [
        _row(page, record, width, read.get(_kind(record), NOTHING_READ), report)
        for record, width in zip(shown, widths, strict=True)
    ]
    returns = _returns(page)
    return OperatorLists(
        rows,
        len(records) > MOST_OPERATORS,
        returns[:MOST_RETURNS],
        len(returns) > MOST_RETURNS,
    )


def _kind(record: Mapping[str, Any]) -> Kind:
    return record["operator"], record["bot_class"]


def _row(
    page: PageContext,
    record: Mapping[str, Any],
    width: float,
    read: PagesRead,
    report: RobotsReport,
) -> OperatorRow:
    operator, bot_class = _kind(record)
    is_chosen = page.view.operator == operator
    obedience = report.by_kind.get((operator, bot_class), Obedience())
    requested = REQUESTED if read.robots else NOT_REQUESTED
    return OperatorRow(
        name=value_name(page, "operator", operator),
        purpose=value_name(page, "bot_class", bot_class),
        only=page.view.of_operator("" if is_chosen else operator).query,
        is_chosen=is_chosen,
        width=width,
        requests=_cell(page, record, "bot_requests"),
        data=_cell(page, record, "bot_bytes"),
        pages=pages_text(page, read),
        errors=_cell(page, record, "bot_errors"),
        error_share=_cell(page, record, "bot_error_share"),
        robots=requested if report.rules is None else _obeyed(page, obedience),
        not_requested="" if report.rules is None or read.robots else requested,
        identity=_identity(page, record),
        newest=_cell(page, record, "bot_newest"),
    )


def _cell(page: PageContext, record: Mapping[str, Any], name: str) -> str:
    return page.shown(METRICS[name], record[name])


def pages_text(page: PageContext, read: PagesRead) -> str:
    """Format a number of pages; a lower bound if some pages have no row of their own."""
    pages = page.formats.count(read.pages)
    return f"at least {pages}" if read.other_pages else pages


def _obeyed(page: PageContext, obedience: Obedience) -> str:
    """State whether a row obeyed the rules."""
    if not obedience.disallowed:
        return "obeyed"
    return (
        f"disobeyed {page.formats.count(obedience.disallowed.total())} of "
        f"{page.formats.count(obedience.requests)}"
    )


def _identity(page: PageContext, record: Mapping[str, Any]) -> str:
    """State whether the machines are those that they claim to be."""
    confirmed = record["bot_confirmed"]
    if record["operator"].startswith(IMPOSTOR):
        return "impostor"
    if not confirmed:
        return "not checked"
    if confirmed == record["bot_requests"]:
        return "confirmed"
    share = page.formats.share(confirmed / record["bot_requests"], 0)
    return f"{share} confirmed"


def _returns(page: PageContext) -> list[ReturnRow]:
    """Return the operators that send visits, and those that could; most visits first."""
    sent, requested, read = (page.ask(question) for question in return_questions(page))
    visits: dict[str, Mapping[str, Any]] = {
        record["sender"]: record for record in sent.records() if record["sender"]
    }
    requests: dict[str, int] = dict(requested.rows)
    pages = {row[0]: PagesRead(*row[1:]) for row in read.rows}
    could = [name for name in requests if name in OPERATORS and OPERATORS[name].sends]
    names = sorted(
        {*visits, *could},
        key=lambda name: (
            -visits.get(name, {}).get("visits", 0),
            -requests.get(name, 0),
            name,
        ),
    )
    return [
        _return_row(
            page, name, requests.get(name, 0), pages.get(name, NOTHING_READ), visits.get(name, {})
        )
        for name in names
    ]


def _return_row(
    page: PageContext,
    name: str,
    requests: int,
    read: PagesRead,
    sent: Mapping[str, Any],
) -> ReturnRow:
    formats = page.formats
    pages, visits = pages_text(page, read), sent.get("visits", 0)
    summary = f"read {pages} pages, sent {formats.count(visits)} visits"
    query = page.view.without_operator().with_filter("sender", name).query if visits else ""
    conversions = formats.count(sent.get("conversions", 0))
    return ReturnRow(
        name, pages, formats.count(requests), formats.count(visits), query, conversions, summary
    )
