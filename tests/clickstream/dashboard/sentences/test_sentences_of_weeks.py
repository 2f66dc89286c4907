"""Pages of many simulated weeks: how often they claim a change falsely, and how often they see one.

Everything that a page or a mail claims is among its likely changes: without any, it has no colour,
no arrow and no sentence (`test_a_page_without_a_likely_change_claims_none`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.mail.mails import html_part, mail_of
from tests.clickstream.dashboard.rendered import claims_of, html_of, page_of
from tests.clickstream.dashboard.week_facts import Weeks, weeks_to_ask
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.changes.candidates import Scope
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.mail.content import build_content
from clickstream.dashboard.mail.week import Week
from clickstream.dashboard.pages.overview.tiles import build_tiles
from clickstream.dashboard.sentences import Findings, find_sentences
from clickstream.dashboard.sentences.causes import explain
from clickstream.dashboard.widgets.course import ask_course
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import GoalSettings, Settings
from clickstream.settings.sections import FunnelStepSettings

SETTINGS = with_sales(
    Settings(
        goals={"order": GoalSettings(page="/thanks")},
        funnel=tuple(FunnelStepSettings(name=f"Step {n}", page=f"/page-{n}") for n in (1, 2, 3)),
    ),
    Path("/srv"),
    ("shop",),
)
NUMBER = 200
MOST_FALSE = 0.05
"""Share of the weeks without events that may have a sentence."""

PLANTED = 20
CHANNELS = ["Email", "Organic Search", "Direct", "Paid Search"]


@contextmanager
def opened(store: FactStore, tab: Tab, first: date, last: date) -> Iterator[PageContext]:
    """A page of whole days, asked the day after."""
    now = datetime(last.year, last.month, last.day) + timedelta(days=1, hours=3)
    view = View(tab).with_days(first, last)
    with page_of(store, view, now=now, settings=SETTINGS) as page:
        yield page


def findings_of(store: FactStore, tab: Tab, first: date, last: date) -> Findings:
    with opened(store, tab, first, last) as page:
        return find_sentences(page)


def false_alarms(rules: Weeks, tab: Tab, days: int = 7) -> Iterator[str]:
    store = rules.store()
    for first, _ in weeks_to_ask(rules)[: NUMBER - days // 7 + 1]:
        with opened(store, tab, first, first + timedelta(days=days - 1)) as page:
            for one in page.once(find_changes).likely[:1]:
                yield f"{first}: {one.metric} {one.scope}"


def test_weeks_without_events_say_so() -> None:
    assert [*false_alarms(Weeks(weeks=8 + 5, seed=5, visits=2000), "overview")] == []


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_page_without_a_likely_change_claims_none(is_changed: bool) -> None:
    """Of an eventful week, each page that has likely changes claims some."""
    rules = Weeks(weeks=9, seed=6)
    first, last = weeks_to_ask(rules)[-1]
    event = {"first": first, "last": last, "column": "channel", "value": "Email", "times": 4}
    store = (rules.with_event(**event) if is_changed else rules).store()
    for tab in TABS:
        with opened(store, tab, first, last) as page:
            likely = page.once(find_changes).likely
            assert bool(claims_of(html_of(page))) == bool(likely), (tab, likely)
    with opened(store, "overview", first, last) as page:
        mail = html_part(mail_of(build_content(page, Week.of(first))))
        assert bool(claims_of(mail)) == is_changed


@pytest.mark.parametrize("weeks", [2, 4, 9])
def test_a_change_that_is_not_clear_is_shown_and_never_called_usual(weeks: int) -> None:
    """With its size, by the usual value beside it; a number that is not compared has no words."""
    rules = Weeks(weeks=weeks, seed=7, visits=600)
    first, last = weeks_to_ask(rules, history=0)[-1]
    store = rules.store()
    for tab in TABS:
        with opened(store, tab, first, last) as page:
            changes, html = page.once(find_changes), html_of(page)
            mail = html_part(mail_of(build_content(page, Week.of(first))))
            tiles = build_tiles(page, ask_course(page, "day"))
        for text in (html, mail):
            assert "as usual" not in text
            assert "nothing unusual" not in text.lower()
            assert bool(re.search(r"no clear change|not clear\b", text.lower())) <= bool(
                changes.weeks
            )
        for tile in tiles:
            one = changes.find(tile.metric.name)
            assert bool(tile.change) == bool(one), tile.metric.name
            if one and changes.verdict(one) == "unclear":
                assert tile.change
                assert tile.change.text[0] in "+−0"
                assert "no clear change" in tile.hint


def test_a_number_has_the_same_verdict_on_every_page() -> None:
    rules = Weeks(weeks=9, seed=6, visits=2000)
    first, last = weeks_to_ask(rules)[-1]
    event = {"first": first, "last": last, "column": "channel", "value": "Email", "times": 2}
    store = rules.with_event(**event).store()
    verdicts: dict[tuple[str, Scope, bool], set[str]] = {}
    for tab in TABS:
        with opened(store, tab, first, last) as page:
            changes = page.once(find_changes)
        for one in changes.candidates:
            key = one.metric, one.scope, one.is_beside_others
            verdicts.setdefault(key, set()).add(changes.verdict(one))
    assert {"more"} in verdicts.values()
    assert [key for key, found in verdicts.items() if len(found) > 1] == []


def causes_found(
    pairs: bool, channels: Sequence[str], seed: int, visits: float = 4000
) -> tuple[int, int]:
    """Plant a cause in a week of each store, and return how many are named, and how many causes.

    A cause is the visits of a channel, or those of a channel on a device.
    """
    named = hits = 0
    for place, channel in enumerate(channels):
        rules = Weeks(weeks=9, seed=seed + place, visits=visits)
        first, last = weeks_to_ask(rules)[0]
        device = ["mobile", "desktop"][place % 2]
        scope: Scope = (("channel", channel), *([("device", device)] if pairs else ()))
        other = {"other_column": "device", "other_value": device} if pairs else {}
        event = {"first": first, "last": last, "column": "channel", "value": channel, "times": 3}
        with opened(rules.with_event(**event, **other).store(), "overview", first, last) as page:
            changes = page.once(find_changes)
            whole = changes.find("visits")
            assert whole
            assert changes.weeks
            mover = explain(page, changes.weeks, whole, changes).mover
        named += mover is not None
        hits += mover is not None and sorted(mover.scope) == sorted(scope)
    return hits, named


def test_the_cause_of_a_change_is_named_exactly() -> None:
    assert causes_found(pairs=True, channels=CHANNELS[:2], seed=30, visits=2000) == (2, 2)


@pytest.mark.deep
@pytest.mark.parametrize("pairs", [False, True])
def test_causes_are_named_with_an_f1_of_seven_tenths(pairs: bool) -> None:
    channels = CHANNELS * 10
    hits, named = causes_found(pairs, channels, seed=200)
    assert 2 * hits / (named + len(channels)) >= 0.7, (hits, named)


def share_found(rules: Weeks, tab: Tab, channel: str, times: float) -> float:
    """The share of planted weeks, one of each nine, whose sentences name the channel."""
    asked = weeks_to_ask(rules)[::9]
    for first, last in asked:
        rules = rules.with_event(
            first=first, last=last, column="channel", value=channel, times=times
        )
    store = rules.store()
    texts = [
        " ".join(one.text for one in findings_of(store, tab, *week).sentences) for week in asked
    ]
    return sum(channel in text for text in texts) / len(asked)


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
