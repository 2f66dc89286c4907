"""What the fuzzer has found: one case of each family, small enough to be read."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.fuzz.reading import check_reading

from clickstream.clean.referrers import named_source
from clickstream.core.networks import NetworkSet, address_in, client_address
from clickstream.parse import parse, parse_blocks
from clickstream.parse.formats import FORMATS, compile_format

AT = "[20/Nov/2026:05:00:00 +0000]"
LONG = 1_000_000


@pytest.mark.parametrize("between", ["\xa0", "é", "\u2003", "→"])
def test_a_word_that_ends_at_a_byte_of_no_character(between: str) -> None:
    """A head like this was given to RE2 as text, which it is not."""
    known = compile_format("mine", f'%h{between}%l %u %t "%r" %>s %b')
    line = f'192.0.2.7{between}- - {AT} "GET /a HTTP/1.1" 200 5'.encode()
    check_reading(b"\n".join([line, line.replace(b"GET", b'\\"'), line[:-30]]), known)
    assert parse(line, known).requests["client"].tolist() == ["192.0.2.7"]


def test_a_client_right_before_the_time_is_one_word() -> None:
    """As users do, it could hold spaces, if the line was odd enough for the strict pattern."""
    for name, line in (
        (FORMATS["haproxy"], f"Nov 20 05:00:00 web haproxy[7]: {FORMATS['haproxy'].example}"),
        (compile_format("mine", '%h %t "%r" %s'), f'192.0.2.7 {AT} "GET /a HTTP/1.1" 200'),
    ):
        odd = line.replace("GET /", r"GET /\"")
        check_reading(f"{line}\n{odd}\na {odd}".encode(), name)
        assert parse(odd.encode(), name).requests["client"].tolist() == ["192.0.2.7"]


@pytest.mark.parametrize("text", [":" * LONG + "x", "." * LONG, "[" + ":" * LONG])
def test_a_long_text_of_little_sense_takes_no_longer_than_its_length_asks(text: str) -> None:
    """Colons of an address were counted anew from each of them on, and so were a host's labels."""
    assert address_in(text) is None
    assert named_source(text) is None
    assert client_address("192.0.2.7", text, NetworkSet.of(["192.0.2.7"])) == "192.0.2.7"


def test_a_log_that_changes_its_format_every_few_lines() -> None:
    """Each change cost as much as a frame; and heads that are none could not be joined."""
    examples = [FORMATS[name].example.encode() + b"\n" for name in ("combined_vhost", "elb")]
    log = b"".join([examples[0] * 3, examples[1] * 3, b"odd\n"]) * 30
    [parsed] = parse_blocks([log], "combined_vhost", may_change=True)
    assert parsed.requests["line_number"].tolist() == [n for n in range(1, 211) if n % 7]
    assert parsed.rejects["line_number"].tolist() == [*range(7, 211, 7)]


def test_a_leap_second_in_json_stays_in_its_minute() -> None:
    line = FORMATS["json"].example.replace("05:00:00Z", "05:59:60.7+00:00")
    assert parse(line.encode(), "json").requests["at"].tolist() == [
        pd.Timestamp("2026-11-20 05:59:59")
    ]
