"""What became of sessions is told as by one who looks at each part; of some hours as of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples

from clickstream import sessions
from clickstream.tables.sessions import COMPARED

FIRST = datetime(2026, 11, 20)
HOURS, MINUTES = 3, 12
Part = dict[str, Any]


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    """Parts of two visitors: some minutes of an hour each, which may go on from the one before."""
    made: list[Part] = []
    for visitor in "ab":
        session = ""
        for hour in range(HOURS):
            hour_at = FIRST + timedelta(hours=hour)
            edges = draw(st.lists(st.integers(0, MINUTES - 1), unique=True, max_size=6))
            ends = sorted(edges)[: len(edges) // 2 * 2]
            for first, last in zip(ends[::2], ends[1::2], strict=True):
                part = f"{visitor} {hour}:{first}"
                session = session if session and draw(st.booleans()) else part
                times = [hour_at + timedelta(minutes=minute) for minute in (first, last)]
                requests = draw(st.integers(1, 3))
                values = (visitor, part, session, *times, requests)
                made.append({"hour_at": hour_at, **dict(zip(COMPARED, values, strict=True))})
    return made


def frame(some: list[Part]) -> pd.DataFrame:
    found = pd.DataFrame(some, columns=["hour_at", *COMPARED])
    times = ["hour_at", "first_hit_at", "last_hit_at"]
    texts = ["visitor_id", "part_id", "session_id"]
    return found.astype({**dict.fromkeys(times, "M8[us]"), **dict.fromkeys(texts, "str")})


def told(old: list[Part], new: list[Part]) -> list[tuple[Any, ...]]:
    found = sessions.changes(frame(old), frame(new).drop(columns="hour_at"))
    rows = found.astype(object).where(found.notna(), None)
    return sorted(rows[sessions.CHANGE_COLUMNS].itertuples(index=False, name=None), key=str)


def told_one_by_one(old: list[Part], new: list[Part]) -> list[tuple[Any, ...]]:
    followed: set[str] = set()
    found = []
    for part in sorted(old, key=lambda part: (part["first_hit_at"], part["visitor_id"])):
        if part in new:
            continue
        around = [other for other in new if lies_in(part, other)]
        other = around[0] if around else None
        change = what_became(part, other, followed)
        session = other["session_id"] if other else None
        found.append((pd.Timestamp(part["hour_at"]), change, part["session_id"], session))
    return sorted(found, key=str)


def lies_in(part: Part, other: Part) -> bool:
    is_same = part["visitor_id"] == other["visitor_id"]
    return is_same and other["first_hit_at"] <= part["first_hit_at"] <= other["last_hit_at"]


def what_became(part: Part, other: Part | None, followed: set[str]) -> str:
    if other is None:
        return "removed"
    is_later, begins = other["part_id"] in followed, part["session_id"] == part["part_id"]
    begins_now = other["session_id"] == other["part_id"]
    followed.add(other["part_id"])
    if part["session_id"] == other["session_id"]:
        return "shortened" if part["requests"] > other["requests"] else "extended"
    if is_later or (begins and not begins_now):
        return "merged"
    if begins_now:
        return "extended" if begins else "split"
    return "renamed"


@examples(times=10)
@given(parts(), parts())
def test_each_change_is_told_as_its_part_says(old: list[Part], new: list[Part]) -> None:
    assert told(old, new) == told_one_by_one(old, new)


@given(parts(), parts())
def test_hours_together_are_told_as_each_by_itself(old: list[Part], new: list[Part]) -> None:
    each = []
    for hour in range(HOURS):
        hour_at = FIRST + timedelta(hours=hour)
        each += told(*([p for p in some if p["hour_at"] == hour_at] for some in (old, new)))
    assert told(old, new) == sorted(each, key=str)
