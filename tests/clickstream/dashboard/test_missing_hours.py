"""What the pages and `clickstream status` say about missing hours agrees, in any lake."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, PublishedHour, Visit, fact_tables
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of

from clickstream.core.hours import Hour, hour_range
from clickstream.dashboard.ask.view import TABS, View
from clickstream.lake.pull_states import PullState
from clickstream.pipeline.proof import freshness
from clickstream.pipeline.proof.freshness import (
    Freshness,
    FreshnessLimits,
    LakeRecords,
    measure_freshness,
)

START = Hour.parse("2026-11-10T00")
DAYS = 3
END = START.plus(24 * DAYS)
LONDON = ZoneInfo("Europe/London")
NOTHING = {"page_requests": 0}


@dataclass(frozen=True)
class AnyLake:
    """Published hours of three days, and a time at which they are read."""

    hours: Sequence[PublishedHour]
    now: datetime

    def view(self, tab: str) -> View:
        first, last = START.start.date(), END.previous.start.date()
        return View(tab=tab, compare="none").with_days(first, last)

    @cached_property
    def store(self) -> FactStore:
        noon = [Visit(hour.hour_at) for hour in self.hours if sum(hour.kinds.values())][:1]
        return FactStore(fact_tables(noon, self.hours))

    def text(self, tab: str) -> str:
        with page_of(self.store, self.view(tab), now=self.now) as page:
            return " ".join(texts_of(html_of(page)))

    def status(self) -> Freshness:
        published = {
            Hour.at(one.hour_at): freshness.PublishedHour(
                one.hour_at.replace(tzinfo=UTC),
                "test",
                is_current=True,
                lines=sum(one.kinds.values()),
                lacks=(one.missing,) if one.missing else (),
            )
            for one in self.hours
        }
        pulled = PullState("web-1", pulled_at=int(self.now.replace(tzinfo=UTC).timestamp()))
        records = LakeRecords(START, published, {}, {}, [], [pulled])
        return measure_freshness(records, self.now.replace(tzinfo=UTC), FreshnessLimits())

    def missing(self) -> set[Hour]:
        """The hours from the first one with lines to the last one due, that are not published."""
        published = {Hour.at(one.hour_at) for one in self.hours}
        logged = [
            Hour.at(one.hour_at) for one in self.hours if sum(one.kinds.values()) or one.missing
        ]
        over = Hour.of(self.now.replace(tzinfo=UTC) - timedelta(hours=3)).previous
        if not logged:
            return set()
        return {*hour_range(min(logged), min(max(over, *published), END.previous))} - published


@st.composite
def lakes(draw: st.DrawFn) -> AnyLake:
    begins, ends = sorted(draw(st.lists(st.integers(0, 24 * DAYS), min_size=2, max_size=2)))
    gaps = draw(st.sets(st.integers(begins, ends), max_size=6))
    empty_to = draw(st.integers(0, 10))
    lacking = draw(st.dictionaries(st.integers(begins, ends), st.just("web-2"), max_size=4))
    late = draw(st.sets(st.integers(begins, ends), max_size=3))
    hours = [
        PublishedHour(
            START.plus(number).naive,
            NOTHING if number < begins + empty_to else {"page_requests": 10, "bots": 5},
            late=2 if number in late and number >= begins + empty_to else 0,
            missing=lacking.get(number),
        )
        for number in range(begins, ends)
        if number not in gaps
    ]
    after = draw(st.integers(0, 9) | st.integers(0, 40))
    now = START.plus(ends + after).naive + timedelta(minutes=draw(st.integers(0, 59)))
    return AnyLake(hours, now)


def said(pattern: str, text: str) -> list[int]:
    """The numbers that a text states in a pattern."""
    return [int(found) for found in re.findall(pattern, text)]


@given(lakes())
def test_pages_and_status_state_the_same_missing_hours_and_none_beside_complete(
    lake: AnyLake,
) -> None:
    overview, trust, status = lake.text("overview"), lake.text("trust"), lake.status()
    assert ("No hour of this range is published" in trust) == (not lake.hours)
    missing, lacking = lake.missing(), {Hour.at(h.hour_at) for h in lake.hours if h.missing}
    assert {hour for hour in status.missing if hour < END} == missing
    assert {*status.lacking} == lacking
    assert_counts_agree(overview, {"missing": len(missing), "lacking": len(lacking)})
    assert_counts_agree(trust, {"missing": len(missing), "lacking": len(lacking)})
    for text in (overview, trust):
        if "Complete to" in text:
            assert not missing
            assert not lacking
    assert ("No hour is missing" in trust) <= (not missing and not lacking)


def assert_counts_agree(text: str, known: Mapping[str, int]) -> None:
    """Each number of hours in a text is the known one."""
    for number in said(r"(\d+) hours? missing", text):
        assert number == known["missing"]
    for number in said(r"(\d+) hours? (?:is|are) missing;", text):
        assert number == known["missing"]
    for number in said(r"(\d+) of \d+ hours (?:is|are) missing or lack", text):
        assert number == known["missing"] + known["lacking"]
    if known["missing"] and "No hour of this range is published" not in text:
        assert said(r"(\d+) hours? missing", text)


def test_hours_before_the_log_begins_are_not_missing() -> None:
    """The first weeks of a new site: nothing is missing, and the page says what is needed."""
    begins = START.plus(36)
    hours = [PublishedHour(hour.naive) for hour in hour_range(begins, END.previous)]
    lake = AnyLake(hours, END.naive + timedelta(minutes=20))
    text = lake.text("overview")
    assert "Complete to 12 Nov the log begins 11 Nov, 12:00" in text
    assert "Figures since 11 Nov: 3 days can be compared from 21 Nov." in text
    assert "missing" not in text
    assert (lake.status().missing, lake.status().lacking) == ((), ())


def local_time(hour: Hour) -> dict[str, object]:
    at = hour.start.astimezone(LONDON)
    return {"local_date": at.date(), "local_hour": at.hour}


def test_the_hour_that_a_clock_shows_twice_is_missing_if_one_of_both_is() -> None:
    """London, 25 October 2026: 00:00 and 01:00 UTC are both 01:00 there."""
    first = Hour.parse("2026-10-24T23")
    hours = [
        PublishedHour(hour.naive)
        for hour in hour_range(first, first.plus(24))
        if hour != Hour.parse("2026-10-25T01")
    ]
    rows = [hour.row() | local_time(Hour.at(hour.hour_at)) for hour in hours]
    store = FactStore(fact_tables([], [], {"hour_facts": rows}))
    view = View("trust", compare="none").with_days(*[datetime(2026, 10, 25).date()] * 2)
    with page_of(store, view, now=datetime(2026, 10, 26, 9), zone="Europe/London") as page:
        text = " ".join(texts_of(html_of(page)))
    assert "1 hour is missing; every line of the other hours is accounted for." in text
    assert "missing: 25 Oct, 01:00 – 25 Oct, 02:00" in text


def test_an_hour_in_which_a_host_logged_few_lines_is_perhaps_incomplete_on_every_page() -> None:
    begins, end = START.minus(24 * 7 * 5), START.plus(15)
    low = START.plus(11)
    hours = [PublishedHour(hour.naive) for hour in hour_range(begins, end.previous)]
    sources = [
        {
            "source": "web-1",
            "hour_at": one.hour_at,
            "lines": 400 if one.hour_at == low.naive else 1_000 + 40 * (one.hour_at.day % 3),
            "late_lines": 0,
            "raw_objects": 1,
            "last_arrived_at": one.hour_at + timedelta(minutes=66),
        }
        for one in hours
    ]
    store = FactStore(fact_tables([Visit(low.naive)], hours, {"source_facts": sources}))
    now = end.naive + timedelta(minutes=20)
    for tab in TABS:
        with page_of(store, View(tab, range="today"), now=now) as page:
            html = html_of(page)
        assert 'class="trust doubt"' in html
        assert "Up to 15:00, perhaps incomplete" in html
        assert "Complete to" not in html
    text = " ".join(texts_of(html_of_trust(store, now)))
    assert "1 hour is perhaps incomplete: a server logged unusually few lines." in text
    assert re.search(
        r"web-1 : 1 hour has 400 lines; in other weeks it has about 1,0\d\d \(10 Nov, 11:00 – 10 "
        r"Nov, 12:00\)\. It is perhaps incomplete\. Its newest lines arrived at 10 Nov, 15:06\.",
        text,
    )


def html_of_trust(store: FactStore, now: datetime) -> str:
    with page_of(store, View("trust", range="today"), now=now) as page:
        return html_of(page)
