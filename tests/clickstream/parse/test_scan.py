"""The structural scan against the strict pattern, which reads the same lines one by one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_same
from tests.clickstream.parse.builders import HEAD, TAIL, Record
from tests.clickstream.parse.strategies import damaged, lines, logs, quoted, records
from tests.clickstream.parse.trap_lines import READ, REFUSED
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.parse import parse, rows
from clickstream.parse.formats import LINE_FORMATS, LogFormat
from clickstream.parse.frames import Parsed, as_frames
from clickstream.parse.scan import LineScan, scan

traps = st.sampled_from([line for line, _ in (*READ.values(), *REFUSED.values())])
endings = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\r\n"])
awkward = st.lists(st.builds(bytes.__add__, lines | damaged | traps, endings), max_size=12).map(
    b"".join
)

TRAILING = ("referrer", "user_agent", "forwarded", "cookie", "host", "sec_gpc", "dnt", "extra")


def read(data: bytes, log_format: LogFormat) -> Parsed:
    return as_frames(rows.read([data], log_format), first_line=1)


def read_strictly(data: bytes, log_format: LogFormat) -> Parsed:
    """What is read when the scan leaves every line to the strict pattern."""

    def nothing_regular(data: bytes, start: int, stop: int, quoted_fields: int) -> LineScan:
        scanned = scan(data, start, stop, quoted_fields)
        return replace(scanned, regular=np.zeros_like(scanned.regular))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "scan", nothing_regular)
        return read(data, log_format)


@many_examples
@given(awkward | logs | st.binary(), st.sampled_from([*LINE_FORMATS.values()]))
def test_regular_lines_are_read_as_the_pattern_reads_them(
    data: bytes, log_format: LogFormat
) -> None:
    assert_same(read(data, log_format), read_strictly(data, log_format))


@pytest.mark.parametrize("wrong", [b"", *(bytes([byte]) for byte in b'" \\[]-0aZ/:+\r\x00\xe9')])
def test_a_line_of_many_fields_that_is_one_byte_off(wrong: bytes) -> None:
    log_format = LogFormat("longer", "", ("request", *TRAILING[:4]))
    line = HEAD + TAIL + b' "203.0.113.9" "c=1"'
    replaced = [line[:i] + wrong + line[i + 1 :] for i in range(len(line))]
    inserted = [line[:i] + wrong + line[i:] for i in range(len(line) + 1)]
    data = b"\n".join([*replaced, *inserted])
    assert_same(read(data, log_format), read_strictly(data, log_format))


@given(st.lists(records, min_size=1, max_size=6), st.booleans())
def test_a_plain_line_is_regular(some: list[Record], has_newline: bool) -> None:
    """Else the scan would be right, but slow."""
    plain = [replace(record, user="-", size=1234) for record in some]
    data = b"\n".join(record.line for record in plain) + b"\n" * has_newline
    regular = scan(data, 0, len(data), quoted_fields=3).regular
    is_plain = [b'\\"' not in record.line for record in plain]
    assert regular.tolist() == is_plain


@each_case("digits", range(1, 20))
def test_a_size_of_any_number_of_digits(digits: int) -> None:
    sizes = [b"9" * digits, b"1234567890123456789"[:digits], b"0" * digits, b"0" * (digits - 1)]
    data = b"\n".join(HEAD + b'"GET /a HTTP/1.1" 200 %b "-" "UA"' % size for size in sizes)
    parsed = read(data, LINE_FORMATS["combined"])
    assert_same(parsed, read_strictly(data, LINE_FORMATS["combined"]))
    right = [int(size) for size in sizes if 0 < len(size) <= 18]
    assert parsed.requests["bytes"].tolist() == right


OTHER_TIME = HEAD.replace(b"29/Mar/2026:01:59:59", b"30/Mar/2026:02:00:00")
IMPOSSIBLE = HEAD.replace(b"29/Mar", b"31/Feb")
neighbours = [
    *(head + TAIL for head in (HEAD, OTHER_TIME, IMPOSSIBLE, HEAD.replace(b" - - ", b" "))),
    *(head + TAIL.replace(b"UA", rb"\"UA\"") for head in (HEAD, OTHER_TIME)),
    *(HEAD + TAIL.replace(b"200", b"2x0"), HEAD + TAIL.replace(b"UA", b"")),
    *(HEAD[:-9], HEAD[13:] + TAIL, b""),
]


@given(st.lists(st.sampled_from(neighbours), min_size=1, max_size=8), st.booleans())
def test_a_line_means_the_same_whatever_stands_before_it(
    some: list[bytes], has_newline: bool
) -> None:
    """Neighbours often have the same time, which is then looked at only once."""
    together = read(b"\n".join(some) + b"\n" * has_newline, LINE_FORMATS["combined"])
    alone = [read(line, LINE_FORMATS["combined"]).requests["at"].tolist() for line in some if line]
    assert together.requests["at"].tolist() == [at for times in alone for at in times]


def long_line(record: Record, more: Sequence[str]) -> bytes:
    return b" ".join([record.line, *(f'"{text}"'.encode() for text in more)])


@given(st.data(), st.integers(2, len(TRAILING)))
def test_any_number_of_quoted_fields_may_trail(data: st.DataObject, count: int) -> None:
    log_format = LogFormat("longer", "", ("request", *TRAILING[:count]))
    more = st.lists(quoted(spaces=True), min_size=count - 2, max_size=count - 2)
    written = data.draw(st.lists(st.tuples(records, more), max_size=5))
    text = b"\n".join(long_line(record, texts) for record, texts in written)
    parsed = read(text, log_format)
    assert parsed.lines == len(parsed.requests) == len(written)
    assert parsed.requests["user_agent"].tolist() == [record.user_agent for record, _ in written]
    for place, name in enumerate(("forwarded", "cookie", "host")):
        expected = [texts[place] if place < len(texts) else "" for _, texts in written]
        assert parsed.requests[name].tolist() == expected
    shorter = read(text, LINE_FORMATS["combined"])
    assert len(shorter.requests) == (0 if count > 2 else len(written))


def test_a_line_that_was_cut_within_its_last_fields_was_cut_short() -> None:
    log_format = LogFormat("longer", "", ("request", "referrer", "user_agent", "forwarded"))
    line = HEAD + TAIL + b' "203.0.113.9"'
    cut = [line[:end] for end in range(len(HEAD), len(line))]
    parsed = read(b"\n".join([line, *cut]), log_format)
    assert parsed.requests["forwarded"].tolist() == ["203.0.113.9"]
    assert set(parsed.rejects["reason"]) == {"cut short"}


@pytest.mark.parametrize(
    ("gpc", "dnt", "opted_out"),
    [("1", "-", True), ("-", "1", True), ("-", "-", False), ("0", "", False), ("11", "0", False)],
)
def test_who_asks_not_to_be_tracked_is_known(gpc: str, dnt: str, opted_out: bool) -> None:
    log_format = LogFormat(
        "private", "", ("request", "referrer", "user_agent", "host", "sec_gpc", "dnt")
    )
    line = HEAD + TAIL + f' "www.example.com" "{gpc}" "{dnt}"'.encode()
    requests = read(line, log_format).requests
    assert requests["opt_out"].tolist() == [opted_out]
    assert requests["host"].tolist() == ["www.example.com"]
    assert requests[["forwarded", "cookie"]].iloc[0].tolist() == ["", ""]


def test_the_virtual_host_in_front_is_the_host() -> None:
    requests = parse(b"www.example.com:443 " + HEAD + TAIL, "combined_vhost").requests
    assert requests["host"].tolist() == ["www.example.com:443"]
    assert requests["opt_out"].tolist() == [False]
