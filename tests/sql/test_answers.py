"""The demo's answers name what they count, the steps of the funnel and the hours they are from."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from tests.sql.conftest import FIRST, LAST

from clickstream.core.hours import Hour, HourSpan
from clickstream.demo.answers import show_answers, show_balance, show_first_answers
from clickstream.lake import Lake, hour_ledger


def shown(lake: Lake, first: Hour = FIRST, last: Hour = LAST, width: int = 160) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width)
    show_answers(lake, console)
    show_balance(lake, HourSpan(first, last), console)
    return out.getvalue()


def test_steps_of_the_funnel_have_the_names_of_the_settings(lake: Lake) -> None:
    names = [step.name for step in lake.settings.funnel]
    rows = re.findall(r"^ *(\d+) {2,}([a-z ]+?) +\d+ +\d+ *$", shown(lake), re.MULTILINE)
    assert rows
    assert rows == [(str(number), name) for number, name in enumerate(names[: len(rows)], 1)]


def test_no_heading_is_cut_on_a_terminal_of_80_columns(lake: Lake) -> None:
    assert "…" not in shown(lake, width=80)


def test_requests_of_bots_are_called_so(lake: Lake) -> None:
    text = shown(lake)
    assert "bot_requests" in text
    assert re.search(r"[\d,]+ lines in 3 hours = [\d,]+ page requests, ", text)
    assert re.search(r", [\d,]+ bot requests, ", text.replace("\n", " "))


def test_one_hour_is_in_the_singular(lake: Lake) -> None:
    text = shown(lake, FIRST, FIRST)
    assert " in 1 hour = " in text
    assert not re.search(r"\b(?<![\d,.])1 \w+s\b", text.rpartition(" = ")[2])


@pytest.mark.parametrize(
    ("published", "ranges"),
    [
        ([0, 1, 2, 30], "2026-11-20T22 to 2026-11-21T00 (3 hours), 2026-11-22T04"),
        ([5], "2026-11-21T03"),
        ([0, 1], "2026-11-20T22 to 2026-11-20T23 (2 hours)"),
    ],
)
def test_first_answers_say_which_hours_they_are_from(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, published: list[int], ranges: str
) -> None:
    found = {FIRST.plus(number) for number in published}
    monkeypatch.setattr(hour_ledger, "published_hours", lambda *_: found)
    out = io.StringIO()
    show_first_answers(lake, HourSpan(FIRST, FIRST.plus(47)), Console(file=out, width=160))
    assert f"First results, from {ranges}. " in out.getvalue()
