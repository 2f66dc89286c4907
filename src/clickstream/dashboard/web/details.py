"""A panel's own page: its rows, its SQL, a comparison with Athena, and its CSV file."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from clickstream.core.wording import printable
from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.engines import AnswerRow
from clickstream.dashboard.ask.folding import OTHER, fold
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.pages.panels import PANELS, questions_of
from clickstream.dashboard.visits.links import view_behind
from clickstream.dashboard.web.shown_rows import FIRST_ROWS, ShownRows
from clickstream.dashboard.widgets.addresses import PATHS
from clickstream.dashboard.widgets.chart_notes import own_notes
from clickstream.dashboard.widgets.lists import value_name, value_title, values_named
from clickstream.dashboard.widgets.page import PageContext

MOST_COMPARED = 500
"""Maximum number of rows beside Athena's answer."""

ROWS_AT_ONCE = 100
"""Number of rows on a panel's page; links lead to the rows before and after."""


_FORMULA = ("=", "+", "-", "@", "|")
"""First characters of a text that a spreadsheet may run as a formula (OWASP, CSV injection)."""


@dataclass(frozen=True)
class DetailCell:
    """A value as shown, and the address of the list of its visits, empty without one."""

    text: str
    visits: str = ""


@dataclass(frozen=True)
class RowName:
    """A value's name and title, and the addresses of the tab that filter by it or exclude it."""

    text: str
    title: str
    only: str = ""
    without: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class DetailRow:
    """A row as shown: names and titles of its dimensions' values, and a cell for each metric."""

    names: Sequence[RowName]
    cells: Sequence[DetailCell]
    differs: bool = False


@dataclass(frozen=True)
class DetailPart:
    """The answer of one question, with its SQL.

    `earlier` and `later` are queries of the page with the rows before and after, or empty.
    """

    title: str
    summary: str
    heads: Sequence[str]
    rows: Sequence[DetailRow]
    sql: str
    can_be_searched: bool = False
    earlier: str = ""
    later: str = ""


@dataclass(frozen=True)
class Comparison:
    """The number of values compared with Athena's answers, and how many of them differ."""

    values: int
    differing: int
    sentence: str


def detail_parts(
    page: PageContext, panel: Panel, shown: ShownRows = FIRST_ROWS
) -> list[DetailPart]:
    """Answer the panel's questions."""
    return [
        _part(page, _answer(page, question, shown), shown) for question in questions_of(page, panel)
    ]


def _answer(page: PageContext, question: Question, shown: ShownRows) -> Answer:
    """Ask for all rows, or for those that contain the search."""
    if not (shown.search and question.searched):
        return fold(page.ask, question)
    named = {name: values_named(page, name, shown.search) for name in question.searched}
    return page.ask(question.containing(shown.search, named))


def _part(page: PageContext, answer: Answer, shown: ShownRows) -> DetailPart:
    question, number = answer.question, len(answer.rows)
    start = shown.start if shown.start < number else 0
    rows, size = answer.rows[start : start + ROWS_AT_ONCE], len(question.dimensions)
    summary = page.formats.plural("{number} row", "{number} rows", number)
    if number > ROWS_AT_ONCE:
        ends = (page.formats.count(position) for position in (start + 1, start + len(rows)))
        summary += f": {' – '.join(ends)}"
    before, after = max(start - ROWS_AT_ONCE, 0), start + ROWS_AT_ONCE
    return DetailPart(
        _title(question),
        summary,
        _heads(page, question),
        [
            DetailRow(
                _linked_names(page, question, row),
                _linked_cells(page, question, row[:size], row[size:]),
            )
            for row in rows
        ],
        question.sql_with_values(),
        bool(question.searched),
        shown.query_from(page.view.query, before) if start else "",
        shown.query_from(page.view.query, after) if after < number else "",
    )


def _title(question: Question) -> str:
    labels = [DIMENSIONS[name].label for name in question.dimensions]
    return " × ".join(labels) or "In all"


def _heads(page: PageContext, question: Question, suffixes: Sequence[str] = ()) -> list[str]:
    """Return the heads of the columns, with `suffixes` after each metric."""
    heads = [DIMENSIONS[name].label for name in question.dimensions]
    for name in question.metrics:
        heads += [page.metric(name).label, *suffixes]
    return heads


def _cells(page: PageContext, question: Question, values: AnswerRow) -> list[str]:
    pairs = zip(question.metrics, values, strict=True)
    return [page.shown(METRICS[name], value) for name, value in pairs]


def _names(page: PageContext, question: Question, values: AnswerRow) -> list[tuple[str, str]]:
    """Return the name and the title of each value."""
    pairs = zip(question.dimensions, values, strict=False)
    return [
        (value_name(page, name, value), value_title(page, name, value)) for name, value in pairs
    ]


def _linked_names(page: PageContext, question: Question, row: AnswerRow) -> list[RowName]:
    names = _names(page, question, row)
    triples = zip(question.dimensions, row, names, strict=False)
    return [_linked_name(page, dimension, value, *name) for dimension, value, name in triples]


def _linked_name(page: PageContext, dimension: str, value: Any, name: str, title: str) -> RowName:
    if not DIMENSIONS[dimension].is_filter or value is OTHER:
        return RowName(name, title)
    view, path = page.view, f"../{PATHS[page.view.tab].removeprefix('./')}"
    return RowName(
        name,
        title,
        path + view.toggled(dimension, value).query,
        path + view.with_filter(dimension, value, is_excluded=True).query,
        view.chooses(dimension, value),
    )


def compare_answers(
    page: PageContext, answers: Sequence[tuple[Answer, Sequence[AnswerRow]]]
) -> tuple[Comparison, list[DetailPart]]:
    """Compare our answers with those of the views; each pair answers the same question."""
    parts = [_compared_part(page, ours, theirs) for ours, theirs in answers]
    counted = [_count_differences(ours, theirs) for ours, theirs in answers]
    values, differing = (sum(numbers) for numbers in zip(*counted, strict=True))
    if differing:
        sentence = page.formats.plural(
            "{differing} of {number} value differs",
            "{differing} of {number} values differ",
            values,
            differing=page.formats.count(differing),
        )
    else:
        sentence = page.formats.plural(
            "{number} value compared: equal", "{number} values compared: all equal", values
        )
    return Comparison(values, differing, sentence), parts


def _compared_part(page: PageContext, answer: Answer, theirs: Sequence[AnswerRow]) -> DetailPart:
    question = answer.question
    rows = _all_rows(question, answer.rows, theirs)
    summary = page.formats.plural("{number} row", "{number} rows", len(rows))
    if len(rows) > MOST_COMPARED:
        summary += f", {page.formats.count(MOST_COMPARED)} shown"
    return DetailPart(
        _title(question),
        summary,
        _heads(page, question, [page.engine]),
        [_compared_row(page, question, *row) for row in rows[:MOST_COMPARED]],
        question.sql_with_values(),
    )


Matched = tuple[AnswerRow, AnswerRow | None, AnswerRow | None]
"""A group: the values of its dimensions, our metrics, and Athena's metrics."""


def _all_rows(
    question: Question, ours: Sequence[AnswerRow], theirs: Sequence[AnswerRow]
) -> list[Matched]:
    """Match our rows with Athena's; rows that only Athena has come last."""
    size = len(question.dimensions)
    unmatched = {row[:size]: row[size:] for row in theirs}
    matched: list[Matched] = [
        (row[:size], row[size:], unmatched.pop(row[:size], None)) for row in ours
    ]
    return [*matched, *((names, None, cells) for names, cells in unmatched.items())]


def _compared_row(
    page: PageContext,
    question: Question,
    names: AnswerRow,
    ours: AnswerRow | None,
    theirs: AnswerRow | None,
) -> DetailRow:
    nothing = (None,) * len(question.metrics)
    linked = _linked_cells(page, question, names, ours or nothing)
    pairs = zip(linked, map(DetailCell, _cells(page, question, theirs or nothing)), strict=True)
    cells = [cell for pair in pairs for cell in pair]
    labels = [RowName(*name) for name in _names(page, question, names)]
    is_different = ours is None or theirs is None or not all(map(is_same, ours, theirs))
    return DetailRow(labels, cells, is_different)


def _linked_cells(
    page: PageContext, question: Question, names: AnswerRow, values: AnswerRow
) -> list[DetailCell]:
    """Return cells that lead to the visits that they count."""
    texts = _cells(page, question, values)
    return [
        DetailCell(text, _visits_behind(page, question, name, names) if value else "")
        for text, name, value in zip(texts, question.metrics, values, strict=True)
    ]


def _visits_behind(page: PageContext, question: Question, metric: str, names: AnswerRow) -> str:
    """Return the address of the visits that a number counts; empty if there is none."""
    if not page.identity.sees_visits:
        return ""
    view = view_behind(page.view, page.period, question, metric, names)
    return f"../visits{view.query}" if view else ""


def is_same(ours: Any, theirs: Any) -> bool:
    """Whether two values are equal; floats may differ by rounding."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    return bool(ours == theirs)


def _count_differences(answer: Answer, theirs: Sequence[AnswerRow]) -> tuple[int, int]:
    """Count the values in either answer, and those that differ."""
    width = len(answer.question.metrics)
    values = differing = 0
    for _, ours, their_row in _all_rows(answer.question, answer.rows, theirs):
        values += width
        if ours is None or their_row is None:
            differing += width
        else:
            differing += sum(not is_same(a, b) for a, b in zip(ours, their_row, strict=True))
    return values, differing


def csv_lines(page: PageContext, name: str) -> Iterator[str]:
    """Yield the lines of a panel's CSV file: all rows, below the names of the columns."""
    panel = PANELS[name]
    for number, question in enumerate(questions_of(page, panel)):
        if number:
            yield "\r\n"
        yield csv_line([*question.dimensions, *question.metrics])
        for row in fold(page.ask, question).rows:
            yield csv_line(row)
    if name == "trend" and (notes := own_notes(page)):
        yield "\r\n"
        yield csv_line(["day", "hour", "note", "account"])
        for note in notes:
            yield csv_line([note.day, note.hour, note.text, note.account])


def csv_line(cells: Sequence[Any]) -> str:
    """Return a line of a CSV file, whose texts no spreadsheet runs as formulas."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_guarded(cell) for cell in cells])
    return buffer.getvalue()


def _guarded(cell: Any) -> Any:
    """Escape hidden characters, and put an apostrophe before what a spreadsheet may run.

    Spreadsheets skip spaces at the beginning of a formula, and read the wide forms of characters,
    such as `＝`, like the usual ones.
    """
    if not isinstance(cell, str):
        return cell
    shown = printable(cell)
    usual = unicodedata.normalize("NFKC", shown).lstrip()
    return f"'{shown}" if usual.startswith(_FORMULA) else shown
