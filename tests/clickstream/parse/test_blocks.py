"""Logs larger than a block, and lines larger than one."""

import pandas as pd
import pytest
from tests.clickstream.parse.assertions import assert_same
from tests.clickstream.parse.builders import HEAD
from tests.clickstream.parse.trap_lines import READ, REFUSED
from tests.fuzz.reading import blocks_of

from clickstream.parse import parse
from clickstream.parse.line_patterns import TOO_LONG

LINES = [line for line, _ in (*READ.values(), *REFUSED.values())]


@pytest.mark.parametrize("size", [1, 100, 5_000, 20_000])
def test_size_of_the_scanned_block_changes_nothing(size: int) -> None:
    data = b"\n".join(LINES * 3)
    whole = parse(data, "combined")
    with blocks_of(size):
        assert_same(parse(data, "combined"), whole)


def test_a_line_of_many_megabytes_is_one_line() -> None:
    long = HEAD + b'"GET /' + b"A" * (9 << 20) + b' HTTP/1.1" 414 1 "-" "UA"'
    data = b"\n".join([LINES[0], long, long[: 8 << 20], b"x" * (6 << 20), LINES[0]])
    parsed = parse(data, "combined", first_line=101)
    assert parsed.requests["line_number"].tolist() == [101, 105]
    assert parsed.rejects["reason"].tolist() == [TOO_LONG] * 3


def test_texts_that_become_equal_share_a_category() -> None:
    raw, spelled = b"/caf\xe9", rb"/caf\xe9"
    data = b"\n".join(HEAD + b'"GET %b HTTP/1.1" 200 1 "-" "UA"' % t for t in (raw, spelled))
    target = parse(data, "combined").requests["target"]
    assert target.tolist() == [r"/caf\xe9"] * 2
    assert isinstance(target.dtype, pd.CategoricalDtype)
    assert len(target.cat.categories) == 1


def test_empty_first_line_before_a_last_line_that_ends_in_cr() -> None:
    parsed = parse(b"\n" + LINES[0] + b"\r", "combined")
    assert parsed.requests["line_number"].tolist() == [2]
    assert parsed.rejects["line"].tolist() == [""]
