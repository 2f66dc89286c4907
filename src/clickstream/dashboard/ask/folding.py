"""Counts small groups of visitors or orders together, so no number shows what a few people did.

A question by place leaves out places with fewer than ten visitors. Each page, file and comparison
that shows all rows of a question gets them from `fold`, which adds these visits as one row. So the
rows sum to the total, and neither a row nor a difference to the total is a small group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from clickstream.dashboard.ask.answers import Answer, Ask
from clickstream.dashboard.ask.engines import AnswerRow
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.ask.view import Filter


class Other:
    """The value of the row that counts small groups together."""

    def __repr__(self) -> str:
        return "(other places)"


OTHER: Final = Other()
VISITORS, SALES_COUNTED = "visitors", "sales_counted"
"""The metrics that count a group's members: people, or orders."""


def fold(ask: Ask, question: Question) -> Answer:
    """Ask for all rows of a question; too small groups become one row at the end, `OTHER`.

    If these groups have too few visitors together, the smallest remaining group joins them. The
    rows of a question without small groups are unchanged.
    """
    answer = ask(question)
    if not question.smallest_group:
        return answer
    named = list(answer.rows)
    while True:
        rest = ask(_without(question, [row[0] for row in named])).single()
        if not rest[_counter(question)]:
            return replace(answer, rows=named)
        if rest[_counter(question)] >= question.smallest_group or not named:
            other_row = (OTHER, *(rest[name] for name in question.metrics))
            return replace(answer, rows=[*named, other_row])
        named.pop()


def named_rows(answer: Answer) -> Sequence[AnswerRow]:
    """Return the rows of an answer without the row of small groups."""
    return [row for row in answer.rows if row[0] is not OTHER]


def _counter(question: Question) -> str:
    return SALES_COUNTED if METRICS[question.metrics[0]].facts is MONEY else VISITORS


def _without(question: Question, values: Sequence[str | None]) -> Question:
    """Ask for the same metrics without some groups, and for the number of members.

    Small groups have exactly one dimension, of visits: no panel combines places with another one.
    """
    (dimension,) = question.dimensions
    left_out = [Filter(dimension, tuple(values), is_excluded=True)] if values else []
    filters = (*question.filters, *left_out)
    metrics = dict.fromkeys((*question.metrics, _counter(question)))
    return build_question(
        tuple(metrics),
        (),
        question.period,
        filters,
        key_days=question.key_days,
        goal=question.goal,
    )
