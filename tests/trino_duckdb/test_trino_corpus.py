"""Answers to the statements that a real Trino 476 was asked (``../shared/data/trino``).

The statements are not in the repository; ``test_trino_answers.py`` has the families of faults.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from tests.support.shared_data import shared
from tests.trino_duckdb.engine import Answer, LocalEngine, Rows

ACCEPTED_BEYOND_TRINO = 3
RELATIVE_ERROR = 1e-9
UNCLEAR = re.compile(r"local engine|Error:|GENERIC_INTERNAL|Traceback|Expecting \)")
FEWEST_ANSWERED = 387
"""Of 1,189 statements that Trino answers; the others are refused."""

UNORDERED = frozenset({"(values 2, 1 order by 1 limit 1) union all select 9"})
"""A union has no order."""


@pytest.fixture(scope="module")
def answers() -> list[tuple[dict[str, Any], Answer]]:
    """Each statement as Trino answered it, with the local answer."""
    engine = LocalEngine()
    statements = [
        statement
        for name in ("fidelity.json", "statements.json")
        for statement in _read(shared("trino", name))
    ]
    return [(statement, engine.ask(statement["sql"])) for statement in statements]


def _read(path: Path) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(path.read_text())["statements"]
    return statements


def _normal(cell: str | None) -> str | None:
    """A cell without the zeros that end a time, and with the entries of a map in order."""
    if cell is None:
        return None
    text = re.sub(r"(:\d\d)\.(\d*?)0*(?=\D|$)", lambda m: m[1] + ("." + m[2]) * bool(m[2]), cell)
    return "{" + ", ".join(sorted(text[1:-1].split(", "))) + "}" if text[:1] == "{" else text


def _same_cell(one: str | None, other: str | None) -> bool:
    if one is None or other is None or _normal(one) == _normal(other):
        return one == other or (one is not None and other is not None)
    try:
        return "." in one and math.isclose(float(one), float(other), rel_tol=RELATIVE_ERROR)
    except ValueError:
        return False


def same_rows(sql: str, one: Rows, other: Rows) -> bool:
    one, other = _with_ties_sorted(sql, one), _with_ties_sorted(sql, other)
    return len(one) == len(other) and all(
        len(a) == len(b) and all(map(_same_cell, a, b)) for a, b in zip(one, other, strict=True)
    )


def _with_ties_sorted(sql: str, rows: Rows) -> Rows:
    """The rows with those in order that the statement's ORDER BY leaves in any order."""
    if not re.search(r"\border by (?![^()]*\) (?:from|over))", sql.lower()) or sql in UNORDERED:
        positions = []
    elif by_position := re.search(r"\border by (\d+(?:, ?\d+)*)$", sql.lower()):
        positions = [int(number) - 1 for number in by_position[1].split(",")]
    else:
        return rows
    ties = groupby(rows, key=lambda row: [row[position] for position in positions])
    return [row for _, tied in ties for row in sorted(tied, key=_sort_key)]


def _sort_key(row: Sequence[str | None]) -> list[str]:
    return [_normal(cell) or "" for cell in row]


@pytest.mark.shared_data
@pytest.mark.deep
def test_no_answer_differs_from_that_of_trino(
    answers: list[tuple[dict[str, Any], Answer]],
) -> None:
    wrong = [
        (trino["sql"], trino["rows"], local.rows)
        for trino, local in answers
        if "rows" in trino
        and not local.error
        and not same_rows(trino["sql"], trino["rows"], local.rows)
    ]
    assert wrong == []


@pytest.mark.shared_data
@pytest.mark.deep
def test_a_third_of_the_statements_is_answered(
    answers: list[tuple[dict[str, Any], Answer]],
) -> None:
    answered_by_trino = [local for trino, local in answers if "rows" in trino]
    answered = sum(not local.error for local in answered_by_trino)
    assert answered >= FEWEST_ANSWERED


@pytest.mark.shared_data
@pytest.mark.deep
def test_headings_are_those_of_trino(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    assert [
        (trino["names"], local.names)
        for trino, local in answers
        if "names" in trino and not local.error and trino["names"] != local.names
    ] == []


@pytest.mark.shared_data
@pytest.mark.deep
def test_what_trino_refuses_is_refused(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    accepted = [trino["sql"] for trino, local in answers if "error" in trino and not local.error]
    assert len(accepted) <= ACCEPTED_BEYOND_TRINO, accepted


@pytest.mark.shared_data
@pytest.mark.deep
def test_no_error_shows_the_engine_inside(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    assert [local.error for _, local in answers if UNCLEAR.search(local.error)] == []
