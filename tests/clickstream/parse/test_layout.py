"""Layouts of the shape of a LogFormat: read by the faster scan as the layout reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import Record
from tests.clickstream.parse.strategies import logs, records

from clickstream.parse.layouts.format_strings import layout_of
from clickstream.parse.layouts.layout import shape_of
from clickstream.parse.layouts.layout_rows import read
from clickstream.parse.registry import compile_format
from clickstream.parse.rows import Coded

TAIL = '%t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
HEADS = {
    f"%h %l %u {TAIL}": "{} - {} ",
    f'%h %l %u {TAIL} "%{{X-Forwarded-For}}i"': "{} - {} ",
    f"%v:%p %a %l %u {TAIL}": "example.com:443 {} - {} ",
    f"%a %V %k {TAIL}": "{} example.com 17 ",
}
"""What stands before the time, by the format string: client and user are put in."""
OTHERS = (
    f"%a %D {TAIL}",
    f"{TAIL} %h",
    f"%h %l %u {TAIL} %D",
    f"%{{X-Forwarded-For}}i %u {TAIL}",
    "%h %t %r %s",
)


def test_only_layouts_that_begin_like_a_log_format_have_a_shape() -> None:
    assert all(shape_of(layout_of("mine", text)) for text in HEADS)
    assert not any(shape_of(layout_of("mine", text)) for text in OTHERS)


def texts(column: Coded) -> list[bytes]:
    return [column.values[code].as_py() for code in column.codes]


@pytest.mark.parametrize("text", HEADS)
@given(st.lists(records, max_size=4), logs)
def test_the_fast_scan_and_the_layout_read_the_same_lines(
    text: str, some: list[Record], noise: bytes
) -> None:
    lines = []
    for record in some:
        head = HEADS[text].format(record.client, record.user).encode()
        rest = record.line[record.line.rindex(b" [", 0, record.line.index(b'] "')) + 1 :]
        lines.append(head + rest + (b' "-"' if "Forwarded" in text else b""))
    data = b"\n".join([*lines, noise])
    fast = compile_format("mine", text).read(data, b"")
    slow = read(data, [layout_of("mine", text)])
    assert fast.line.tolist() == slow.line.tolist()
    assert fast.seconds.tolist() == slow.seconds.tolist()
    for name, column in slow.texts.items():
        assert texts(fast.texts[name]) == texts(column)
    assert [index for index, _, _ in fast.refused] == [index for index, _, _ in slow.refused]
