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

ACCEPTED_BEYOND_TRINO = 10
RELATIVE_ERROR = 1e-9
UNCLEAR = re.compile(r"local engine|Error:|GENERIC_INTERNAL|Traceback|Expecting \)")
FEWEST_ANSWERED = 670
"""Of 1,189 statements that Trino answers; the others are refused by name."""

NO_FUNCTION = re.compile(r"Function '(\w+)' is not supported by the local Athena")
REFUSED_FUNCTIONS = frozenset(
    """
    acos all any_match approx_most_frequent array_except array_position array_remove array_union
    arrays_overlap asin atan bit_count bitwise_and_agg bitwise_left_shift bitwise_right_shift
    bitwise_right_shift_arithmetic cbrt checksum chr codepoint combinations concat_ws
    contains_sequence corr cosine_similarity covar_samp crc32 euclidean_distance every flatten
    format format_number from_base from_base64url from_iso8601_date from_iso8601_timestamp
    from_iso8601_timestamp_nanos from_utf8 geometric_mean great_circle_distance histogram
    human_readable_seconds infinity is_json_scalar json_array json_array_contains
    json_array_length json_exists json_format json_parse json_query json_size json_value
    levenshtein_distance log log2 map_concat map_entries map_filter map_from_entries map_union
    map_zip_with md5 multimap_agg murmur3 ngrams normalize nth_value numeric_histogram
    parse_datetime parse_duration percent_rank pi reduce_agg regexp_count regexp_extract_all
    regexp_position regexp_split repeat reverse sha1 sign sinh slice some soundex split_to_map
    split_to_multimap spooky_hash_v2_64 stddev_pop tanh timezone timezone_hour timezone_minute
    to_base to_base32 to_base64 to_base64url to_hex to_ieee754_64 to_iso8601 to_milliseconds
    to_utf8 translate trim_array truncate url_encode width_bucket word_stem xxhash64 yow zip
    zip_with
    """.split()
)
"""Functions that the local Athena lacks on purpose; ``all`` and ``some`` are quantifiers."""

UNORDERED = frozenset({"(values 2, 1 order by 1 limit 1) union all select 9"})
"""A union has no order."""

pytestmark = [pytest.mark.shared_data, pytest.mark.deep]


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


def _same(sql: str, one: Rows, other: Rows) -> bool:
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


def test_no_answer_differs_from_that_of_trino(
    answers: list[tuple[dict[str, Any], Answer]],
) -> None:
    wrong = [
        (trino["sql"], trino["rows"], local.rows)
        for trino, local in answers
        if "rows" in trino
        and not local.error
        and not _same(trino["sql"], trino["rows"], local.rows)
    ]
    assert wrong == []


def test_functions_are_refused_on_purpose_only(
    answers: list[tuple[dict[str, Any], Answer]],
) -> None:
    answered_by_trino = [local for trino, local in answers if "rows" in trino]
    named = [NO_FUNCTION.search(local.error) for local in answered_by_trino]
    assert {match[1] for match in named if match} == REFUSED_FUNCTIONS
    assert sum(not local.error for local in answered_by_trino) >= FEWEST_ANSWERED


def test_headings_are_those_of_trino(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    assert [
        (trino["names"], local.names)
        for trino, local in answers
        if "names" in trino and not local.error and trino["names"] != local.names
    ] == []


def test_what_trino_refuses_is_refused(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    accepted = [trino["sql"] for trino, local in answers if "error" in trino and not local.error]
    assert len(accepted) <= ACCEPTED_BEYOND_TRINO, accepted


def test_no_error_shows_the_engine_inside(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    assert [local.error for _, local in answers if UNCLEAR.search(local.error)] == []
