"""Hours built and published together have the rows that each of them has alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import BROWSER, KEY, RULES, line, requests, table
from tests.support.access_log import Client, append
from tests.support.lakes import build_all, contents
from tests.support.tiers import first_in_make_test

from clickstream import clean, sessions
from clickstream.clean import Cleaner, VisitorKeys
from clickstream.core.errors import UnbalancedHour
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger, open_lake, raw
from clickstream.lake.iceberg import data_files, iceberg_tables
from clickstream.pipeline.hour import batch
from clickstream.pipeline.hour.batch import split_by_size
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS

FIRST = Hour.parse("2026-11-20T05")
MIDNIGHT = Hour.parse("2026-11-20T00")
LIMIT = 100
"""Size of a piece, in the unit of its hours' sizes."""

SESSIONS = """
    select session_id, min(first_hit_at), cast(sum(requests) as varchar)
    from session_parts group by 1 order by 2
"""
RULES_OF_SESSIONS = sessions.SessionRules(1800, 12)
SUSPICIOUS = replace(
    RULES, behaviour=clean.BehaviourRules(pages_without_asset=3, pages_in_a_minute=4)
)


class Ask(NamedTuple):
    """A request of a visitor, so many minutes after its hour began."""

    minute: int
    target: str
    client: int
    agent: str
    status: int
    opted_out: bool


asks = st.builds(
    Ask,
    st.integers(0, 59) | st.integers(60, 90),  # a clock that was read otherwise when it was pulled
    st.sampled_from(["/", "/menu", "/a.css", "/robots.txt", "/?utm_source=a&utm_medium=email"]),
    st.integers(1, 4),
    st.sampled_from([BROWSER, "curl/8.0"]),
    st.sampled_from([200, 404]),
    st.booleans(),
)
hours_of_asks = st.lists(st.lists(asks, max_size=15), min_size=1, max_size=4)


def parsed(hour: Hour, some: Sequence[Ask]) -> pd.DataFrame:
    lines = [
        line(ask.target, client=f"192.0.2.{ask.client}", status=ask.status, agent=ask.agent)
        for ask in some
    ]
    frame = requests(*lines)
    minutes = np.array([ask.minute for ask in some], "m8[m]")
    frame["at"] = (np.datetime64(hour.naive) + minutes).astype("M8[us]")
    return frame.assign(opt_out=np.array([ask.opted_out for ask in some], np.bool_))


def labelled(cleaner: Cleaner, hours: Sequence[tuple[Hour, list[Ask]]]) -> clean.RequestTable:
    for hour, some in hours:
        cleaner.add(table(parsed(hour, some)), f"raw/{hour}", hour)
    return cleaner.requests()


def made(found: clean.RequestTable, hour: np.ndarray | None) -> list[pd.DataFrame]:
    """Hits and parts as plain texts and numbers."""
    cut = sessions.cut(found, RULES_OF_SESSIONS, hour)
    parts = sessions.make_parts(found, cut, RULES_OF_SESSIONS)
    hits = [rows.to_pandas() for rows in sessions.hits_in_order(found, cut, parts)]
    return [frame.astype(str) for frame in (pd.concat(hits), parts.to_pandas())]


SAME_MOMENT = [[Ask(75, "/", 1, BROWSER, 200, False)], [Ask(15, "/", 1, BROWSER, 200, False)]]
"""Two hours have a part of the visitor that begins at the same moment, so with the same id."""


@example(SAME_MOMENT)
@given(hours_of_asks)
def test_hours_built_together_have_the_rows_of_each_alone(asked: list[list[Ask]]) -> None:
    hours = [*zip(hour_range(FIRST, FIRST.plus(len(asked) - 1)), asked, strict=True)]
    whole = labelled(Cleaner(SUSPICIOUS, VisitorKeys(KEY)), hours)
    alone = [labelled(Cleaner(SUSPICIOUS, VisitorKeys(KEY)), [one]) for one in hours]
    rows = [made(one, None) for one in alone]
    one_by_one = zip(*rows, strict=True)
    for at_once, some in zip(made(whole, whole.columns["hour"]), one_by_one, strict=True):
        expected = pd.concat(some, ignore_index=True)
        pd.testing.assert_frame_equal(at_once.reset_index(drop=True), expected)
    balances = whole.balance_by_hour([hour for hour, _ in hours])
    for place, one in enumerate(alone):
        assert {name: counts[place] for name, counts in balances.items()} == one.balance()


@pytest.mark.lake
def test_a_session_goes_on_over_a_change_of_keys(lake: Lake, tmp_path: Path) -> None:
    """The first hours of a period know visitors by two ids, and so do all that are built along."""
    privacy = lake.settings.privacy.model_copy(update={"key_days": 1})
    changing = open_lake(lake.settings.model_copy(update={"privacy": privacy}), lake.session)
    visitor, edge = Client("203.0.113.7"), Hour.parse("2026-11-21T00")
    asked = ("20T23:50:00", "21T00:10:00", "21T00:55:00", "21T01:05:00", "21T02:30:00")
    lines = [visitor.get(f"2026-11-{at}", "/menu") for at in asked]
    append(tmp_path / "logs" / "access.log", lines)
    pull_source(changing, changing.settings.sources[0])
    build_all(changing, edge.previous, edge.plus(2), "together")
    ids = athena.query(changing, SESSIONS).rows
    for hour in hour_range(edge.previous, edge.plus(2)):
        build_hour(changing, hour, "alone")
    assert athena.query(changing, SESSIONS).rows == ids
    assert [requests for *_, requests in ids] == ["2", "2", "1"]
    assert verify(changing).is_proven


@pytest.mark.lake
def test_hours_without_lines_have_their_place_in_the_ledger(lake: Lake) -> None:
    published = build_all(lake, FIRST, FIRST.plus(2), "test")
    assert [one.lines for one in published] == [0, 0, 0]
    assert len(hour_ledger.ledger(lake)) == 3


def test_no_hour_is_published_whose_line_balance_does_not_close(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = clean.RequestTable.balance_by_hour

    def one_too_many(requests: clean.RequestTable, hours: Sequence[Hour]) -> dict[str, np.ndarray]:
        counts = really(requests, hours)
        return {**counts, "page_requests": counts["page_requests"] + 1}

    monkeypatch.setattr(clean.RequestTable, "balance_by_hour", one_too_many)
    with pytest.raises(UnbalancedHour, match=f"`clickstream build {FIRST} {FIRST}` leaves"):
        build_all(lake, FIRST, FIRST.next, "test")
    assert hour_ledger.ledger(lake).empty


@given(st.dictionaries(st.integers(0, 23), st.integers(0, 2 * LIMIT)))
def test_pieces_are_whole_and_in_order_and_no_two_could_be_one(sizes: dict[int, int]) -> None:
    of_hour = {MIDNIGHT.plus(number): sizes[number] for number in sorted(sizes)}
    made = [*split_by_size(of_hour, of_hour.__getitem__, LIMIT)]
    assert [hour for piece in made for hour in piece] == [*of_hour]
    for piece in made:
        assert all(hour.next == following for hour, following in pairwise(piece))
        assert len(piece) == 1 or sum(of_hour[hour] for hour in piece) <= LIMIT
    for piece, following in pairwise(made):
        size = sum(of_hour[hour] for hour in (*piece, following[0]))
        assert piece[-1].next != following[0] or size > LIMIT


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Lake:
    """Four hours of a day: who came in one asks in the next, and each has a page of its own."""
    for hour in hour_range(MIDNIGHT, MIDNIGHT.plus(3)):
        visitors = [Client(f"203.0.113.{hour.number % 3}"), Client("192.0.2.1")]
        asked = [v.get(f"{hour}:{m}:00", f"/{hour}") for m in (10, 40) for v in visitors]
        append(tmp_path / "logs" / "access.log", [*asked, "no line"])
    pull_source(lake, lake.settings.sources[0])
    return lake


@pytest.mark.parametrize(
    ("hours_at_once", "rows_per_file", "files"),
    first_in_make_test([(3, 1000, 1), (1, 9, 2), (2, 1, 4)], 1),
)
def test_pieces_and_files_make_no_difference(
    pulled: Lake,
    monkeypatch: pytest.MonkeyPatch,
    hours_at_once: int,
    rows_per_file: int,
    files: int,
) -> None:
    for hour in hour_range(MIDNIGHT, MIDNIGHT.plus(3)):
        build_hour(pulled, hour, "alone")
    before = contents(pulled)
    largest = max(item.size for items in raw.raw_by_hour(pulled).values() for item in items)
    monkeypatch.setattr(batch, "CLEANED_AT_ONCE", hours_at_once * largest)
    monkeypatch.setattr(data_files, "ROWS_PER_FILE", rows_per_file)
    build_all(pulled, MIDNIGHT, MIDNIGHT.plus(3), "together")
    assert contents(pulled) == before
    assert verify(pulled).is_proven
    assert hour_ledger.ledger(pulled)["published_at"].nunique() == 1  # as one
    assert len([*iceberg_tables.load(pulled, HITS).iceberg.scan().plan_files()]) == files
