"""Lakes with short key periods, whose keys tests destroy as time would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.support.access_log import Client

from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena, hour_ledger
from clickstream.lake.visitor_keys import KeyPeriod, destroy_expired
from clickstream.settings import Settings

KEY_DAYS = 2
PERIOD = KeyPeriod.of(Hour.parse("2026-11-20T05"), KEY_DAYS)
FIRST, LAST = Hour(PERIOD.start), Hour(PERIOD.end).previous
BEFORE, AFTER = FIRST.minus(3), LAST.plus(3)
"""The hours around the period that have lines."""

TABLET = Client("192.0.2.1")
GUESTS = [Client(f"198.51.100.{number}") for number in range(3)]


def with_short_periods(settings: Settings, **sessions: int) -> Settings:
    """The settings with key periods of two days, and some rules of sessions."""
    privacy = settings.privacy.model_copy(update={"key_days": KEY_DAYS})
    rules = settings.sessions.model_copy(update=sessions)
    return settings.model_copy(update={"privacy": privacy, "sessions": rules})


def traffic(hours: Iterable[Hour]) -> list[str]:
    """A tablet that asks all the time, and guests whose visits cross some hours."""
    lines, hours = [], [*hours]
    for hour in hours:
        lines += [TABLET.get(f"{hour}:{minute:02}:00", "/menu") for minute in (5, 30, 55)]
        guest = GUESTS[hour.number % len(GUESTS)]
        lines += [guest.get(f"{hour}:{minute:02}:10", "/") for minute in (20, 50)]
        if hour.next in hours:
            lines.append(guest.get(f"{hour.next}:02:10", "/order"))
    return lines


def destroy_key(lake: Lake, hour: Hour) -> datetime:
    """Destroy the keys of the hour's period and of those before it; when, as recorded."""
    end = KeyPeriod.of(hour, lake.settings.privacy.key_days).end
    at = end + timedelta(days=lake.settings.privacy.replay_days, seconds=1)
    assert destroy_expired(lake, at)
    return at


def publications(lake: Lake) -> dict[Hour, datetime]:
    """When each hour of the ledger was published."""
    ledger = hour_ledger.ledger(lake)
    return {
        Hour.at(hour_at): at
        for hour_at, at in zip(ledger["hour_at"], ledger["published_at"], strict=True)
    }


def parts(lake: Lake, first: Hour, last: Hour) -> list[tuple[Any, ...]]:
    """The session parts of a range, by all that does not depend on a visitor key."""
    columns = "hour_at, first_hit_at, last_hit_at, requests, session_started_at"
    sql = f"select {columns} from session_parts where {_within(first, last)} order by 1, 2, 3, 4, 5"
    return athena.query(lake, sql).rows


def rows(lake: Lake, first: Hour, last: Hour) -> list[str]:
    """All rows of a range that readers see, ids included, but for who published them and when."""
    tables = ("hits", "session_parts", "rejects", "raw_objects")
    within = _within(first, last)
    return [
        str(row)
        for table in tables
        for row in sorted(athena.query(lake, f"select * from {table} where {within}").rows, key=str)
    ]


def _within(first: Hour, last: Hour) -> str:
    return f"hour_at between timestamp '{first.naive}' and timestamp '{last.naive}'"
