"""Visitor keys: one for a period, the same for everybody, gone after the replay window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.visitor_keys import (
    KEY_BYTES,
    KeyPeriod,
    KeyRing,
    destroy_expired,
    destroy_left_behind,
    periods,
)

HOUR = Hour.parse("2026-11-20T05")
LONG_AFTER = datetime(2028, 1, 1, tzinfo=UTC)


def visitor_keys(lake: Lake, hour: Hour, now: datetime | None = None) -> tuple[bytes, bytes | None]:
    """The secret of an hour's key, and of the one before it, as a new process finds them."""
    keys = KeyRing(lake, now).of_hour(hour)
    return keys.now.secret, keys.before.secret if keys.before else None


def edge(lake: Lake) -> Hour:
    """The first hour of the period after HOUR's."""
    return Hour(KeyPeriod.of(HOUR, lake.settings.privacy.key_days).end)


def test_an_hour_always_has_the_same_key(lake: Lake) -> None:
    now, before = visitor_keys(lake, HOUR)
    assert len(now) == KEY_BYTES
    assert before is None
    assert visitor_keys(lake, HOUR) == (now, None)
    assert visitor_keys(lake, HOUR.next) == (now, None)


def test_the_first_hour_of_a_period_knows_the_key_before(lake: Lake) -> None:
    old, _ = visitor_keys(lake, HOUR)
    new, before = visitor_keys(lake, edge(lake))
    assert before == old != new
    assert visitor_keys(lake, edge(lake).next) == (new, None)


def test_hours_know_the_key_before_as_far_as_the_gap_reaches(lake: Lake) -> None:
    old, _ = visitor_keys(lake, HOUR)
    sessions = lake.settings.sessions.model_copy(update={"timeout_seconds": 7201})
    patient = Lake(lake.settings.model_copy(update={"sessions": sessions}), lake.session)
    known = [visitor_keys(patient, edge(lake).plus(hours))[1] for hours in range(-1, 4)]
    assert known == [None, old, old, old, None]


def test_all_who_need_a_key_at_once_get_the_same_one(lake: Lake) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {*pool.map(lambda _: visitor_keys(lake, HOUR), range(16))}
    assert len(found) == 1


def test_a_new_periods_key_destroys_those_past_the_replay_window(lake: Lake) -> None:
    days = lake.settings.privacy.key_days
    old, _ = visitor_keys(lake, HOUR)
    visitor_keys(lake, Hour.of(LONG_AFTER), now=LONG_AFTER)
    assert [*periods(lake)] == [KeyPeriod.of(Hour.of(LONG_AFTER), days)]
    again, _ = visitor_keys(lake, HOUR, now=LONG_AFTER)
    assert again != old, "the destroyed key came back"
    assert len([*periods(lake)]) == 2, "an old hour's key is no reason to destroy any"


def test_a_key_lives_through_its_replay_window(lake: Lake) -> None:
    visitor_keys(lake, HOUR)
    end = KeyPeriod.of(HOUR, lake.settings.privacy.key_days).end
    last = end + timedelta(days=lake.settings.privacy.replay_days)
    assert destroy_expired(lake, last) == []
    assert len(destroy_expired(lake, last + timedelta(seconds=1))) == 1
    assert [*periods(lake)] == []


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(1, 366))
def test_every_hour_lies_in_exactly_one_period_of_a_length(moment: datetime, days: int) -> None:
    hour = Hour.of(moment.replace(tzinfo=UTC))
    period = KeyPeriod.of(hour, days)
    assert period.start <= hour.start < period.end
    assert KeyPeriod.of(Hour(period.end), days).start == period.end
    assert KeyPeriod.of(Hour(period.end).previous, days) == period
    assert KeyPeriod.named(period.name) == period


@pytest.mark.parametrize("days", [1, 30])
def test_a_period_begins_at_midnight(days: int) -> None:
    assert KeyPeriod.of(HOUR, days).start.time().isoformat() == "00:00:00"


@pytest.mark.parametrize(
    "name", ["test", "2026-11-20", "2026-13-40-30d", "2026-11-03-x", "a/b-30d"]
)
def test_other_secrets_below_the_prefix_are_left_alone(lake: Lake, name: str) -> None:
    secret = f"{lake.settings.lake.key_secret}/{name}"
    lake.secrets.create_secret(Name=secret, SecretString="another's")
    visitor_keys(lake, HOUR)
    visitor_keys(lake, Hour.of(LONG_AFTER), LONG_AFTER)  # destroys those past the window
    assert [*periods(lake)] == [KeyPeriod.of(Hour.of(LONG_AFTER), lake.settings.privacy.key_days)]
    assert lake.secrets.get_secret_value(SecretId=secret)["SecretString"] == "another's"


def test_a_key_that_a_killed_build_left_behind_is_destroyed_by_maintenance(lake: Lake) -> None:
    """The build created the new period's key, and was killed before it destroyed the old one."""
    visitor_keys(lake, HOUR)
    now = KeyPeriod.of(Hour.of(LONG_AFTER), lake.settings.privacy.key_days)
    KeyRing(lake, LONG_AFTER - timedelta(days=365)).of_hour(Hour(now.start).next)
    old = KeyPeriod.of(HOUR, lake.settings.privacy.key_days)
    assert destroy_left_behind(lake, LONG_AFTER, dry_run=True) == [old]
    assert len([*periods(lake)]) == 2
    assert destroy_left_behind(lake, LONG_AFTER) == [old]
    assert [*periods(lake)] == [now]
    assert destroy_left_behind(lake, LONG_AFTER) == []


def test_maintenance_leaves_the_key_of_a_build_of_old_hours(lake: Lake) -> None:
    """Its hours are past the replay window, and its next ones need the key tomorrow."""
    recent = datetime.now(UTC)
    old = Hour.of(recent - timedelta(days=400))
    visitor_keys(lake, old, recent)
    assert destroy_left_behind(lake, recent + timedelta(seconds=1)) == []
    next_period = KeyPeriod.of(Hour.of(recent), lake.settings.privacy.key_days).end
    assert len(destroy_left_behind(lake, next_period)) == 1
