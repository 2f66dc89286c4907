"""Hours built or published as one: they follow on each other, and are as many as may be."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.access_log import Client, append
from tests.support.lakes import build_all, contents

from clickstream import pipeline
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, data_files, hour_ledger, iceberg_tables, raw
from clickstream.pipeline import build_range
from clickstream.pipeline.build_range import split_by_size
from clickstream.tables import HITS

FIRST = Hour.parse("2026-11-20T00")
LAST = FIRST.plus(3)
MOST = 100


@given(st.dictionaries(st.integers(0, 23), st.integers(0, 2 * MOST)))
def test_pieces_are_whole_and_in_order_and_no_two_could_be_one(sizes: dict[int, int]) -> None:
    of_hour = {FIRST.plus(number): sizes[number] for number in sorted(sizes)}
    made = [*split_by_size(of_hour, of_hour.__getitem__, MOST)]
    assert [hour for piece in made for hour in piece] == [*of_hour]
    for piece in made:
        assert all(hour.next == following for hour, following in pairwise(piece))
        assert len(piece) == 1 or sum(of_hour[hour] for hour in piece) <= MOST
    for piece, following in pairwise(made):
        size = sum(of_hour[hour] for hour in (*piece, following[0]))
        assert piece[-1].next != following[0] or size > MOST


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Lake:
    """Four hours of a day: who came in one asks in the next, and each has a page of its own."""
    for hour in hour_range(FIRST, LAST):
        visitors = [Client(f"203.0.113.{hour.number % 3}"), Client("192.0.2.1")]
        asked = [v.get(f"{hour}:{m}:00", f"/{hour}") for m in (10, 40) for v in visitors]
        append(tmp_path / "logs" / "access.log", [*asked, "no line"])
    pipeline.pull(lake, lake.settings.sources[0])
    return lake


@pytest.mark.parametrize(
    ("hours_at_once", "rows_per_file", "files"), [(1, 9, 2), (2, 1, 4), (3, 1000, 1)]
)
def test_pieces_and_files_make_no_difference(
    pulled: Lake,
    monkeypatch: pytest.MonkeyPatch,
    hours_at_once: int,
    rows_per_file: int,
    files: int,
) -> None:
    for hour in hour_range(FIRST, LAST):
        pipeline.build_hour(pulled, hour, "alone")
    before = contents(pulled)
    largest = max(item.size for items in raw.raw_by_hour(pulled).values() for item in items)
    monkeypatch.setattr(build_range, "CLEANED_AT_ONCE", hours_at_once * largest)
    monkeypatch.setattr(data_files, "ROWS_PER_FILE", rows_per_file)
    build_all(pulled, FIRST, LAST, "together")
    assert contents(pulled) == before
    assert pipeline.verify(pulled).is_proven
    assert hour_ledger.ledger(pulled)["published_at"].nunique() == 1  # as one
    assert len([*iceberg_tables.load(pulled, HITS).iceberg.scan().plan_files()]) == files
