"""Time on pages, measured and estimated, against visitors whose every glance is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import floor
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from tests.sql.test_view_cases import around
from tests.support.lakes import build_all

from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.pull.host import pull_source

FIRST, LAST = Hour.parse("2026-11-20T10"), Hour.parse("2026-11-20T12")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
TYPICAL_SECONDS = {"/": 15, "/menu": 40, "/blog/latte-art": 150, "/jobs": 90}
WAYS = ["/"] * 40 + ["/menu"] * 40 + ["/blog/latte-art"] * 25 + ["/jobs"]
LEAVES, SCROLLS = 0.4, 0.3
VISITORS, MOST_PAGES, LONGEST = 700, 5, 1200
ENOUGH = 10
"""Times of a page that are enough for a mean of its own."""


@dataclass(frozen=True)
class Glance:
    """One page view: for how long it was looked at, and for how long at least, by the log."""

    page: str
    seconds: int
    known: int
    is_last: bool


def visit(rng: Random) -> Iterator[Glance]:
    """A visitor leaves a page for another or for good, whatever time they had spent on it."""
    for number in range(1, MOST_PAGES + 1):
        page = rng.choice(WAYS)
        seconds = 1 + min(round(TYPICAL_SECONDS[page] * rng.lognormvariate(0, 0.8)), LONGEST)
        scrolled = rng.randrange(seconds) if rng.random() < SCROLLS else 0
        is_last = number == MOST_PAGES or rng.random() < LEAVES
        yield Glance(page, seconds, scrolled if is_last else seconds, is_last)
        if is_last:
            return


def logged(address: str, start: int, glances: list[Glance]) -> Iterator[tuple[int, str]]:
    """Each page, and a picture further down on the last one, when it is scrolled to."""
    at = start
    for glance in glances:
        yield at, line(address, at, glance.page)
        yield at, line(address, at, "/style.css")
        if glance.is_last and glance.known:
            yield at + glance.known, line(address, at + glance.known, "/picture.png")
        at += glance.seconds


def line(address: str, second: int, path: str) -> str:
    stamp = (FIRST.start + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{stamp}] "GET {path} HTTP/1.1" 200 512 "-" "{AGENT}"\n'


def views_of(visits: list[list[Glance]], rng: Random, lake: Lake, logs: Path) -> list[Any]:
    """(page, dwell_seconds, is_estimated) of each page view, from a log of the visits."""
    lines = [
        entry
        for number, glances in enumerate(visits)
        for entry in logged(f"203.0.{number // 200}.{number % 200}", rng.randrange(3600), glances)
    ]
    lines.sort(key=lambda entry: entry[0])
    (logs / "access.log").write_text("".join(text for _, text in lines))
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, FIRST, LAST, "tests")
    refresh_views(lake)
    return athena.query(lake, "select page, dwell_seconds, is_estimated from page_views").rows


def estimate(glance: Glance, measured: list[Glance]) -> int | None:
    """The rule of docs/sessions.md, written down once more."""
    same = [other.seconds for other in measured if other.page == glance.page]
    times = same if len(same) >= ENOUGH else [other.seconds for other in measured]
    return max(glance.known, floor(mean(times) + 0.5)) or None


def test_ten_times_of_a_page_are_enough_for_a_mean_of_its_own(lake: Lake) -> None:
    """A visitor has `times` of ten seconds on a page and 1,000 on another; a second leaves it.

    A suspected machine stays there for seconds, which changes nothing.
    """
    for times in (ENOUGH - 1, ENOUGH):
        moments = [*range(0, 10 * times + 1, 10), 10 * times + 1000]
        views = [("p1", "/a" if at < 10 * times else "/b", at) for at in moments]
        machine = [("p3", "/a", at) for at in range(2 * ENOUGH)]
        tables = {
            "all_sessions": [session("s1"), session("s2"), session("s3", is_suspected=True)],
            "session_parts": [part("s1", "p1"), part("s2", "p2"), part("s3", "p3")],
            "hits": [hit(*view) for view in [*views, ("p2", "/a", 0), *machine]],
        }
        sql = around(lake, "all_page_views", tables, ["session_id", "dwell_seconds"])
        [estimated] = [row[1] for row in athena.query(lake, sql).rows if row[0] == "s2"]
        of_site = floor((10 * times + 1000) / (times + 1) + 0.5)
        assert estimated == (10 if times == ENOUGH else of_site)


def session(name: str, *, is_suspected: bool = False) -> dict[str, Any]:
    return {
        "is_suspected": is_suspected,
        "session_id": name,
        "started_at": FIRST.naive,
        "ended_at": FIRST.naive,
        "session_date": FIRST.event_date,
    }


def part(session_id: str, name: str) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "part_id": name,
        "session_started_at": FIRST.naive,
        "hour_at": FIRST.naive,
        "event_date": FIRST.event_date,
    }


def hit(part_id: str, page: str, second: int) -> dict[str, Any]:
    return {
        "kind": "page",
        "site": "cafe",
        "part_id": part_id,
        "hour_at": FIRST.naive,
        "event_date": FIRST.event_date,
        "hit_at": FIRST.naive + timedelta(seconds=second),
        "page": page,
        "raw_object": "a",
        "line_number": second,
    }


def test_the_last_page_has_an_estimate_near_the_truth(reopen, tmp_path) -> None:
    rng = Random(5)
    visits = [[*visit(rng)] for _ in range(VISITORS)]
    views = views_of(visits, rng, reopen(), tmp_path / "logs")
    glances = [glance for glances in visits for glance in glances]
    measured = [glance for glance in glances if not glance.is_last]
    last = [glance for glance in glances if glance.is_last]
    estimates = {glance: estimate(glance, measured) for glance in last}

    expected = [(glance.page, glance.seconds, False) for glance in measured]
    expected += [(glance.page, estimates[glance], True) for glance in last]
    assert Counter(views) == Counter(expected)
    assert {glance.page for glance in last} == set(TYPICAL_SECONDS)
    assert 0 < sum(glance.page == "/jobs" for glance in measured) < ENOUGH

    truth = sum(glance.seconds for glance in last)
    assert sum(glance.known for glance in last) < 0.4 * truth  # what a careless count makes of it
    assert abs(sum(estimates[glance] for glance in last) - truth) < 0.1 * truth
    stayed = [glance for glance in last if glance.known >= 60]
    truth = sum(glance.seconds for glance in stayed)
    usual = sum(estimate(replace(glance, known=0), measured) for glance in stayed)
    ours = sum(estimates[glance] for glance in stayed)
    assert usual < ours < truth  # what is known of the last page is made use of
