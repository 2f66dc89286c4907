"""W3C extended logs: columns that change, headers that travel, and a real site's half year."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_read_back, assert_same
from tests.clickstream.parse.builders import (
    CLOUDFRONT,
    COLUMNS,
    Record,
    cloudfront_line,
    fields_line,
    w3c_line,
)
from tests.clickstream.parse.strategies import column_orders, w3c_records
from tests.support.examples import many_examples

from clickstream.parse import (
    concat,
    entries,
    event_hours,
    header_after,
    parse,
    parse_blocks,
    read_blocks,
)
from clickstream.parse.w3c import Spaced, split_entry

FIELDS = (
    b"#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status sc-bytes"
)
ENTRY = b"2026-11-20 05:00:00 GET /menu a=1+2 192.0.2.7 Mozilla/5.0+(X11;+Linux) 200 512"
logs = st.lists(
    st.builds(lambda columns, some: (columns, some), column_orders, st.lists(w3c_records)),
    max_size=4,
)


def text_of(log: list[tuple[list[str], list[Record]]]) -> bytes:
    lines = [b"#Software: Microsoft Internet Information Services 10.0"]
    for columns, some in log:
        lines += [b"#Date: 2026-11-20 05:00:00", fields_line(columns)]
        lines += [w3c_line(record, columns) for record in some]
    return b"".join(line + b"\r\n" for line in lines)


@given(logs)
def test_records_are_read_back_whatever_their_columns(
    log: list[tuple[list[str], list[Record]]],
) -> None:
    parsed = parse(text_of(log), "w3c")
    written = [record for _, some in log for record in some]
    assert_read_back(parsed, written)
    assert parsed.directives == 1 + 2 * len(log)


@given(logs, st.data())
def test_a_cut_at_any_line_end_changes_nothing(log: Any, data: st.DataObject) -> None:
    text = text_of(log)
    lines = text.splitlines(keepends=True)
    cut = data.draw(st.integers(0, len(lines)))
    first, second = b"".join(lines[:cut]), b"".join(lines[cut:])
    header = header_after(first, "w3c")
    parts = [parse(first, "w3c"), parse(second, "w3c", cut + 1, header)]
    assert_same(concat(parts), parse(text, "w3c"))
    hours = [*event_hours(first, "w3c"), *event_hours(second, "w3c", header)]
    assert hours == event_hours(text, "w3c").tolist()
    assert header_after(second, "w3c", header) == header_after(text, "w3c")


@given(logs)
def test_each_entry_can_be_read_with_its_header_alone(log: Any) -> None:
    text = text_of(log)
    found = entries(text, "w3c")
    alone = [parse(found.take(np.array([n])), "w3c").requests for n in range(len(found))]
    whole = parse(text, "w3c").requests
    assert len(alone) == len(whole)
    for one, (_, row) in zip(alone, whole.iterrows(), strict=True):
        pd.testing.assert_series_equal(one.iloc[0][1:], row[1:], check_names=False)


def test_the_header_runs_on_from_block_to_block() -> None:
    text = b"\n".join([FIELDS, *[ENTRY] * 5, b"#Date: now", *[ENTRY] * 5])
    cut = [*read_blocks(BytesIO(text), 100)]
    assert len(cut) > 3
    assert_same(concat(parse_blocks(cut, "w3c")), parse(text, "w3c"))


def test_an_entry_of_iis_is_read_field_by_field() -> None:
    row = parse(FIELDS + b"\n" + ENTRY, "w3c").requests.iloc[0]
    assert row["user_agent"] == "Mozilla/5.0 (X11; Linux)"
    assert (row["target"], row["client"]) == ("/menu?a=1+2", "192.0.2.7")
    assert (row["protocol"], row["referrer"], row["line_number"]) == ("", "", 2)


def test_quoted_values_may_hold_spaces_and_quotes() -> None:
    entry = ENTRY.replace(b"Mozilla/5.0+(X11;+Linux)", b'"Moz + ""LG"" x"')
    row = parse(FIELDS + b"\n" + entry, "w3c").requests.iloc[0]
    assert row["user_agent"] == 'Moz + "LG" x'


@given(st.lists(w3c_records, max_size=5), st.sampled_from([1, 2]))
def test_what_cloudfront_codes_once_or_twice_is_read_back(
    written: list[Record], times_coded: int
) -> None:
    assume(times_coded == 2 or not any("%" in record.user_agent for record in written))
    lines = [fields_line(CLOUDFRONT), *(cloudfront_line(r, times_coded) for r in written)]
    assert_read_back(parse(b"\n".join(lines), "w3c"), written)


def test_control_characters_stay_coded_and_a_plus_is_a_plus() -> None:
    header = b"#Fields: date time c-ip cs-uri-stem sc-status cs(User-Agent) x-edge-location\n"
    entry = b"2026-11-20\t05:00:00\t192.0.2.7\t/a%2520b\t200\ta+b%0A%20%2520\tFRA2\n"
    row = parse(header + entry, "w3c").requests.iloc[0]
    assert (row["target"], row["user_agent"]) == ("/a%20b", "a+b%0A %20")


@many_examples
@given(
    st.lists(
        st.lists(st.sampled_from([b"a", b"+", b'"', b" ", b"\t", b"\r", b"\x0b", b"\x00"])).map(
            b"".join
        )
        | st.just(ENTRY)
        | st.just(ENTRY.replace(b" ", b"\t")),
        max_size=6,
    )
)
def test_plain_entries_are_split_as_the_careful_way_splits_them(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    if not data:
        return
    spaced = Spaced(data, 0, 0)
    for line, text in spaced.texts(np.flatnonzero(spaced.is_regular)):
        width = int(spaced.spaces[line]) + 1
        bounds = [spaced.value_bounds(np.array([line]), position) for position in range(width)]
        found = [data[int(start[0]) : int(end[0])] for start, end in bounds]
        assert found == split_entry(text, width)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty line"),
        (ENTRY[:30], "cut short"),
        (ENTRY + b" more", "fields do not fit the format"),
        (ENTRY.replace(b" 200 ", b" OK "), "fields do not fit the format"),
        (ENTRY.replace(b" 512", b" 5.12"), "fields do not fit the format"),
        (ENTRY.replace(b"11-20", b"02-30"), "impossible time"),
        (ENTRY.replace(b"2026-", b"1926-"), "impossible time"),
        (ENTRY.replace(b"05:00:00", b"24:00:00"), "impossible time"),
    ],
)
def test_bad_entry_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    parsed = parse(b"\n".join([FIELDS, ENTRY, line, ENTRY]), "w3c")
    assert parsed.requests["line_number"].tolist() == [2, 4]
    assert parsed.rejects["reason"].tolist() == [reason]


@pytest.mark.parametrize("header", [b"#Version: 1.0", FIELDS.replace(b"c-ip", b"s-ip")])
def test_entries_without_the_columns_that_are_needed_are_refused(header: bytes) -> None:
    parsed = parse(header + b"\n" + ENTRY, "w3c")
    assert parsed.rejects["reason"].tolist() == ["no #Fields line that fits before it"]


def test_order_of_the_columns_is_the_headers_alone() -> None:
    assert set(COLUMNS) >= {"date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status"}
    missing = [c for c in COLUMNS if c != "sc-bytes"]
    assert header_after(fields_line(missing), "w3c") == fields_line(missing) + b"\n"
