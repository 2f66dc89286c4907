"""The visitor keys in Secrets Manager: one for each period, made when it is first needed.

A period is so many days, counted from 1970-01-01, so any machine finds the same one for an hour.
While its key exists, an hour can be built again to the same visitor ids. When the current period's
key is made, those past the replay window are destroyed: the ids they made can never be tied to an
address again. An hour older than the window still gets a key, for as long as that one lives.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from clickstream.hours import Hour
from clickstream.lake.client import Lake

KEY_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """The days that one key is good for."""

    start: datetime
    days: int

    @classmethod
    def of(cls, hour: Hour, days: int) -> Period:
        """The period that an hour lies in."""
        number = (hour.start - _EPOCH).days // days
        return cls(_EPOCH + timedelta(days=number * days), days)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return self.start + timedelta(days=self.days)

    @property
    def name(self) -> str:
        """How its key is called: its first day, and its length in days."""
        return f"{self.start:%Y-%m-%d}-{self.days}d"

    @classmethod
    def named(cls, name: str) -> Period:
        """The reverse of `name`."""
        day, _, days = name.rpartition("-")
        return cls(datetime.fromisoformat(day).replace(tzinfo=UTC), int(days.removesuffix("d")))


def visitor_keys(lake: Lake, hour: Hour, now: datetime | None = None) -> tuple[bytes, bytes | None]:
    """The key that holds in an hour, and the one before it if sessions may be open under that."""
    days, gap = lake.settings.privacy.key_days, lake.settings.sessions.gap_seconds
    period, before = Period.of(hour, days), Period.of(hour.reaching_back(gap), days)
    now = now or datetime.now(UTC)
    earlier = _key(lake, before, now) if before != period else None
    return _key(lake, period, now), earlier


def periods(lake: Lake) -> Iterator[Period]:
    """The periods whose keys exist."""
    prefix = lake.settings.lake.key_secret + "/"
    pages = lake.secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [prefix]}]
    )
    for page in pages:
        yield from (Period.named(s["Name"].removeprefix(prefix)) for s in page["SecretList"])


def destroy_expired(lake: Lake, now: datetime) -> list[Period]:
    """Destroy, for good, the keys of periods that ended before the replay window."""
    window = timedelta(days=lake.settings.privacy.replay_days)
    expired = [period for period in periods(lake) if period.end + window < now]
    for period in expired:
        lake.secrets.delete_secret(SecretId=_name(lake, period), ForceDeleteWithoutRecovery=True)
    return expired


def _key(lake: Lake, period: Period, now: datetime) -> bytes:
    """The period's key. Of two makers at once one wins, and both get that one's key."""
    return _stored(lake, period) or _made(lake, period, now)


def _made(lake: Lake, period: Period, now: datetime) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    try:
        lake.secrets.create_secret(
            Name=_name(lake, period),
            Description=f"Key of visitor ids from {period.start:%Y-%m-%d}, {period.days} days.",
            SecretString=key.hex(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
        return _stored(lake, period) or _made(lake, period, now)
    if period.start <= now < period.end:
        destroy_expired(lake, now)
    return key


def _stored(lake: Lake, period: Period) -> bytes | None:
    try:
        secret = lake.secrets.get_secret_value(SecretId=_name(lake, period))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return bytes.fromhex(secret["SecretString"])


def _name(lake: Lake, period: Period) -> str:
    return f"{lake.settings.lake.key_secret}/{period.name}"
