"""Random statements have the answers of a real Trino on the local Athena, or none.

The local Athena may refuse what Trino answers. It never answers anything else, and never what Trino
refuses.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from tests.support.engines import TrinoOfLake, athena_text
from tests.support.examples import examples
from tests.trino_duckdb.engine import Answer, LocalEngine, Rows
from tests.trino_duckdb.strategies import Statement, statements

from clickstream.core.errors import QueryFailed

RELATIVE_ERROR = 1e-9
COUNTS: Counter[str] = Counter()
"""Columns that were asked, and those that have an answer here."""

DATABASE = "default"
"""Trino wants a name. No statement reads a stored table."""

OF_VALUES = re.compile(
    "(Trino: )?(DIVISION_BY_ZERO: |NUMERIC_VALUE_OUT_OF_RANGE: |INVALID_CAST_ARGUMENT: "
    "|NOT_SUPPORTED: (ARRAY|ROW) comparison not supported for )"
)
"""Errors that depend on which values an engine computes, and in which order it adds them.

Trino leaves out what it does not need, and so does DuckDB, which also takes ``x + 1 = 2`` for
``x = 1``.
"""


@pytest.fixture(scope="module")
def local() -> LocalEngine:
    return LocalEngine()


def ask_trino(trino: TrinoOfLake, statement: Statement) -> Answer:
    try:
        answer = trino.trino.ask(DATABASE, statement.sql)
    except QueryFailed as error:
        return Answer([], [], [], str(error))
    rows = [[None if one is None else athena_text(one) for one in row] for row in answer.rows]
    return Answer(answer.columns, answer.types, rows)


def differences(local: LocalEngine, trino: TrinoOfLake, statement: Statement) -> Iterator[str]:
    """The columns of a statement about which the engines disagree, each with both answers.

    Trino takes 0.1 s for a statement of one column, and not much more for one of twelve. So it is
    asked all columns that have an answer here together, and each one alone only if they differ.
    """
    answered = [part for part in statement.parts() if not local.ask(part.sql).error]
    COUNTS["asked"] += len(statement.items)
    COUNTS["answered"] += len(answered)
    if not answered:
        return
    whole = statement.of(answered)
    if not difference(local.ask(whole.sql), ask_trino(trino, whole)):
        return
    for part in answered:
        if found := difference(local.ask(part.sql), ask_trino(trino, part)):
            yield f"{part.sql}\n{found}"


def difference(ours: Answer, theirs: Answer) -> str:
    """Both answers, if they differ; otherwise an empty text."""
    if ours.error or OF_VALUES.match(theirs.error):
        return ""
    if not theirs.error and types(ours) == types(theirs) and is_same(ours.rows, theirs.rows):
        return ""
    return f"local: {shown(ours)}\nTrino: {shown(theirs)}"


def shown(answer: Answer) -> str:
    return answer.error or f"{answer.types} {answer.rows}"


def types(answer: Answer) -> list[str]:
    """Types without blanks after commas, and without lengths of texts, times and decimals."""
    plain = (
        re.sub(r"(varchar|timestamp|decimal)\([\d, ]+\)", r"\1", kind) for kind in answer.types
    )
    return [kind.replace(", ", ",") for kind in plain]


def is_same(ours: Rows, theirs: Rows) -> bool:
    return len(ours) == len(theirs) and all(
        all(map(is_same_cell, one, other)) for one, other in zip(ours, theirs, strict=True)
    )


def is_same_cell(one: str | None, other: str | None) -> bool:
    """Whether cells are equal but for the order of a map and the last digits of a double."""
    if one is None or other is None:
        return one is other
    if comparable(one) == comparable(other):
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=RELATIVE_ERROR)
    except ValueError:
        return False


def comparable(text: str) -> Any:
    return sorted(text.strip("{}").split(", ")) if text.startswith("{") else text


# Nothing is shrunk, because a difference names one short column.
@pytest.mark.trino
@pytest.mark.deep
@pytest.mark.timeout(3600)
@examples(
    times=200,
    derandomize=False,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(statement=statements())
def test_random_statements_have_no_other_answer_than_in_trino(
    local: LocalEngine, trino: TrinoOfLake, statement: Statement
) -> None:
    assert list(differences(local, trino, statement)) == []


@pytest.mark.trino
@pytest.mark.deep
def test_most_columns_of_random_statements_have_an_answer() -> None:
    assert COUNTS["answered"] >= COUNTS["asked"] / 2, COUNTS
