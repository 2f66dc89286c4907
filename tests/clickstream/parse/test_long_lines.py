"""A line that is too long is one reject in every format, and changes nothing for its neighbours."""

from __future__ import annotations

import io
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.examples import many_examples
from tests.support.long_lines import FILLINGS, combined_line, long_line

from clickstream.core.errors import InputError
from clickstream.parse import (
    concat,
    detect,
    parse,
    parse_blocks,
    parse_together,
    read_blocks,
    shorten,
)
from clickstream.parse.blocks import count_lines
from clickstream.parse.formats import FORMATS
from clickstream.parse.frames import Parsed, unescape
from clickstream.parse.line_patterns import REASONS, TOO_LONG
from clickstream.parse.long_lines import KEPT_BYTES, LONGEST_LINE_BYTES, LongLine

LIMIT = 20
"""A limit for texts that hypothesis makes."""

TEXTS = st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"#", b"a" * 21, b"\r"])))


@many_examples
@given(texts=TEXTS, has_end=st.booleans())
def test_exactly_the_lines_above_the_limit_become_empty(texts: list[bytes], has_end: bool) -> None:
    data = b"\n".join(texts) + b"\n" * has_end
    lines = [line.removesuffix(b"\n") for line in io.BytesIO(data)]
    texts = {n: t.removesuffix(b"\r") for n, t in enumerate(lines) if len(t) > LIMIT}
    long = {n: LongLine(text[:KEPT_BYTES], len(text)) for n, text in texts.items()}
    short = shorten(data, LIMIT)
    assert short.long_lines == long
    kept = [b"" if n in long else line for n, line in enumerate(lines)]
    assert [line.removesuffix(b"\n") for line in io.BytesIO(short.data)] == kept


@many_examples
@given(texts=TEXTS, has_end=st.booleans())
def test_line_bounds_are_found_again_in_the_original(texts: list[bytes], has_end: bool) -> None:
    data = b"\n".join(texts) + b"\n" * has_end
    short = shorten(data, LIMIT)
    bounds = [0, *accumulate(map(len, io.BytesIO(short.data)))]
    originals = [0, *accumulate(map(len, io.BytesIO(data)))]
    assert short.original(np.array(bounds)).tolist() == originals


@many_examples
@given(texts=TEXTS, size=st.integers(1, 50))
def test_blocks_keep_the_lines_and_enough_of_those_that_are_too_long(
    texts: list[bytes], size: int
) -> None:
    data = b"\n".join(texts)
    whole = b"".join(read_blocks(io.BytesIO(data), size, longest=LIMIT))
    assert shorten(whole, LIMIT).data == shorten(data, LIMIT).data
    assert count_lines(whole) == count_lines(data)
    longest = max(map(len, whole.split(b"\n")))
    assert longest <= LIMIT + 1 + size


def rejects(parsed: Parsed) -> list[tuple[int, str]]:
    return [*zip(parsed.rejects["line_number"], parsed.rejects["reason"], strict=True)]


@each_case("name", FORMATS)
@each_case("filling", FILLINGS)
def test_a_long_line_is_one_reject_and_its_neighbours_are_as_without_it(
    name: str, filling: str
) -> None:
    example = FORMATS[name].example.encode() + b"\n"
    long = long_line(FILLINGS[filling], LONGEST_LINE_BYTES + 1)
    without = parse(example + example, name)
    found = parse(example + long + example, name)
    assert found.lines == without.lines + 1
    number = example.count(b"\n") + 1
    assert rejects(found) == [(number, TOO_LONG)]
    assert unescape(found.rejects["line"].iloc[0]) == long[:KEPT_BYTES]
    assert found.rejects["line_bytes"].tolist() == [LONGEST_LINE_BYTES + 1]
    columns = [column for column in found.table.column_names if column != "line_number"]
    assert found.table.select(columns).to_pylist() == without.table.select(columns).to_pylist()


@each_case("beginning", [b"#Fields: date time", b"#", b'{"time": "', b"\r"])
@each_case("name", FORMATS)
def test_however_it_begins_it_is_no_directive_and_no_object(name: str, beginning: bytes) -> None:
    found = parse(beginning + b"x" * LONGEST_LINE_BYTES, name)
    assert (found.lines, found.directives, rejects(found)) == (1, 0, [(1, TOO_LONG)])


def test_the_limit_counts_bytes_without_the_newline() -> None:
    line = combined_line(1).rstrip(b"\n")
    for ending in (b"", b"\n"):
        assert not len(parse(line + ending, "combined", longest=len(line)).rejects)
        found = parse(line + ending, "combined", longest=len(line) - 1)
        assert rejects(found) == [(1, TOO_LONG)]


LINES = st.lists(
    st.sampled_from(
        [
            combined_line(1),
            combined_line(2),
            b"odd\n",
            b"\n",
            long_line(b"{", 300),
            b"#" * 500 + b"\n",
        ]
    ),
    max_size=12,
)


@given(lines=LINES, cuts=st.lists(st.integers(0, 12)), batch=st.sampled_from([1, 700, 1 << 20]))
def test_blocks_and_batches_change_nothing(lines: list[bytes], cuts: list[int], batch: int) -> None:
    whole = parse(b"".join(lines), "combined", longest=200)
    ends = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    blocks = [b"".join(lines[first:past]) for first, past in pairwise(ends)]
    found = concat(parse_blocks(blocks, "combined", batch_bytes=batch, longest=200))
    together = parse_together(blocks, "combined", longest=200)
    assert together is not None
    for other in (found, together):
        assert other.lines == whole.lines
        assert other.table.to_pylist() == whole.table.to_pylist()
        assert other.rejects.to_dict("records") == whole.rejects.to_dict("records")


@given(lines=LINES)
def test_every_line_is_a_request_or_a_reject_and_each_long_one_is_too_long(
    lines: list[bytes],
) -> None:
    found = parse(b"".join(lines), "combined", longest=200)
    assert len(found.table) + len(found.rejects) == found.lines == len(lines)
    long = [number for number, line in enumerate(lines, 1) if len(line) > 201]
    assert [number for number, reason in rejects(found) if reason == TOO_LONG] == long


@each_case("name", FORMATS)
def test_the_format_of_the_other_lines_is_found(name: str) -> None:
    example = FORMATS[name].example.encode() + b"\n"
    long = long_line(b'"', LONGEST_LINE_BYTES + 1)
    assert detect(long + example * 5).name == detect(example * 5).name
    assert detect(long * 3 + example * 5, likely="combined").name == detect(example * 5).name


def test_long_lines_alone_have_no_format() -> None:
    with pytest.raises(InputError, match="No line of the log has a known format"):
        detect(combined_line(1)[:-1] + b" " * LONGEST_LINE_BYTES)


def test_the_reason_is_one_of_the_reasons() -> None:
    assert TOO_LONG in REASONS
