"""The customers' secret: one of a lake, which outlives all visitor keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.customer_secret import customer_secret
from clickstream.lake.visitor_keys import KEY_BYTES, KeyRing, destroy_expired, periods


def test_processes_at_once_get_one_secret_which_is_never_destroyed(lake: Lake) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = {*pool.map(lambda _: customer_secret(lake), range(16))}
    [secret] = found
    assert len(secret) == KEY_BYTES
    KeyRing(lake).of_hour(Hour.parse("2026-11-20T05"))
    assert destroy_expired(lake, datetime(2028, 1, 1, tzinfo=UTC))
    assert [*periods(lake)] == []
    assert customer_secret(lake) == secret
