"""A count of one stands with the singular, wherever the command line prints it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.report.small_log import line

from clickstream.hours import Hour
from clickstream.parse import detect
from clickstream.pipeline import Pulled, describe
from clickstream.pipeline.backfill import UNBUILT, HourState, Progress
from clickstream.pipeline.results import Published, StitchedHour
from clickstream.tables import BALANCE
from clickstream.wording import quantity

HOUR = Hour.parse("2026-11-20T05")
WRONG = re.compile(
    r"(?<![\d,.T:-])1 (new |whole |client |session |page |raw |bot |other )?"
    r"(hours|days|lines|files|rows|hits|parts|requests|bots|addresses|codes|objects|sessions)\b"
)
ONE = dict.fromkeys(BALANCE, 1)
PUBLISHED = Published(str(HOUR), 1, 1, 1, 1, "new")
SENTENCES = [
    StitchedHour(
        *(str(HOUR), "", "", "", 1, "", "", None),
        lines=1,
        rejected=1,
        balance=ONE,
        hits=1,
        session_parts=1,
        carry_in="",
        carry_out="",
    ).sentence,
    PUBLISHED.sentence,
    Pulled("web", 1, 1, 9, [str(HOUR)], [], ["web/x"]).sentence,
    describe([HourState(HOUR, 1, UNBUILT, "not built yet")]),
    Progress(PUBLISHED, 1, 1, 2000, 1.0).sentence,
    detect(line("192.0.2.1", "05:00:00", "/").encode()).sentence,
]


@given(st.integers(0, 10**9))
def test_one_is_singular_and_any_other_number_plural(number: int) -> None:
    count, noun = quantity(number, "entry", "entries").split(" ")
    assert int(count.replace(",", "")) == number
    assert noun == ("entry" if number == 1 else "entries")
    assert quantity(number, "hour").endswith("hour" if number == 1 else "hours")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_of_one(sentence: str) -> None:
    assert "1" in sentence
    assert not WRONG.search(sentence), sentence
