"""Damage to staged files between two steps never becomes a publication with other rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.damage import flips

from clickstream.core.errors import DamagedObject, NewerLake
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects
from clickstream.pipeline.hour.build import (
    build_sessions,
    check_hour,
    clean_hits,
)
from clickstream.pipeline.hour.step_results import CleanedHour, StitchedHour
from clickstream.pipeline.pull.host import pull_source

HOUR = Hour.parse("2026-11-20T22")
ReopenLake = Callable[[], Lake]


@pytest.fixture
def pulled(lake: Lake) -> Lake:
    """A lake with the raw lines of an hour."""
    write(Path(lake.settings.resolve(lake.settings.sources[0].path)), log_lines(5, HOUR, HOUR))
    pull_source(lake, lake.settings.sources[0])
    return lake


def staged_hour(lake: Lake) -> StitchedHour:
    return check_hour(lake, build_sessions(lake, clean_hits(lake, HOUR)))


def body_of(lake: Lake, key: str) -> bytes:
    stored = objects.get(lake, key)
    assert stored is not None
    return stored.body


@pytest.mark.lake
def test_no_flipped_byte_of_staged_parts_becomes_sessions(pulled: Lake, reopen: ReopenLake) -> None:
    cleaned = clean_hits(pulled, HOUR)
    for wrong in flips(body_of(pulled, cleaned.parts_key)):
        objects.put(pulled, cleaned.parts_key, wrong)
        with pytest.raises(DamagedObject, match=cleaned.parts_key):
            build_sessions(reopen(), cleaned)


def test_check_hour_refuses_damaged_rows(pulled: Lake, reopen: ReopenLake) -> None:
    staged = staged_hour(pulled)
    for key in (staged.hits_key, staged.rejects_key, staged.session_parts_key):
        right = body_of(pulled, key)
        for wrong in flips(right, 5):
            objects.put(pulled, key, wrong)
            with pytest.raises(DamagedObject, match=key):
                check_hour(reopen(), staged)
        objects.put(pulled, key, right)


def test_clean_hits_replaces_damaged_rows(pulled: Lake, reopen: ReopenLake) -> None:
    staged = staged_hour(pulled)
    for key in staged.cleaned_keys:
        right = body_of(pulled, key)
        objects.put(pulled, key, next(flips(right)))
        assert clean_hits(reopen(), HOUR).digests.items() <= staged.digests.items()
        assert body_of(pulled, key) == right


def test_staged_rows_of_another_release_are_refused_with_the_remedy(pulled: Lake) -> None:
    values = clean_hits(pulled, HOUR).as_dict()
    assert CleanedHour.from_dict(values).as_dict() == values
    values["schema"] = "other"
    with pytest.raises(NewerLake, match="Clear the run's task clean_hits with Downstream"):
        CleanedHour.from_dict(values)
