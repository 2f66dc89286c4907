"""The statements of `test_fidelity.py` on a real Trino: their expected values are its answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from tests.localaws.athena.client import AthenaClient
from tests.localaws.athena.known_differences import KNOWN_DIFFERENCES
from tests.localaws.athena.test_fidelity import FAILURES, QUERIES, VALUES, VISITS
from tests.support.engines import TrinoOfLake, athena_text

from clickstream.errors import QueryFailed

pytestmark = [pytest.mark.trino, pytest.mark.deep]

LOCAL_LIMIT = "NOT_SUPPORTED"
"""The local Athena refuses by this name what Trino may answer. There is nothing to compare."""

COMPARED_FAILURES = {
    statement: reason
    for statement, reason in FAILURES.items()
    if not reason.startswith(LOCAL_LIMIT)
}


def marked(statements: Iterable[str]) -> list[Any]:
    """Parameters for the statements; those that are known to differ must fail."""
    return [
        pytest.param(sql, marks=pytest.mark.xfail(strict=True, reason=KNOWN_DIFFERENCES[sql]))
        if sql in KNOWN_DIFFERENCES
        else sql
        for sql in statements
    ]


def comparable(text: str | None, kind: str) -> Any:
    """Return a cell without what the type leaves open: the order of a map's entries."""
    if text is not None and kind.startswith("map("):
        return sorted(text.strip("{}").split(", "))
    return text


def compared_rows(rows: Iterable[Sequence[str | None]], kinds: list[str]) -> list[list[Any]]:
    return [[*map(comparable, row, kinds)] for row in rows]


def assert_trino_answers(
    trino: TrinoOfLake, athena: AthenaClient, sql: str, expected: Iterable[Sequence[str | None]]
) -> None:
    answer = trino.trino.ask(athena.database, sql)
    texts = [[None if one is None else athena_text(one) for one in row] for row in answer.rows]
    assert compared_rows(texts, answer.types) == compared_rows(expected, answer.types)


@pytest.mark.parametrize("expressions", marked(VALUES))
def test_expressions_have_the_value_that_trino_gives(
    trino: TrinoOfLake, athena: AthenaClient, expressions: str
) -> None:
    assert_trino_answers(trino, athena, f"select {expressions}", [VALUES[expressions]])


@pytest.mark.parametrize("query", marked(QUERIES))
def test_queries_have_the_rows_that_trino_gives(
    trino: TrinoOfLake, athena: AthenaClient, query: str
) -> None:
    sql = query if " ev" not in query else VISITS + query
    assert_trino_answers(trino, athena, sql, QUERIES[query])


@pytest.mark.parametrize("statement", marked(COMPARED_FAILURES))
def test_failures_have_the_name_that_trino_gives(
    trino: TrinoOfLake, athena: AthenaClient, statement: str
) -> None:
    name = COMPARED_FAILURES[statement].partition(":")[0]
    with pytest.raises(QueryFailed, match=re.escape(f"Trino: {name}: ")):
        trino.trino.ask(athena.database, statement)


def test_every_known_difference_is_that_of_a_statement() -> None:
    assert set(KNOWN_DIFFERENCES) <= {*VALUES, *QUERIES, *COMPARED_FAILURES}
