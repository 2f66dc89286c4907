"""What holds for any bytes, however they are cut."""

import io
import random
import re
import sys

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_same, lines_of, plain
from tests.clickstream.parse.strategies import formats, lines, logs
from tests.support.examples import many_examples

from clickstream.parse import concat, entries, event_hours, parse, parse_blocks, read_blocks
from clickstream.parse.formats import FORMATS
from clickstream.parse.frames import escape, unescape


def is_directive(line: bytes, log_format: str) -> bool:
    return log_format == "w3c" and line.startswith(b"#")


@many_examples
@given(st.binary() | logs, formats)
def test_every_line_is_a_request_or_a_reject(data: bytes, log_format: str) -> None:
    parsed = parse(data, log_format)
    expected = lines_of(data)
    counted = [n for n, line in enumerate(expected, 1) if not is_directive(line, log_format)]
    assert parsed.lines == len(parsed.requests) + len(parsed.rejects) == len(counted)
    assert parsed.directives == len(expected) - len(counted)
    numbers = [*parsed.requests["line_number"], *parsed.rejects["line_number"]]
    assert sorted(numbers) == counted
    for reject in parsed.rejects.itertuples():
        assert unescape(reject.line) == expected[reject.line_number - 1]


@given(logs, formats, st.integers(1, 400))
def test_blocks_add_up_to_the_whole(data: bytes, log_format: str, size: int) -> None:
    cut = [*read_blocks(io.BytesIO(data), size)]
    assert b"".join(cut) == data
    assert all(block.endswith(b"\n") for block in cut[:-1])
    assert_same(concat(parse_blocks(cut, log_format)), parse(data, log_format))


@given(logs, formats, st.integers(1, 400), st.integers(1, 400))
def test_batches_of_blocks_add_up_to_the_whole(
    data: bytes, log_format: str, block: int, batch: int
) -> None:
    cut = read_blocks(io.BytesIO(data), block)
    parts = [*parse_blocks(cut, log_format, batch_bytes=batch)]
    assert len(parts) <= len(data) // batch + 1
    assert_same(concat(parts), parse(data, log_format))


def test_nothing_of_a_block_is_kept_once_it_was_parsed() -> None:
    example = FORMATS["combined"].example.encode()
    block = b"\n".join([example] * 3 + [b"no entry"]) + b"\n"
    held = sys.getrefcount(block)
    parts = parse_blocks(iter([block]), "combined")
    assert next(parts).lines == 4
    assert sys.getrefcount(block) == held


@given(logs, formats)
def test_an_hour_for_each_line_that_has_one(data: bytes, log_format: str) -> None:
    parsed = parse(data, log_format)
    hours = event_hours(data, log_format)
    assert len(hours) == len(entries(data, log_format)) == parsed.lines
    numbers = sorted([*parsed.requests["line_number"], *parsed.rejects["line_number"]])
    by_number = pd.Series(hours, index=numbers)
    assert (by_number[parsed.rejects["line_number"]] == -1).all()
    usable = parsed.requests["at"].dt.floor("h").to_numpy().astype("M8[s]").astype(np.int64)
    assert by_number[parsed.requests["line_number"]].tolist() == usable.tolist()


@given(st.lists(lines, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_of_lines_is_all_that_changes_with_their_order(
    some: list[bytes], shuffler: random.Random
) -> None:
    order = list(range(len(some)))
    shuffler.shuffle(order)
    one = parse(b"\n".join(some), "combined").requests
    other = parse(b"\n".join(some[i] for i in order), "combined").requests
    moved = plain(one).drop(columns="line_number").iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(moved, plain(other).drop(columns="line_number"))


@given(st.binary())
def test_escaped_bytes_are_printable_and_come_back(raw: bytes) -> None:
    text = escape(raw)
    assert unescape(text) == raw
    assert text.isprintable() or not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)


@given(st.text())
def test_escape_keeps_readable_text(text: str) -> None:
    harmless = re.sub("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "", text)
    assert escape(harmless.encode()) == harmless


REQUEST_LINE = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.+) (HTTP/[0-9](?:\.[0-9])?)",
)
words = st.sampled_from(
    ["GET", "POST", "get", "HTTP/1.1", "HTTP/2", "HTTP/1", "/", "/café", "", "x"]
)
request_lines = st.lists(st.lists(words, max_size=5).map(" ".join), min_size=1, max_size=8)


@many_examples
@given(request_lines)
@example(["GET HTTP/1.1", "GET  HTTP/1.1", "GET / HTTP/1.1 HTTP/1.1", "GET é HTTP/1.1"])
def test_request_lines_are_split_as_the_rfc_has_it(asked: list[str]) -> None:
    """RFC 9112, 3; what is not HTTP is all target."""
    log = "".join(
        f'192.0.2.1 - - [20/Nov/2026:12:00:00 +0000] "{line}" 200 1 "-" "-"\n' for line in asked
    )
    found = parse(log.encode(), "combined").requests[["method", "target", "protocol"]]
    for line, row in zip(asked, found.itertuples(index=False), strict=True):
        match = REQUEST_LINE.fullmatch(line)
        expected = match.groups() if match else (None, line, None)
        assert tuple(None if pd.isna(one) else one for one in row) == tuple(
            one or None for one in expected
        )
