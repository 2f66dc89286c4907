"""Lines that parsers get wrong: each is read exactly, or refused for the reason given."""

import random

import pandas as pd
from tests.clickstream.parse.builders import HEAD, TAIL
from tests.clickstream.parse.trap_lines import READ, REFUSED
from tests.support.cases import each_case

from clickstream.parse import parse
from clickstream.parse.line_patterns import REASONS


@each_case("name", READ)
def test_hard_line_is_read_exactly(name: str) -> None:
    line, expected = READ[name]
    parsed = parse(line + b"\n", "combined")
    assert parsed.rejects.empty
    row = parsed.requests.iloc[0]
    assert {key: None if pd.isna(row[key]) else row[key] for key in expected} == expected


@each_case("name", REFUSED)
def test_bad_line_is_refused_with_its_reason(name: str) -> None:
    line, reason = REFUSED[name]
    parsed = parse(line + b"\n", "combined")
    assert parsed.requests.empty
    assert parsed.rejects["reason"].tolist() == [reason]
    assert reason in REASONS


def test_every_line_keeps_to_itself_among_all_the_others() -> None:
    """No line, however broken, changes what its neighbours are read as."""
    lines = [line for line, _ in READ.values()] + [line for line, _ in REFUSED.values()]
    mixed = random.Random(1).sample(lines, len(lines))
    parsed = parse(b"\n".join(mixed) + b"\n", "combined")
    alone = {line: parse(line + b"\n", "combined").requests for line in lines}
    assert len(set(mixed)) == len(lines) == parsed.lines
    for _, row in parsed.requests.iterrows():
        expected = alone[mixed[row["line_number"] - 1]].iloc[0]
        pd.testing.assert_series_equal(row[1:], expected[1:], check_names=False)


def test_common_lines_have_no_referrer_and_combined_ones_are_refused() -> None:
    data = HEAD + b'"GET /a HTTP/1.0" 301 -\r\n' + HEAD + TAIL + b"\n" + HEAD + b'"-" 408 12'
    parsed = parse(data, "common")
    assert parsed.requests["line_number"].tolist() == [1, 3]
    assert parsed.requests["bytes"].tolist() == [pd.NA, 12]
    assert (parsed.requests[["referrer", "user_agent"]] == "").all(axis=None)
    assert parsed.rejects["reason"].tolist() == ["fields do not fit the format"]


def test_clocks_that_are_put_forward_and_back_within_a_file() -> None:
    """Each line's own offset counts: 02:30 comes never on one day and twice on another."""
    times = (
        *("29/Mar/2026:01:59:59 +0100", "29/Mar/2026:03:00:00 +0200"),
        *("25/Oct/2026:02:30:00 +0200", "25/Oct/2026:02:30:00 +0100"),
    )
    lines = [b"192.0.2.7 - - [%b] %b" % (time.encode(), TAIL) for time in times]
    at = parse(b"\n".join(lines), "combined").requests["at"]
    assert at.diff().iloc[[1, 3]].tolist() == [pd.Timedelta(seconds=1), pd.Timedelta(hours=1)]
    assert at.iloc[0] == pd.Timestamp("2026-03-29 00:59:59")
