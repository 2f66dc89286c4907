"""A panel's own page: all rows, its SQL, a comparison with Athena, and its CSV file."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.engines import AnswerRow
from clickstream.dashboard.questions.folding import fold
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import Panel
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.panels import PANELS, questions_of
from clickstream.dashboard.texts import mark
from clickstream.dashboard.visits.links import view_behind
from clickstream.dashboard.widgets.chart_notes import own_notes
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext
from clickstream.wording import printable

MOST_ROWS = 500
"""Maximum number of rows on a panel's page; its CSV file has all."""

_FORMULA = ("=", "+", "-", "@", "|")
"""First characters of a text that a spreadsheet may run as a formula (OWASP, CSV injection)."""


@dataclass(frozen=True)
class DetailCell:
    """A value as shown, and the address of the list of its visits, empty without one."""

    text: str
    visits: str = ""


@dataclass(frozen=True)
class DetailRow:
    """A row as shown: names and titles of its dimensions' values, and a cell for each metric."""

    names: Sequence[str]
    titles: Sequence[str]
    cells: Sequence[DetailCell]
    differs: bool = False


@dataclass(frozen=True)
class DetailPart:
    """The answer of one question, with its SQL."""

    title: str
    summary: str
    heads: Sequence[str]
    rows: Sequence[DetailRow]
    sql: str


@dataclass(frozen=True)
class Comparison:
    """The number of values compared with Athena's answers, and how many of them differ."""

    values: int
    differing: int
    sentence: str


def detail_parts(page: PageContext, panel: Panel) -> list[DetailPart]:
    """Answer the panel's questions."""
    return [_part(page, fold(page.ask, one), None) for one in questions_of(page, panel)]


def compare_with_athena(
    page: PageContext, answers: Sequence[tuple[Answer, Sequence[AnswerRow]]]
) -> tuple[Comparison, list[DetailPart]]:
    """Compare our answers with Athena's; each pair answers the same question."""
    parts = [_part(page, ours, theirs) for ours, theirs in answers]
    counted = [_count_differences(ours, theirs) for ours, theirs in answers]
    values, differing = (sum(numbers) for numbers in zip(*counted, strict=True))
    if differing:
        sentence = page.formats.plural(
            "%(differing)s of %(number)s value differs",
            "%(differing)s of %(number)s values differ",
            values,
            differing=page.formats.count(differing),
        )
    else:
        sentence = page.formats.plural(
            "%(number)s value compared: equal", "%(number)s values compared: all equal", values
        )
    return Comparison(values, differing, sentence), parts


def _part(page: PageContext, answer: Answer, theirs: Sequence[AnswerRow] | None) -> DetailPart:
    question, text = answer.question, page.formats.text
    heads = [text(DIMENSIONS[name].label) for name in question.dimensions]
    for name in question.metrics:
        heads.append(text(page.metric(name).label))
        heads += [text(mark("Athena"))] if theirs is not None else []
    rows = _all_rows(question, answer.rows, theirs)
    shown = [_row(page, question, names, ours, other) for names, ours, other in rows[:MOST_ROWS]]
    summary = page.formats.plural("%(number)s row", "%(number)s rows", len(rows))
    if len(rows) > MOST_ROWS:
        summary += f", {text(mark('%(shown)s shown'), shown=page.formats.count(MOST_ROWS))}"
    by = " × ".join(heads[: len(question.dimensions)]) or text(mark("In all"))
    return DetailPart(by, summary, heads, shown, question.sql_with_values())


Matched = tuple[AnswerRow, AnswerRow | None, AnswerRow | None]
"""A group: the values of its dimensions, our metrics, and Athena's metrics."""


def _all_rows(
    question: Question, ours: Sequence[AnswerRow], theirs: Sequence[AnswerRow] | None
) -> list[Matched]:
    """Match our rows with Athena's; rows that only Athena has come last."""
    size = len(question.dimensions)
    other = {row[:size]: row[size:] for row in theirs or ()}
    matched: list[Matched] = [(row[:size], row[size:], other.pop(row[:size], None)) for row in ours]
    return [*matched, *((names, None, cells) for names, cells in other.items())]


def _row(
    page: PageContext,
    question: Question,
    names: AnswerRow,
    ours: AnswerRow | None,
    other: AnswerRow | None,
) -> DetailRow:
    cells: list[DetailCell] = []
    for place, name in enumerate(question.metrics):
        value = ours[place] if ours else None
        visits = _visits_behind(page, question, name, names) if value else ""
        cells.append(DetailCell(page.shown(METRICS[name], value), visits))
        if other is not None or ours is None:
            cells.append(DetailCell(page.shown(METRICS[name], other[place] if other else None)))
    labels, titles = (
        [each(page, name, value) for name, value in zip(question.dimensions, names, strict=True)]
        for each in (value_name, value_title)
    )
    return DetailRow(labels, titles, cells, other is not None and not _is_same_row(ours, other))


def _visits_behind(page: PageContext, question: Question, metric: str, names: AnswerRow) -> str:
    """Return the address of the visits that a number counts; empty if there is none."""
    if not page.identity.sees_visits:
        return ""
    view = view_behind(page.view, page.period, question, metric, names)
    return f"../visits{view.query}" if view else ""


def _is_same_row(ours: AnswerRow | None, theirs: AnswerRow | None) -> bool:
    if ours is None or theirs is None:
        return False
    return all(map(is_same, ours, theirs))


def is_same(ours: Any, theirs: Any) -> bool:
    """Whether two values are equal; floats may differ by rounding."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    return bool(ours == theirs)


def _count_differences(answer: Answer, theirs: Sequence[AnswerRow]) -> tuple[int, int]:
    """Count the values in either answer, and those that differ."""
    width = len(answer.question.metrics)
    values = differing = 0
    for _, ours, other in _all_rows(answer.question, answer.rows, theirs):
        values += width
        if ours is None or other is None:
            differing += width
        else:
            differing += sum(not is_same(a, b) for a, b in zip(ours, other, strict=True))
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
