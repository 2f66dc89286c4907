"""Groups of few visitors are counted together, so that no number shows what a few people did.

A question by place leaves out places of fewer than ten visitors. Each page, file and comparison
that shows all rows of a question gets them from `fold`, which adds these visits as one row. The
rows so add up to the total, and no row and no difference to the total is a small group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from clickstream.dashboard.answers import Answer, Ask
from clickstream.dashboard.engines import Row
from clickstream.dashboard.questions import Question, build_question
from clickstream.dashboard.view import Filter


class Other:
    """The value of the row that counts small groups together."""

    def __repr__(self) -> str:
        return "(other places)"


OTHER: Final = Other()
VISITORS = "visitors"


def fold(ask: Ask, question: Question) -> Answer:
    """Ask for all rows of a question; groups that are too small are one row at the end, `OTHER`.

    If these have too few visitors together, the smallest group that is left is counted with them.
    A question without small groups has its rows as they are.
    """
    answer = ask(question)
    if not question.smallest_group:
        return answer
    named = list(answer.rows)
    while True:
        rest = ask(_without(question, [row[0] for row in named])).single()
        if not rest[VISITORS]:
            return replace(answer, rows=named)
        if rest[VISITORS] >= question.smallest_group or not named:
            other = (OTHER, *(rest[name] for name in question.metrics))
            return replace(answer, rows=[*named, other])
        named.pop()


def named_rows(answer: Answer) -> Sequence[Row]:
    """The rows of an answer without the one of small groups."""
    return [row for row in answer.rows if row[0] is not OTHER]


def _without(question: Question, values: Sequence[str | None]) -> Question:
    """Ask for the same metrics of everything but some groups, and for their visitors.

    Small groups are of one dimension of visits: no panel has places by something else, too.
    """
    (dimension,) = question.dimensions
    left_out = [Filter(dimension, tuple(values), is_excluded=True)] if values else []
    filters = (*question.filters, *left_out)
    metrics = dict.fromkeys((*question.metrics, VISITORS))
    return build_question(tuple(metrics), (), question.period, filters, key_days=question.key_days)
