"""Random statements have one answer on the local Athena and on a real Trino."""

from __future__ import annotations

import os
from math import isclose, isnan
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.localaws.athena.client import AthenaClient
from tests.localaws.athena.strategies import statements
from tests.support.engines import TrinoOfLake, athena_text

from clickstream.errors import QueryFailed

pytestmark = [pytest.mark.deep, pytest.mark.timeout(7200)]

STATEMENTS = int(os.environ.get("STATEMENTS", "2000"))
TOLERANCE = 1e-9


Rows = list[list[Any]]


def local_answer(athena: AthenaClient, sql: str) -> Rows | str:
    """The rows as texts, or why the statement fails."""
    execution = athena.run(sql)
    if execution["Status"]["State"] == "FAILED":
        return str(execution["Status"]["StateChangeReason"])
    return athena.cells(execution["QueryExecutionId"])[1:]


def trino_answer(trino: TrinoOfLake, athena: AthenaClient, sql: str) -> Rows | str:
    """The rows, or why the statement fails."""
    try:
        return [[*row] for row in trino.trino.ask(athena.database, sql).rows]
    except QueryFailed as error:
        return str(error)


def is_same(ours: str | None, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(theirs, float):
        value = float(ours.replace("Infinity", "inf"))
        return isclose(value, theirs, rel_tol=TOLERANCE) or (isnan(value) and isnan(theirs))
    return ours == athena_text(theirs)


def are_same(ours: Rows | str, theirs: Rows | str) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) and isinstance(theirs, str)
    return len(ours) == len(theirs) and all(
        all(map(is_same, our, their)) for our, their in zip(ours, theirs, strict=True)
    )


@settings(
    max_examples=STATEMENTS,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(sql=statements())
def test_any_statement_has_one_answer(trino: TrinoOfLake, athena: AthenaClient, sql: str) -> None:
    ours, theirs = local_answer(athena, sql), trino_answer(trino, athena, sql)
    assert are_same(ours, theirs), f"{sql}\nlocal: {ours}\nTrino: {theirs}"
