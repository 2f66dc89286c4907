"""Half a year of a real site built in any order, through the lake: the same answers each time."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from tests.real_logs.real_log import RealLog, runs_of
from tests.support.answers import answers, assert_answers
from tests.support.shared_data import shared

from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings
from clickstream.step_config import clean_rules

pytestmark = pytest.mark.shared_data

SOME_FILES = ("u_ex090906.log", "u_ex090907.log", "u_ex091226.log")
SOME_HOURS = [
    Hour.parse(text)
    for text in (
        *("2009-09-06T23", "2009-09-07T00", "2009-09-07T01"),
        *("2009-12-26T06", "2009-12-26T07", "2009-12-26T08"),
    )
]
"""Hours with few lines, over whose edges sessions go: one at midnight, one over two edges."""

RUNS = "select count(*) as parts, count(distinct session_id) as sessions from session_parts"
SESSION_FACTS = """
select
    min(first_hit_at) as first_hit_at,
    max(last_hit_at) as last_hit_at,
    sum(requests) as requests,
    sum(page_views) as page_views
from session_parts
group by session_id
"""


def some_orders(hours: list[Hour]) -> dict[str, list[Hour]]:
    """The orders that hours are built in; shuffled, every fifth of them comes a second time."""
    shuffled = hours + random.Random(1).sample(hours, len(hours) // 5)
    random.Random(2).shuffle(shuffled)
    return {"inorder": hours, "reverse": hours[::-1], "shuffled": shuffled}


def built(lake: Lake, logs: Path, hours: Iterable[Hour]) -> Lake:
    """The lake with the logs pulled and the hours built as they come, proven by `verify`."""
    pull_source(lake, SourceSettings(name="iis", path=str(logs), pattern="u_ex*.log"))
    hours = [*hours]
    for number, hour in enumerate(hours, start=1):
        build_hour(lake, hour, f"build {number}")
        if number % 100 == 0:
            logging.getLogger(__name__).info("%s: %d builds", lake.database, number)
    report = verify(lake)
    assert report.findings == ()
    assert {*hours}.isdisjoint(report.waiting), "only hours that were not asked for may wait"
    return lake


def assert_any_order_answers_alike(
    make_lake: Callable[[str], Lake], logs: Path, hours: list[Hour]
) -> Lake:
    """Build the hours in each order, a lake for each, side by side; the first of them."""
    orders = some_orders(hours)
    with ThreadPoolExecutor() as pool:
        lakes = list(pool.map(built, map(make_lake, orders), [logs] * 3, orders.values()))
    first, *others = lakes
    expected = dict(answers(first))
    for other in others:
        assert_answers(other, expected)
    return first


def runs(lake: Lake) -> tuple[int, int]:
    """How many session parts and sessions the lake has."""
    (counts,) = athena.query(lake, RUNS).rows
    return counts[0], counts[1]


def in_one_go(log: RealLog, lake: Lake) -> list[tuple[object, ...]]:
    """Each session's first and last request and what it had, cut from the whole log at once."""
    found = runs_of(log.cleaned(clean_rules(lake.settings)))
    facts = found[["first_hit_at", "last_hit_at", "requests", "page_views"]]
    return sorted(facts.itertuples(index=False, name=None))


def sessions_of(lake: Lake) -> list[tuple[object, ...]]:
    """The same of the lake's sessions, their parts merged."""
    facts = athena.query(lake, SESSION_FACTS).rows
    return sorted((pd.Timestamp(first), pd.Timestamp(last), *rest) for first, last, *rest in facts)


@pytest.mark.lake
@pytest.mark.deep
def test_hours_around_crossing_sessions_have_the_same_sessions_in_any_order(
    make_lake: Callable[[str], Lake], tmp_path: Path
) -> None:
    logs = tmp_path / "iis"
    logs.mkdir()
    for name in SOME_FILES:
        shutil.copy(shared("iis-2009", name), logs)
    lake = assert_any_order_answers_alike(make_lake, logs, SOME_HOURS)
    parts, sessions = runs(lake)
    assert parts - sessions == 4


@pytest.mark.lake
@pytest.mark.deep
@pytest.mark.timeout(4 * 3600)
def test_half_a_year_has_the_same_sessions_in_any_order(
    make_lake: Callable[[str], Lake], iis: RealLog
) -> None:
    """1,188 hours in three orders, some 3,800 publications, and the whole log in one go."""
    hours = [Hour.of_epoch(start) for start in sorted(iis.hours)]
    lake = assert_any_order_answers_alike(make_lake, shared("iis-2009"), hours)
    assert runs(lake) == (1663, 1641)  # who cuts each hour alone counts 1,663 sessions
    assert sessions_of(lake) == in_one_go(iis, lake)


@pytest.mark.lake
@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_half_a_year_built_as_a_range_has_the_same_sessions(
    make_lake: Callable[[str], Lake], iis: RealLog
) -> None:
    """The same with the empty hours between, a day at a time, as `clickstream build` does it."""
    lake = make_lake("range")
    pull_source(lake, SourceSettings(name="iis", path=str(shared("iis-2009")), pattern="u_ex*.log"))
    hours = [*hour_range(Hour.of_epoch(min(iis.hours)), Hour.of_epoch(max(iis.hours)))]
    for number, _ in enumerate(rebuild(lake, hours, "range"), start=1):
        if number % 1000 == 0:
            logging.getLogger(__name__).info("%d of %d hours", number, len(hours))
    assert verify(lake).is_proven
    assert runs(lake) == (1663, 1641)
    assert sessions_of(lake) == in_one_go(iis, lake)
