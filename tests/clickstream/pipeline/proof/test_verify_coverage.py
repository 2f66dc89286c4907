"""verify reports every hour of its range, and succeeds only where no raw line is unpublished."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest
from tests.clickstream.pipeline.builders import store_line
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.tiers import first_in_make_test

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, HourSpan, hour_range
from clickstream.lake import Lake, open_lake, raw
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.verify import verify

FIRST = Hour.parse("2026-11-20T21")
HOURS = [*hour_range(FIRST, FIRST.plus(5))]
LATER = datetime(2026, 11, 26, tzinfo=UTC)


class State(StrEnum):
    """What a lake holds of an hour."""

    PUBLISHED = "published"
    PUBLISHED_EMPTY = "published without lines"
    LATE_LINES = "published, and late lines wait"
    WAITING = "raw lines wait"
    WAITING_WITHOUT_MARK = "raw lines wait, and their mark is gone"
    MISSING = "no lines and not built"


PUBLISHED = {State.PUBLISHED, State.PUBLISHED_EMPTY, State.LATE_LINES}
WAITING = {State.WAITING, State.WAITING_WITHOUT_MARK}


def lake_with(endpoint: str, states: dict[Hour, State]) -> Lake:
    """A new lake whose hours have these states."""
    lake = open_lake(settings_of_a_lake(endpoint, Path("no-logs")), aws_session())
    for hour, state in states.items():
        if state not in (State.MISSING, State.PUBLISHED_EMPTY):
            store_line(lake, hour, "web-1")
    list(rebuild(lake, hours_in(states, PUBLISHED), "tests"))
    for hour, state in states.items():
        if state is State.LATE_LINES:
            store_line(lake, hour, "web-2")
        if state is State.WAITING_WITHOUT_MARK:
            raw.clear_pending(lake, [item.key for item in raw.list_raw(lake, hour)])
    return lake


def hours_in(states: dict[Hour, State], some: set[State]) -> tuple[Hour, ...]:
    return tuple(hour for hour, state in states.items() if state in some)


@pytest.mark.parametrize("seed", first_in_make_test(range(3), 1))
def test_only_published_hours_without_waiting_lines_are_proven(
    local_aws: LocalAwsProcess, seed: int
) -> None:
    """In random lakes, for random ranges, some of which hold an hour that is not over."""
    rng = random.Random(seed)
    states = dict(zip(HOURS, rng.choices([*State], [5, 2, 1, 1, 1, 2], k=len(HOURS)), strict=True))
    lake = lake_with(local_aws.endpoint, states)
    for _ in range(4):
        span = HourSpan(*sorted(rng.choices([FIRST.previous, *HOURS, HOURS[-1].next], k=2)))
        now = rng.choice([LATER, span.last.start])
        of_span = {h: states.get(h, State.MISSING) for h in hour_range(span.first, span.last)}
        over = {hour: state for hour, state in of_span.items() if hour.end <= now}
        published, waiting = hours_in(of_span, PUBLISHED), hours_in(over, WAITING)
        late = hours_in(of_span, {State.LATE_LINES})

        report = verify(lake, span.first, span.last, now=now)

        assert (report.span, report.hours) == (span, len(published))
        assert report.lines == len(hours_in(of_span, {State.PUBLISHED, State.LATE_LINES}))
        assert tuple(f.hour for f in report.findings) == late
        assert (report.waiting, report.gaps) == (waiting, hours_in(over, {State.MISSING}))
        unfinished = hours_in(of_span, WAITING | {State.MISSING})
        assert report.unfinished == tuple(hour for hour in unfinished if hour not in over)
        is_wrong = bool(waiting or late)
        assert report.is_proven == bool(published and not is_wrong)
        assert report.is_proven == (not report.failures)


def test_without_a_range_verify_looks_from_the_first_to_the_last_known_hour(
    local_aws: LocalAwsProcess,
) -> None:
    states = [State.WAITING, State.PUBLISHED, *[State.MISSING] * 2, State.PUBLISHED, State.MISSING]
    lake = lake_with(local_aws.endpoint, dict(zip(HOURS, states, strict=True)))
    report = verify(lake, now=LATER)
    assert report.span == HourSpan(HOURS[0], HOURS[4])
    assert (report.waiting, report.gaps) == ((HOURS[0],), (HOURS[2], HOURS[3]))
    assert report.sentence == (
        "Checked 2026-11-20T21 to 2026-11-21T01: 2 of 5 hours published, 2 lines."
    )
    assert report.failures == [
        "1 hour with raw lines not published: 2026-11-20T21. To build: clickstream build "
        "2026-11-20T21 2026-11-20T21"
    ]
    (note,) = report.notes
    assert note.startswith(
        "2 hours without raw lines never built: 2026-11-20T23 to 2026-11-21T00 (2 hours)."
    )


def test_an_empty_lake_is_not_proven(lake: Lake) -> None:
    report = verify(lake)
    assert (report.span, report.is_proven) == (None, False)
    assert "No published hour" in report.failures[0]


def test_a_range_that_is_not_over_yet_is_not_proven(lake: Lake) -> None:
    report = verify(lake, HOURS[0], HOURS[-1], now=FIRST.start)
    assert not report.is_proven
    assert (report.unfinished, report.gaps) == (tuple(HOURS), ())


def test_a_reversed_range_is_refused(lake: Lake) -> None:
    with pytest.raises(InputError, match="ends before it begins"):
        verify(lake, HOURS[1], HOURS[0])
