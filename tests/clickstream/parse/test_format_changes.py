"""Logs whose format changes on the way: enough lines decide, wherever the log is cut."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_same

from clickstream.parse import FormatState, concat, parse, parse_blocks, read_blocks
from clickstream.parse.format_changes import SWITCH_AFTER, segments
from clickstream.parse.formats import FORMATS
from clickstream.parse.frames import Parsed

LINES = {name: FORMATS[name].example.encode() for name in ("common", "combined", "json")}
FIELDS, LINES["w3c"] = FORMATS["w3c"].example.encode().split(b"\n")
CUT = LINES["combined"][: LINES["combined"].index(b' "-"')]  # as whole as a line of `common`
RUBBISH = b"rubbish"


def text_of(*runs: tuple[str, int]) -> bytes:
    """So many lines of each format; W3C entries come below their header."""
    lines = []
    for name, count in runs:
        lines += [FIELDS] * (name == "w3c") + [LINES[name]] * count
    return b"".join(line + b"\n" for line in lines)


def read(text: bytes, log_format: str, size: int = 1 << 20) -> Parsed:
    return concat(parse_blocks(read_blocks(io.BytesIO(text), size), log_format, may_change=True))


runs = st.lists(
    st.tuples(st.sampled_from(sorted(LINES)), st.integers(SWITCH_AFTER, 6)), min_size=1, max_size=5
)


@given(runs)
def test_every_line_is_read_in_its_own_format(log: list[tuple[str, int]]) -> None:
    parsed = read(text_of(*log), log[0][0])
    assert parsed.rejects.empty
    assert len(parsed.requests) == sum(count for _, count in log)


@given(runs)
def test_segments_lie_one_after_the_other_and_say_how_to_read_them(
    log: list[tuple[str, int]],
) -> None:
    text = text_of(*log)
    found, after = segments(text, FormatState(log[0][0]))
    changes = [name for n, (name, _) in enumerate(log) if n == 0 or log[n - 1][0] != name]
    assert [segment.log_format for segment in found] == changes
    assert after.log_format == changes[-1]
    assert b"".join(text[segment.start : segment.end] for segment in found) == text
    parts = [parse(text[s.start : s.end], s.log_format, header=s.header) for s in found]
    assert all(part.rejects.empty for part in parts)


any_runs = st.lists(
    st.tuples(st.sampled_from(sorted(FORMATS)), st.integers(1, 5)), min_size=1, max_size=6
)


@given(any_runs)
def test_a_log_of_any_formats_is_read_as_its_segments_are(log: list[tuple[str, int]]) -> None:
    text = b"".join((FORMATS[name].example.encode() + b"\n") * count for name, count in log)
    line, alone = 1, []
    for part in segments(text, FormatState(log[0][0]))[0]:
        alone.append(parse(text[part.start : part.end], part.log_format, line, part.header))
        line += alone[-1].lines + alone[-1].directives
    assert_same(read(text, log[0][0]), concat(alone))


@given(runs, st.lists(st.integers(1, 30), max_size=4))
def test_a_cut_costs_no_more_than_the_lines_before_it_that_were_too_few(
    log: list[tuple[str, int]], lengths: list[int]
) -> None:
    text = text_of(*log)
    lines = text.splitlines(keepends=True)
    edges = [*np.cumsum([0, *lengths]).clip(max=len(lines)).tolist(), len(lines)]
    cut = [b"".join(lines[a:b]) for a, b in pairwise(edges) if a < b]
    parsed = concat(parse_blocks(cut, log[0][0], may_change=True, batch_bytes=1))
    spared = {edge - n for edge in edges[1:-1] for n in range(SWITCH_AFTER - 1)}
    spared |= {n - 1 for n in spared if lines[n - 2 : n - 1] == [FIELDS + b"\n"]}
    assert set(parsed.rejects["line_number"]) <= spared
    whole = read(text, log[0][0]).requests
    kept = whole[whole["line_number"].isin(parsed.requests["line_number"])]
    columns = ["line_number", "at", "status"]
    assert parsed.requests[columns].to_numpy().tolist() == kept[columns].to_numpy().tolist()


@pytest.mark.parametrize("odd", range(1, SWITCH_AFTER))
def test_few_odd_lines_are_rejects_of_the_format_they_stand_in(odd: int) -> None:
    lines = [LINES["combined"], *[CUT] * odd, LINES["combined"]]
    text = b"\n".join(lines)
    assert_same(read(text, "combined"), parse(text, "combined"))
    assert len(parse(CUT, "common").requests) == 1


def test_enough_of_them_are_lines_of_another_format() -> None:
    lines = [LINES["combined"], *[CUT] * SWITCH_AFTER, *[LINES["combined"]] * SWITCH_AFTER]
    assert read(b"\n".join(lines) + b"\n", "combined").rejects.empty


def test_lines_of_no_format_stay_rejects_and_decide_nothing() -> None:
    lines = [*[RUBBISH] * 5, CUT, RUBBISH, CUT, *[RUBBISH] * 5, LINES["combined"]]
    text = b"\n".join(lines)
    assert_same(read(text, "combined"), parse(text, "combined"))


def test_line_by_line_the_format_changes_at_the_line_that_is_enough() -> None:
    text = text_of(("combined", 2), ("json", 6))
    lines = text.splitlines(keepends=True)
    parsed = concat(parse_blocks(lines, "combined", may_change=True, batch_bytes=1))
    assert parsed.rejects["line_number"].tolist() == [3, 4]


def test_a_format_that_was_named_never_changes() -> None:
    text = text_of(("combined", 2), ("json", 6))
    assert len(concat(parse_blocks([text], "combined")).rejects) == 6


def test_a_header_is_remembered_while_another_format_comes_between() -> None:
    entry = LINES["w3c"] + b"\n"
    text = text_of(("w3c", 3), ("json", 3)) + 3 * entry
    parsed = read(text, "w3c")
    assert (len(parsed.requests), parsed.directives) == (9, 1)
