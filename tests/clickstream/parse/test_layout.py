"""Lines of combined, common and longer formats: the scan and the strict pattern read them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import HEAD, TAIL, Record
from tests.clickstream.parse.strategies import damaged, lines, logs, quoted, records
from tests.clickstream.parse.trap_lines import READ, REFUSED
from tests.fuzz.reading import as_lines, strictly
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.parse import Format, parse
from clickstream.parse.formats import DECLARED, FORMATS, compile_format
from clickstream.parse.layouts.layout import LineLayout

COMBINED = [name for name in FORMATS if name.startswith(("combined", "common"))]
TRAILING = ("X-Forwarded-For", "Host", "Sec-GPC", "DNT", "Extra")
_STRING = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'


def longer(headers: Sequence[str]) -> Format:
    """Combined, with header fields at the end."""
    return compile_format("longer", " ".join([_STRING, *(f'"%{{{name}}}i"' for name in headers)]))


KNOWN = {
    **{name: FORMATS[name] for name in COMBINED},
    "string": longer(()),
    "longer string": longer(TRAILING[:2]),
    "string with a host": compile_format("hosts", f"%v:%p {_STRING}"),
}
traps = st.sampled_from([line for line, _ in (*READ.values(), *REFUSED.values())])
endings = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\r\n"])
awkward = st.lists(st.builds(bytes.__add__, lines | damaged | traps, endings), max_size=12).map(
    b"".join
)


def assert_read_as_the_pattern_reads(data: bytes, known: Format) -> None:
    """The scan finds the fields that the strict pattern finds in each line by itself."""
    found = as_lines(known.read(data, b""))
    with strictly():
        assert as_lines(known.read(data, b"")) == found


@many_examples
@given(awkward | logs | st.binary(), st.sampled_from([*KNOWN]))
def test_regular_lines_are_read_as_the_pattern_reads_them(data: bytes, name: str) -> None:
    assert_read_as_the_pattern_reads(data, KNOWN[name])


@each_case("name", KNOWN)
@each_case("wrong", [b"", *(bytes([byte]) for byte in b'" \\[]-0aZ/:+\r\x00\xe9')])
def test_a_line_that_is_one_byte_off_is_read_as_the_pattern_reads_it(
    name: str, wrong: bytes
) -> None:
    line = FORMATS[name].example.encode() if name in FORMATS else HEAD + TAIL
    line = b"h:80 " + line if name == "string with a host" else line
    line += b' "203.0.113.9" "h"' if name == "longer string" else b""
    assert as_lines(KNOWN[name].read(line, b""))[0][2] == 200
    replaced = [line[:i] + wrong + line[i + 1 :] for i in range(len(line))]
    inserted = [line[:i] + wrong + line[i:] for i in range(len(line) + 1)]
    assert_read_as_the_pattern_reads(b"\n".join([*replaced, *inserted]), KNOWN[name])


@each_case("name", [*COMBINED, *DECLARED])
def test_the_scan_alone_reads_the_example(name: str) -> None:
    """The strict pattern reads it just as well, but slowly."""
    example = FORMATS[name].example.encode() + b"\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineLayout, "match", lambda *_: None)
        assert len(parse(example * 3, name).requests) == 3


@given(st.lists(records, min_size=1, max_size=6), st.booleans())
def test_the_scan_alone_reads_lines_without_escaped_quotes(
    some: list[Record], has_newline: bool
) -> None:
    written = [replace(record, user="john doe") for record in some]
    plain = [record.line for record in written if b'\\"' not in record.line]
    data = b"\n".join(plain) + b"\n" * has_newline
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineLayout, "match", lambda *_: None)
        requests = parse(data, "combined").requests
    may_be_escape = [index for index, line in enumerate(plain, 1) if b"\\ " in line]
    assert {*range(1, len(plain) + 1)} - {*may_be_escape} <= {*requests["line_number"]}


@each_case("digits", range(1, 20))
def test_a_size_of_any_number_of_digits(digits: int) -> None:
    sizes = [b"9" * digits, b"1234567890123456789"[:digits], b"0" * digits, b"0" * (digits - 1)]
    data = b"\n".join(HEAD + b'"GET /a HTTP/1.1" 200 %b "-" "UA"' % size for size in sizes)
    assert_read_as_the_pattern_reads(data, FORMATS["combined"])
    right = [int(size) for size in sizes if 0 < len(size) <= 18]
    assert parse(data, "combined").requests["bytes"].tolist() == right


USERS = ("-", "john doe", "a [b] c", r"o\"neil", '""', "a [20/Nov/2026:05:00:00 +0000] b")


@each_case("name", KNOWN)
@each_case("user", USERS)
@each_case("escape", [b"", b"\\"])
def test_a_line_that_was_cut_is_known_as_cut(name: str, user: str, escape: bytes) -> None:
    """From where its time begins to its last field, and also inside an escape."""
    start = {"_vhost": "www.example.com 192.0.2.7", "_forwarded": "192.0.2.7, 10.0.0.1"}
    start["host"] = "www.example.com:80 192.0.2.7"
    client = next((text for part, text in start.items() if name.endswith(part)), "192.0.2.7")
    head = f"{client} - {user} [".encode()
    line = head + b'29/Mar/2026:01:59:59 +0100] "GET /a HTTP/1.1" 200 10 "-" "UA"'
    end = line.index(b" 10") if name.startswith("common") else len(line)
    cut = [line[:stop] + escape for stop in range(len(head), end)]
    refused = KNOWN[name].read(b"\n".join(cut), b"").refused
    assert [reason for _, reason, _ in refused] == ["cut short"] * len(cut)


@each_case("name", KNOWN)
@each_case("client", ["192.0.2.7,", "a/b", "(null)", "<script>", "caf\u00e9", "1.2.3.4;", "'"])
def test_a_line_with_another_text_in_the_place_of_the_client_is_foreign(
    name: str, client: str
) -> None:
    rows = KNOWN[name].read(HEAD.replace(b"192.0.2.7", client.encode()) + TAIL, b"")
    assert [reason for _, reason, _ in rows.refused] == ["not an access-log line"]


OTHER_TIME = HEAD.replace(b"29/Mar/2026:01:59:59", b"30/Mar/2026:02:00:00")
IMPOSSIBLE = HEAD.replace(b"29/Mar", b"31/Feb")
neighbours = [
    *(head + TAIL for head in (HEAD, OTHER_TIME, IMPOSSIBLE, HEAD.replace(b" - - ", b" "))),
    *(head + TAIL.replace(b"UA", rb"\"UA\"") for head in (HEAD, OTHER_TIME)),
    *(HEAD + TAIL.replace(b"200", b"2x0"), HEAD + TAIL.replace(b"UA", b"")),
    *(HEAD[:-9], HEAD[13:] + TAIL, b"", HEAD.replace(b"+0100", b"+0200") + TAIL),
]


@given(st.lists(st.sampled_from(neighbours), min_size=1, max_size=8), st.booleans())
def test_a_line_is_read_alike_after_any_other_line(some: list[bytes], has_newline: bool) -> None:
    together = parse(b"\n".join(some) + b"\n" * has_newline, "combined")
    alone = [parse(line, "combined").requests["at"].tolist() for line in some if line]
    assert together.requests["at"].tolist() == [at for times in alone for at in times]


def long_line(record: Record, more: Sequence[str]) -> bytes:
    return b" ".join([record.line, *(f'"{text}"'.encode() for text in more)])


@given(st.data(), st.integers(0, len(TRAILING)))
def test_any_number_of_quoted_fields_may_trail(data: st.DataObject, count: int) -> None:
    more = st.lists(quoted(spaces=True), min_size=count, max_size=count)
    written = data.draw(st.lists(st.tuples(records, more), max_size=5))
    text = b"\n".join(long_line(record, texts) for record, texts in written)
    parsed = parse(text, longer(TRAILING[:count]))
    assert parsed.lines == len(parsed.requests) == len(written)
    assert parsed.requests["user_agent"].tolist() == [record.user_agent for record, _ in written]
    for place, name in enumerate(("forwarded", "host")):
        expected = [texts[place] if place < len(texts) else "" for _, texts in written]
        assert parsed.requests[name].tolist() == expected
    shorter = parse(text, "combined")
    assert len(shorter.requests) == (0 if count else len(written))


@pytest.mark.parametrize(
    ("gpc", "dnt", "opted_out"),
    [("1", "-", True), ("-", "1", True), ("-", "-", False), ("0", "", False), ("11", "0", False)],
)
def test_a_visitor_who_asks_not_to_be_tracked_is_known(gpc: str, dnt: str, opted_out: bool) -> None:
    line = HEAD + TAIL + f' "www.example.com" "{gpc}" "{dnt}"'.encode()
    requests = parse(line, longer(("Host", "Sec-GPC", "DNT"))).requests
    assert requests["opt_out"].tolist() == [opted_out]
    assert requests["host"].tolist() == ["www.example.com"]
    assert requests[["forwarded", "cookie"]].iloc[0].tolist() == ["", ""]


def test_the_virtual_host_in_front_is_the_host() -> None:
    requests = parse(b"www.example.com:443 " + HEAD + TAIL, "combined_vhost").requests
    assert requests["host"].tolist() == ["www.example.com:443"]
    assert requests["opt_out"].tolist() == [False]


def test_addresses_at_the_end_of_a_line_stay_beside_lines_that_begin_with_theirs() -> None:
    known = FORMATS["combined_extended"]
    at_end = known.example
    at_start = at_end.replace("192.0.2.7", "192.0.2.7, 10.0.0.1").replace('"198.51.100.9"', '"-"')
    both = parse(f"{at_end}\n{at_start}\n{at_end}".encode(), known).requests
    assert both["forwarded"].tolist() == ["198.51.100.9", "192.0.2.7, 10.0.0.1", "198.51.100.9"]
    assert both["client"].unique().tolist() == ["192.0.2.7"]


def test_a_first_more_field_without_addresses_is_not_one_of_addresses() -> None:
    line = FORMATS["combined_extended"].example.replace('"198.51.100.9"', '"0.003"')
    assert parse(line.encode(), "combined_extended").requests["forwarded"].tolist() == [""]
