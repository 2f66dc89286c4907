"""Counts, lists and durations in messages read as an English sentence has them."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.logs.builders import line
from tests.support.examples import many_examples

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.core.wording import describe_duration, parse_duration, printable, quantity, shorten
from clickstream.parse import detect
from clickstream.pipeline.backfill.backfill import Progress
from clickstream.pipeline.hour.hour_states import UNBUILT, HourState, describe
from clickstream.pipeline.hour.step_results import Published, StitchedHour
from clickstream.pipeline.pull.host import Pulled
from clickstream.tables import BALANCE

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


@many_examples
@given(st.integers(0, 10**9))
def test_one_is_singular_and_any_other_number_plural(number: int) -> None:
    count, noun = quantity(number, "entry", "entries").split(" ")
    assert int(count.replace(",", "")) == number
    assert noun == ("entry" if number == 1 else "entries")
    assert quantity(number, "hour").endswith("hour" if number == 1 else "hours")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_about_one_have_the_singular(sentence: str) -> None:
    assert "1" in sentence
    assert not WRONG.search(sentence), sentence


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (65, "1 hour 5 minutes"),
        (120, "2 hours"),
        (1440 + 7, "1 day"),
        (3 * 1440 + 60, "3 days 1 hour"),
    ],
)
def test_a_duration_is_named_by_its_two_largest_units(minutes: int, said: str) -> None:
    assert describe_duration(timedelta(minutes=minutes, seconds=59)) == said


@many_examples
@given(st.integers(0, 999_999), st.sampled_from(["m", "h", "d"]))
def test_a_number_with_a_unit_is_read(number: int, unit: str) -> None:
    size = {"m": 60, "h": 3600, "d": 86400}[unit]
    assert parse_duration(f" {number}{unit} ").total_seconds() == number * size


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "-3h", "3s", "three hours"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="write it like 90m, 3h or 2d"):
        parse_duration(text)


@many_examples
@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1)), st.integers(1, 30))
def test_a_list_in_a_message_is_short_and_counts_all_items(items: list[str], shown: int) -> None:
    text = shorten(items, shown)
    named, _, more = text.partition(" and ")
    count = int(more.removesuffix(" more").replace(",", "")) if more else 0
    names = named.split(", ") if items else []
    assert len(names) + count == len(items)
    assert len(names) <= shown + 1
    assert names == items[: len(names)]


def test_a_long_list_reads_like_the_example() -> None:
    assert shorten(range(1420)) == "0, 1, 2 and 1,417 more"
    assert shorten([]) == "none"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("access.log", "access.log"),
        ("Zugriffe für Café.log", "Zugriffe für Café.log"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("red\x1b[31m", "red\\x1b[31m"),
        (os.fsdecode(b"latin-\xe9.log"), "latin-\\xe9.log"),
        ("left\u202eright", "left\\u202eright"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_name_is_shown_without_what_a_terminal_acts_on(name: str, shown: str) -> None:
    assert printable(name) == shown
