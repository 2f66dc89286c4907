"""Every table and view of a lake, cell by cell, on the local Athena and on a real Trino."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

import pytest
from tests.sql.trino_lake import build_three_days
from tests.support.answers import ALL_VIEWS
from tests.support.engines import TrinoOfLake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import Lake, athena, visitor_keys
from clickstream.tables import TABLES

pytestmark = [pytest.mark.trino, pytest.mark.deep]

RELATIONS = [*(table.name for table in TABLES), *ALL_VIEWS]
OF_AGENTS = {"agent_facts", "agent_sessions"}
"""No signed agent comes here; the lake of test_view_pruning.py has some, on both engines."""

TOLERANCE = 1e-9
"""Relative; the engines add doubles in different orders."""

Row = Sequence[Any]


@pytest.fixture(scope="module")
def three_days(
    local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory, trino: TrinoOfLake
) -> Lake:
    return build_three_days(local_aws.endpoint, tmp_path_factory.mktemp("three-days") / "logs")


def sort_key(row: Row) -> str:
    return repr([f"{value:.6g}" if isinstance(value, float) else value for value in row])


def is_same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return isclose(ours, theirs, rel_tol=TOLERANCE)
    return bool(ours == theirs) and type(ours) is type(theirs)


def differences(ours: Sequence[Row], theirs: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The pairs of rows that differ in a cell, both sides sorted."""
    pairs = zip(sorted(ours, key=sort_key), sorted(theirs, key=sort_key), strict=True)
    return [(a, b) for a, b in pairs if not all(map(is_same, a, b))]


@pytest.mark.parametrize("relation", RELATIONS)
def test_both_engines_answer_the_same(three_days: Lake, trino: TrinoOfLake, relation: str) -> None:
    ours = athena.query(three_days, f"select * from {relation}")
    theirs = trino.query(three_days, f"select * from {relation}")
    assert ours.rows or relation in OF_AGENTS
    assert theirs.columns == ours.columns
    assert len(theirs.rows) == len(ours.rows)
    assert differences(ours.rows, theirs.rows) == []


@pytest.mark.parametrize(
    "rows",
    [
        "hits where is_bot",
        "hits where opted_out and not is_bot",
        "raw_objects where is_late",
        "session_changes where cause = 'late lines'",
        "session_parts where session_started_at < cast(event_date as timestamp)",
        "rejects",
    ],
)
def test_the_lake_has_what_makes_a_lake_hard_to_read(three_days: Lake, rows: str) -> None:
    assert athena.query(three_days, f"select count(*) from {rows}").rows[0][0] > 0


def test_visitor_keys_change_within_the_lake(three_days: Lake) -> None:
    assert len([*visitor_keys.periods(three_days)]) >= 3
