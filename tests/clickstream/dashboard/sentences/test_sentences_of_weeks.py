"""Pages of many simulated weeks: how often they claim a change falsely, and how often they see one.

Everything that a page or a mail claims is among its clear changes: without any, it has no colour
and no arrow (`test_a_page_without_a_clear_change_claims_none`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

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
            for one in page.once(find_changes).clear[:1]:
                yield f"{first}: {one.metric} {one.scope}"


def test_weeks_without_events_say_so() -> None:
    assert [*false_alarms(Weeks(weeks=8 + 5, seed=5, visits=2000), "overview")] == []


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_page_without_a_clear_change_claims_none(is_changed: bool) -> None:
    """Of an eventful week, each page that has clear changes claims some."""
    rules = Weeks(weeks=9, seed=6)
    first, last = weeks_to_ask(rules)[-1]
    event = {"first": first, "last": last, "column": "channel", "value": "Email", "times": 4}
    store = (rules.with_event(**event) if is_changed else rules).store()
    for tab in TABS:
        with opened(store, tab, first, last) as page:
            clear = page.once(find_changes).clear
            assert bool(claims_of(html_of(page))) == bool(clear), (tab, clear)
    with opened(store, "overview", first, last) as page:
        mail = html_part(mail_of(build_content(page, Week.of(first))))
        assert bool(claims_of(mail)) == is_changed


def contradictions(page: PageContext, week: Week) -> Iterator[str]:
    """What a page says of a number in one place and not in another one."""
    changes, findings = page.once(find_changes), find_sentences(page)
    tiles = {one.metric.name: one for one in build_tiles(page, ask_course(page, "day"))}
    said = [one.text for one in findings.sentences]
    mail = build_content(page, week)
    if [one.text for one in mail.findings.sentences] != said or mail.findings.reason != (
        findings.reason
    ):
        yield "The mail has other sentences."
    if {row.name: row.note for row in mail.figures} != {n: t.hint for n, t in tiles.items()}:
        yield "The mail has other words beside its figures."
    for name, tile in tiles.items():
        one, words = changes.find(name), tile.hint.rpartition(" · ")[2]
        direction = tile.change.direction if tile.change else "same"
        if one is None:
            continue
        if (direction != "same") != one.is_clear or (direction == "up") != (one.verdict == "more"):
            yield f"{name}: {one.verdict} has the arrow {direction}."
        label = tile.metric.label.lower()
        is_listed = re.search(
            rf"(as usual|no clear change|can't tell yet): [^;.]*{label}", findings.reason
        )
        if is_listed and not re.search(is_listed[1].replace("no clear change", "clear"), words):
            yield f"{name}: {words!r} beside {findings.reason!r}."
        for text in said:
            whole = re.match(
                {"visits": "There were [^;]* visits, ", "net_sales": "Net sales were "}.get(
                    name, "$"
                ),
                text,
            )
            if whole and not one.is_clear:
                yield f"{name}: {words!r} beside {text!r}."
            part = re.match(
                {"visits": "[^;]* visits? (came|began|were)", "net_sales": "Net sales through"}.get(
                    name, "$"
                ),
                text,
            )
            if part and not one.is_clear and f"in all: {words}" not in text:
                yield f"{name}: {words!r} is not beside {text!r}."


def pages_without_contradiction(number: int, seed: int) -> list[str]:
    """Ask pages of shops of several sizes and ages, in weeks with and without an event."""
    rng, found = Random(seed), []
    for place in range(number // 4):
        weeks = rng.choice([2, 3, 4, 6, 9])
        rules = Weeks(weeks=weeks, seed=seed + place, visits=rng.choice([120.0, 600.0, 4000.0]))
        first, last = weeks_to_ask(rules, history=0)[-1]
        event = {"first": first, "last": last, "column": "channel"}
        if place % 3:
            times = rng.choice([0.2, 0.6, 1.5, 3.0])
            rules = rules.with_event(**event, value=rng.choice(CHANNELS), times=times)
        store = rules.store()
        for length in rng.sample([1, 3, 7, 7, 14], 4):
            begin = last - timedelta(days=length - 1)
            with opened(store, "overview", begin, last) as page:
                found += [f"{rules}: {one}" for one in contradictions(page, Week.of(first))]
    return found


def test_tiles_sentences_and_the_mail_do_not_contradict_each_other() -> None:
    assert pages_without_contradiction(12, seed=100) == []


@pytest.mark.deep
def test_many_pages_do_not_contradict_themselves() -> None:
    assert pages_without_contradiction(500, seed=1000) == []


@pytest.mark.parametrize("weeks", [1, 2, 4, 10])
def test_a_number_is_called_usual_only_by_an_interval_and_open_ones_name_it(weeks: int) -> None:
    """A number that is not compared has no words, and each one its plain change where it can."""
    rules = Weeks(weeks=weeks, seed=7, visits=600)
    first, last = weeks_to_ask(rules, history=0)[-1]
    store = rules.store()
    with opened(store, "overview", first, last) as page:
        changes = page.once(find_changes)
        tiles = build_tiles(page, ask_course(page, "day"))
    assert bool(changes.days) == (weeks > 1)
    for tile in tiles:
        one = changes.find(tile.metric.name)
        assert bool(tile.change) == bool(one), tile.metric.name
        assert tile.metric.name == "visitors" or bool(tile.before) == (weeks > 1)
        if one and not one.is_clear:
            assert tile.change
            assert tile.change.direction == "same"
            band = 0.2 if one.verdict == "usual" else 1e9
            assert -band < one.compared.low <= one.compared.high < band
            assert ("can't tell yet" in tile.hint) == (one.verdict == "unknown")
            assert (one.verdict == "unknown") <= (weeks < 9)
            assert "between −" in tile.hint or "between +" in tile.hint


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
            verdicts.setdefault(key, set()).add(one.verdict)
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
            assert changes.days
            mover = explain(page, changes.days, whole, changes).mover
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
