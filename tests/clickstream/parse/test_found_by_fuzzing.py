"""What the fuzzer has found: one case of each family, small enough to be read."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests.fuzz.reading import check_reading

from clickstream.parse import FORMATS, compile_format, parse

AT = "[20/Nov/2026:05:00:00 +0000]"


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
