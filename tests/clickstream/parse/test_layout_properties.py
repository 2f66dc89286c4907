"""Any format string: what its server writes is read back, and the scan is only a faster pattern."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import lines_of
from tests.clickstream.parse.builders import Record
from tests.clickstream.parse.strategies import Written, logs, plain_records, written_formats
from tests.support.cases import each_case

from clickstream.parse import parse
from clickstream.parse.formats import DECLARED, compile_format
from clickstream.parse.layouts.format_strings import layout_of
from clickstream.parse.layouts.layout import LineLayout
from clickstream.parse.layouts.layout_rows import read
from clickstream.parse.line_patterns import IMPOSSIBLE_TIME, REASONS
from clickstream.parse.wrappers import unwrap

SPECIAL = [b"", *(bytes([byte]) for byte in b'" \\[]{}-:,0aZ/|+\t\r\x00\xe9')]


@given(written_formats, st.lists(plain_records, max_size=4))
def test_a_record_that_was_written_is_read_back(written: Written, records: list[Record]) -> None:
    data = b"".join(written.line(record) + b"\n" for record in records)
    parsed = parse(data, compile_format("mine", written.text))
    assert parsed.rejects.empty
    for record, row in zip(records, parsed.requests.itertuples(), strict=True):
        whole_minutes = "%R" in written.text
        at = record.utc.replace(second=0) if whole_minutes else record.utc
        assert row.at == at
        assert pd.isna(row.bytes) if record.size is None else row.bytes == record.size
        assert (row.method, row.target, row.protocol) == (
            record.method,
            record.target,
            record.protocol,
        )
        assert (row.client, row.status) == (record.client, record.status)
        for name in ("referrer", "user_agent"):
            assert getattr(row, name) == (getattr(record, name) if name in written.has else "")


def assert_read_as_the_patterns_read(data: bytes, layouts: Sequence[LineLayout]) -> None:
    rows = read(data, layouts)
    read_lines = rows.line.tolist()
    refused = {index: (reason, line) for index, reason, line in rows.refused}
    lines = lines_of(data)
    assert rows.lines == len(lines) == len(read_lines) + len(refused)
    for index, line in enumerate(lines):
        found = next((m for layout in layouts if (m := layout.match(line)) is not None), None)
        if index in refused:
            reason, refused_line = refused[index]
            assert refused_line == line
            assert reason in REASONS
            assert (found is not None) == (reason == IMPOSSIBLE_TIME)
            continue
        assert found is not None, line
        row = read_lines.index(index)
        status = found["status"]
        assert rows.status[row] == (int(status) if status.isdigit() else 0)
        size = found.get("size", b"-")
        assert rows.size[row] == (int(size) if size.isdigit() else -1)
        for name in found.keys() & rows.texts.keys() - {"target"}:
            text = rows.texts[name]
            assert text.values[text.codes[row]].as_py() == found[name]


@given(written_formats, st.lists(plain_records, max_size=3), st.data())
def test_the_scan_agrees_with_the_strict_pattern(
    written: Written, records: list[Record], draw: st.DataObject
) -> None:
    """Lines with a byte or two replaced, dropped or doubled somewhere, among others."""
    lines = [written.line(record) for record in records]
    for _ in range(draw.draw(st.integers(0, 4)) if lines else 0):
        line = draw.draw(st.sampled_from(lines))
        place = draw.draw(st.integers(0, len(line)))
        wrong = draw.draw(st.sampled_from(SPECIAL) | st.binary(max_size=2))
        lines.append(line[:place] + wrong + line[place + draw.draw(st.integers(0, 3)) :])
    data = b"\n".join([*lines, draw.draw(logs)])
    assert_read_as_the_patterns_read(data, [layout_of("mine", written.text)])


@given(st.binary() | logs, st.sampled_from(sorted(DECLARED)))
def test_any_bytes_are_rows_and_refused_lines(data: bytes, name: str) -> None:
    layouts = [layout_of(name, text) for text in DECLARED[name].strings]
    assert_read_as_the_patterns_read(data, layouts)


AT = "[20/Nov/2026:05:00:00 +0000]"
ODD = {
    "bare request": ("%h %l %u %t %r %>s %b", f"192.0.2.7 - a {AT} GET /a HTTP/1.1 200 5"),
    "list first": (
        '%{X-Forwarded-For}i %l %u %t "%m %U%q %H" %>s',
        f'192.0.2.7, 192.0.2.8 - a {AT} "GET /a b?c HTTP/1.1" 200',
    ),
    "list last": (
        '%t %s "%r" %h %{X-Forwarded-For}i',
        f'{AT} 200 "GET /a HTTP/1.1" 192.0.2.7 10.0.0.1, 10.0.0.2',
    ),
    "agent last": ("%h %{sec}t %U %s %{User-Agent}i", "192.0.2.7 1795150800 /a 200 A, B (c : d)"),
    "bars": ("%h|%t|%r|%s|%b|%{User-Agent}i", f"192.0.2.7|{AT}|GET /a HTTP/1.1|200|-|A (b)"),
    "single quotes": (
        "$remote_addr;'$http_user_agent';$msec;$request_uri;$status",
        "192.0.2.7;'A (b)';1795150800.123;/a;200",
    ),
    "servers": (
        "$upstream_addr $host $remote_addr [$time_local] $request_uri $status",
        f"10.0.0.1:80, 10.0.0.2:80 : unix:/a h 192.0.2.7 {AT} /a 200",
    ),
    "open end": (
        "{client} [{time:%d/%b/%Y:%T %z}] {} {target} {status} {size}{rest}",
        f"192.0.2.7 {AT} GET /a 200 5 and more",
    ),
    "beyond ASCII": ("%h · %t→%U\u2003%s · %b", f"192.0.2.7 · {AT}→/a\u2003200 · -"),
    "half a time": ("%h %t %{%T}t %U %s", f"192.0.2.7 {AT} 06:00:00 /a 200"),
    "named host": ("%v:%p %h %t %U %s", f"h:80 192.0.2.7 {AT} /a 200"),
    "one quote between": ('"%r"%{Referer}i"%s %t %h', f'"GET /a HTTP/1.1"-"200 {AT} 192.0.2.7'),
}


@each_case("name", [*DECLARED, *ODD])
def test_the_scan_agrees_on_every_line_that_is_one_byte_off(name: str) -> None:
    if name in ODD:
        layouts, line = [layout_of(name, ODD[name][0])], ODD[name][1].encode()
    else:
        layouts = [layout_of(name, text) for text in DECLARED[name].strings]
        line = DECLARED[name].example.encode()
    assert any(layout.match(line) for layout in layouts)
    off = [
        line[:place] + wrong + line[place + dropped :]
        for number, wrong in enumerate(SPECIAL)
        for place in range(len(line) + 1)
        for dropped in [(number + place) % 2]  # a byte is replaced or inserted at each place
    ]
    whole = [line for line in off if unwrap(line) == line]  # none of a line inside of another
    assert_read_as_the_patterns_read(b"\n".join(whole), layouts)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_backslash_at_the_end_escapes_nothing(end: bytes) -> None:
    text, line = ODD["bars"]
    rows = read(line.encode() + b"\\" + end, [layout_of("mine", text)])
    assert len(rows.refused) == 1


@pytest.mark.parametrize("name", DECLARED)
def test_a_line_that_was_cut_is_known_as_cut(name: str) -> None:
    """From where its time begins; before, it could be anything."""
    line = DECLARED[name].example.encode()
    for stop in range(line.index(b"2026") or 1, line.index(b'"GET') + 9, 7):
        assert [*parse(line[:stop], name).rejects["reason"]] == ["cut short"], line[:stop]


@pytest.mark.parametrize("name", DECLARED)
def test_no_line_changes_what_its_neighbours_are_read_as(name: str) -> None:
    line = DECLARED[name].example.encode()
    for broken in (line[: len(line) // 2], line.replace(b'"GET', b'"G"ET'), b'"', b"", b"\\"):
        parsed = parse(b"\n".join([line, broken, line]), name)
        assert parsed.requests["line_number"].tolist() == [1, 3]
        assert len(parsed.rejects) == 1
