"""Visitor keys in Secrets Manager, one for each key period, and records about them in the lake.

A period is a number of days, counted from 1970-01-01, so every machine computes the same one for an
hour. Its key is created when it is first needed. While the key is stored, an hour can be built
again with the same visitor ids. When the key of the current period is created, the keys past the
replay window are destroyed: their visitor ids can never again be linked to an address. The daily
maintenance destroys those that a killed build left behind. The first build of an hour older than
the window creates a key for its period, which is kept until the next period begins.

`visitor_keys/destroyed/PERIOD/DIGEST.json` records when a key was destroyed; it is written before
the key is deleted. `visitor_keys/open/PERIOD.json` records that the hours of a period may be built
again although their key is destroyed, because an operator asked for new visitor ids. It is removed
when all hours of the period have them, so a build that is killed can be completed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore
from clickstream.settings import Settings


@dataclass(frozen=True)
class OpenPeriod:
    """A period whose hours get new visitor ids: its name, since when (aware), and for which run."""

    name: str
    opened_at: datetime
    opened_by: str


DESTROYED_KEYS = RecordStore("visitor_keys/destroyed/", datetime)
"""When each key was destroyed, by its id."""

OPEN_PERIODS = RecordStore("visitor_keys/open/", OpenPeriod)


def open_periods(lake: Lake) -> list[OpenPeriod]:
    """Return the periods whose hours may get new visitor ids, in order of their names."""
    return [
        period
        for period in OPEN_PERIODS.read_all(lake, [*OPEN_PERIODS.names(lake)])
        if period is not None
    ]


KEY_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class KeyPeriod:
    """The days for which one key is used."""

    start: datetime
    days: int

    @classmethod
    def of(cls, hour: Hour, days: int) -> KeyPeriod:
        """Return the period of an hour."""
        number = (hour.start - _EPOCH).days // days
        return cls(_EPOCH + timedelta(days=number * days), days)

    @property
    def end(self) -> datetime:
        """The first instant after the period."""
        return self.start + timedelta(days=self.days)

    @property
    def last_day(self) -> date:
        """The last UTC day."""
        return (self.end - timedelta(days=1)).date()

    @property
    def name(self) -> str:
        """The name of its key: its first day, and its length in days."""
        return f"{self.start:%Y-%m-%d}-{self.days}d"

    @classmethod
    def named(cls, name: str) -> KeyPeriod:
        """Return the period of a `name`."""
        day, _, days = name.rpartition("-")
        return cls(datetime.fromisoformat(day).replace(tzinfo=UTC), int(days.removesuffix("d")))


@dataclass(frozen=True)
class StoredKey:
    """The key of a period as Secrets Manager stores it."""

    period: KeyPeriod
    secret: bytes

    @property
    def id(self) -> str:
        """The key's id in the ledger, like `2026-11-03-30d/5b1c9f0e2d7a`.

        It is the period's name and a digest of the random key. The digest distinguishes the key
        from a later key of the same period, and does not reveal it.
        """
        digest = blake2b(self.secret, digest_size=6, person=b"visitor key").hexdigest()
        return f"{self.period.name}/{digest}"


@dataclass(frozen=True)
class KeyIds:
    """The ids of the keys that an hour was built with.

    `earlier` is the key of the period before, for hours that sessions of that period may reach.
    """

    own: str
    earlier: str | None = None

    def recognize(self, earlier_hour: KeyIds) -> bool:
        """Return whether an hour with these keys recognizes the visitors of an earlier hour."""
        return earlier_hour.own in (self.own, self.earlier)


@dataclass(frozen=True)
class HourKeys:
    """The key of an hour, and the one before it if sessions under that key may be open."""

    now: StoredKey
    before: StoredKey | None

    @property
    def ids(self) -> KeyIds:
        """The ids of both keys."""
        return KeyIds(self.now.id, self.before.id if self.before else None)


class KeyRing:
    """The keys of one operation: each is read once, so all its hours use the same."""

    def __init__(self, lake: Lake, now: datetime | None = None) -> None:
        self._lake, self._now = lake, now
        self._known: dict[KeyPeriod, StoredKey | None] = {}

    def stored(self, period: KeyPeriod) -> StoredKey | None:
        """Return the period's key; None if it was never created, or is destroyed."""
        if period not in self._known:
            self._known[period] = _stored(self._lake, period)
        return self._known[period]

    def has(self, key_id: str) -> bool:
        """Return whether the key with this id is stored."""
        key = self.stored(KeyPeriod.named(key_id.partition("/")[0]))
        return key is not None and key.id == key_id

    def of_hour(self, hour: Hour) -> HourKeys:
        """Return the keys that an hour is built with; missing ones are created."""
        period, before = periods_of(self._lake.settings, hour)
        return HourKeys(self._key(period), self._key(before) if before else None)

    def _key(self, period: KeyPeriod) -> StoredKey:
        """Return the period's key. If two processes create it at once, both get the same one."""
        key = self.stored(period) or _create(self._lake, period, self._now or datetime.now(UTC))
        self._known[period] = key
        return key


def periods_of(settings: Settings, hour: Hour) -> tuple[KeyPeriod, KeyPeriod | None]:
    """Return the period of an hour, and the one before it if its sessions may reach the hour."""
    days, gap = settings.privacy.key_days, settings.sessions.timeout_seconds
    period, before = KeyPeriod.of(hour, days), KeyPeriod.of(hour.reaching_back(gap), days)
    return period, before if before != period else None


def periods(lake: Lake) -> Iterator[KeyPeriod]:
    """Yield the periods whose keys exist."""
    return (period for period, _ in _listed(lake))


def _listed(lake: Lake) -> Iterator[tuple[KeyPeriod, datetime]]:
    """Yield the stored periods, and when their keys were created (aware).

    Other secrets below the prefix are not ours, and are ignored.
    """
    for secret in listed_secrets(lake):
        name = secret["Name"].removeprefix(f"{lake.settings.lake.key_secret}/")
        try:
            period = KeyPeriod.named(name)
        except ValueError:
            continue
        if period.name == name:
            yield period, secret["CreatedDate"].astimezone(UTC)


def listed_secrets(lake: Lake) -> Iterator[Mapping[str, Any]]:
    """Yield what Secrets Manager lists below `[lake] key_secret`, without the values."""
    pages = lake.secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"{lake.settings.lake.key_secret}/"]}]
    )
    return (secret for page in pages for secret in page["SecretList"])


def destroy_expired(lake: Lake, now: datetime) -> list[KeyPeriod]:
    """Destroy, irreversibly, the keys of periods that ended before the replay window.

    The lake records when, but not the key.
    """
    expired = [period for period in periods(lake) if _is_expired(lake, period, now)]
    return _destroy(lake, expired, now)


def destroy_left_behind(lake: Lake, now: datetime, dry_run: bool = False) -> list[KeyPeriod]:
    """Destroy expired keys that were created before the current period.

    The first build of the period should have destroyed them, and may have been killed. Keys that
    builds of old hours have created since then are kept until the next period, so that a build of
    several days keeps its keys.
    """
    began = KeyPeriod.of(Hour.of(now), lake.settings.privacy.key_days).start
    expired = [
        period
        for period, created_at in _listed(lake)
        if _is_expired(lake, period, now) and created_at < began
    ]
    return expired if dry_run else _destroy(lake, expired, now)


def _is_expired(lake: Lake, period: KeyPeriod, now: datetime) -> bool:
    return period.end + timedelta(days=lake.settings.privacy.replay_days) < now


def _destroy(lake: Lake, expired: list[KeyPeriod], now: datetime) -> list[KeyPeriod]:
    for period in expired:
        if key := _stored(lake, period):
            DESTROYED_KEYS.put(lake, key.id, now.astimezone(UTC))
        lake.secrets.delete_secret(SecretId=_name(lake, period), ForceDeleteWithoutRecovery=True)
    return expired


def _create(lake: Lake, period: KeyPeriod, now: datetime) -> StoredKey:
    description = f"Key of visitor ids from {period.start:%Y-%m-%d}, {period.days} days."
    is_created = create_secret(lake, _name(lake, period), description)
    if is_created and period.start <= now < period.end:
        destroy_expired(lake, now)
    return _stored(lake, period) or _create(lake, period, now)


def _stored(lake: Lake, period: KeyPeriod) -> StoredKey | None:
    secret = read_secret(lake, _name(lake, period))
    return None if secret is None else StoredKey(period, secret)


def _name(lake: Lake, period: KeyPeriod) -> str:
    return f"{lake.settings.lake.key_secret}/{period.name}"


def read_secret(lake: Lake, name: str) -> bytes | None:
    """Return a secret of `create_secret`; None if it does not exist."""
    try:
        stored = lake.secrets.get_secret_value(SecretId=name)
    except lake.secrets.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return bytes.fromhex(stored["SecretString"])


def create_secret(lake: Lake, name: str, description: str) -> bool:
    """Create a random secret; return False if there is one of this name."""
    try:
        lake.secrets.create_secret(
            Name=name,
            Description=description,
            SecretString=secrets.token_bytes(KEY_BYTES).hex(),
        )
    except lake.secrets.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
        return False
    return True
