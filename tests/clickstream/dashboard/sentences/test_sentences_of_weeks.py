"""Sentences of many simulated weeks: how often they are false, and how often they see a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.week_facts import Weeks, weeks_to_ask

from clickstream.dashboard.questions.view import Tab, View
from clickstream.dashboard.sentences import Findings, find_sentences

NUMBER = 200
MOST_FALSE = 0.05
"""Share of the weeks without events that may have a sentence."""

PLANTED = 20


def findings_of(store: FactStore, tab: Tab, first: date, last: date) -> Findings:
    """What a page says of whole days, asked the day after."""
    now = datetime(last.year, last.month, last.day) + timedelta(days=1, hours=3)
    with page_of(store, View(tab).with_days(first, last), now=now) as page:
        return find_sentences(page)


def false_alarms(rules: Weeks, tab: Tab, days: int = 7) -> Iterator[str]:
    store = rules.store()
    for first, _ in weeks_to_ask(rules)[: NUMBER - days // 7 + 1]:
        findings = findings_of(store, tab, first, first + timedelta(days=days - 1))
        if findings.sentences:
            yield f"{first}: {findings.sentences[0].text}"


def test_weeks_without_events_say_so() -> None:
    alarms = list(false_alarms(Weeks(weeks=NUMBER // 2 + 8, seed=5), "overview"))
    assert len(alarms) <= MOST_FALSE * NUMBER / 2, alarms


def share_found(rules: Weeks, tab: Tab, channel: str, times: float) -> float:
    """The share of planted weeks whose sentences name the channel."""
    asked = weeks_to_ask(rules)[::9][:PLANTED]
    for first, last in asked:
        rules = rules.with_event(
            first=first, last=last, column="channel", value=channel, times=times
        )
    store = rules.store()
    texts = [
        " ".join(one.text for one in findings_of(store, tab, *week).sentences) for week in asked
    ]
    return sum(channel in text for text in texts) / len(asked)


def test_a_channel_that_brings_a_quarter_more_is_found_in_most_weeks() -> None:
    rules = Weeks(weeks=8 + 9 * PLANTED, seed=11)
    assert share_found(rules, "overview", "Organic Search", 1.25) > 0.5


@pytest.mark.deep
@pytest.mark.parametrize("tab", ["overview", "visitors", "marketing", "orders", "places", "trust"])
@pytest.mark.parametrize(("seed", "visits"), [(1, 1500.0), (2, 4000.0), (3, 16000.0)])
def test_weeks_of_every_size_without_events_say_so(tab: Tab, seed: int, visits: float) -> None:
    alarms = list(false_alarms(Weeks(weeks=NUMBER + 8, seed=seed, visits=visits), tab))
    assert len(alarms) <= MOST_FALSE * NUMBER, alarms


@pytest.mark.deep
def test_restless_weeks_and_ranges_of_other_lengths_without_events_say_so() -> None:
    restless = Weeks(weeks=NUMBER + 8, seed=4, daily=0.1, slow=0.06)
    assert len(list(false_alarms(restless, "overview"))) <= MOST_FALSE * NUMBER
    for days in (1, 28):
        alarms = list(false_alarms(Weeks(weeks=NUMBER + 8, seed=days), "overview", days))
        assert len(alarms) <= MOST_FALSE * NUMBER, alarms


@pytest.mark.deep
@pytest.mark.parametrize(
    ("times", "least"), [(0.6, 0.9), (0.75, 0.5), (1.25, 0.5), (1.5, 0.95), (3.0, 1.0)]
)
def test_larger_changes_are_found_more_often(times: float, least: float) -> None:
    rules = Weeks(weeks=8 + 9 * PLANTED, seed=12)
    assert share_found(rules, "marketing", "Organic Search", times) >= least
