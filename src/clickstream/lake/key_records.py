"""Records about visitor keys, as objects in the lake: when one was destroyed, which period is open.

`visitor_keys/destroyed/PERIOD/DIGEST.json` says when a key was destroyed; it is written before the
key goes. `visitor_keys/open/PERIOD.json` says that the hours of a period may be built again though
their key is destroyed, because an operator asked for new visitor ids. It is removed when all hours
of the period have them, so a build that is killed can be completed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from clickstream.lake import objects
from clickstream.lake.client import Lake

DESTROYED = "visitor_keys/destroyed/"
OPEN = "visitor_keys/open/"


@dataclass(frozen=True)
class OpenPeriod:
    """A period whose hours get new visitor ids: its name, since when (aware), by which run."""

    name: str
    opened_at: datetime
    opened_by: str


def record_destroyed(lake: Lake, key_id: str, now: datetime) -> None:
    """Record that a key is destroyed at `now`, an aware time."""
    body = json.dumps({"destroyed_at": now.astimezone(UTC).isoformat(timespec="seconds")})
    objects.put(lake, f"{DESTROYED}{key_id}.json", body.encode())


def destroyed_at(lake: Lake, key_id: str) -> datetime | None:
    """When a key was destroyed; None if nothing is recorded, as by earlier versions."""
    stored = objects.get(lake, f"{DESTROYED}{key_id}.json")
    return datetime.fromisoformat(json.loads(stored.body)["destroyed_at"]) if stored else None


def open_period(lake: Lake, name: str, run_id: str, now: datetime) -> None:
    """Allow the hours of a period to be built again with new visitor ids."""
    body = {"opened_at": now.astimezone(UTC).isoformat(timespec="seconds"), "opened_by": run_id}
    objects.put(lake, f"{OPEN}{name}.json", json.dumps(body).encode())


def open_periods(lake: Lake) -> list[OpenPeriod]:
    """The periods whose hours may get new visitor ids, in order of their names."""
    names = [key.removeprefix(OPEN).removesuffix(".json") for key, _ in objects.listing(lake, OPEN)]
    found = [(name, objects.get(lake, f"{OPEN}{name}.json")) for name in names]
    return [_parse(name, stored.body) for name, stored in found if stored]


def _parse(name: str, body: bytes) -> OpenPeriod:
    values = json.loads(body)
    return OpenPeriod(name, datetime.fromisoformat(values["opened_at"]), values["opened_by"])


def close_period(lake: Lake, name: str) -> None:
    """End the permission to give a period's hours new visitor ids."""
    objects.delete(lake, [f"{OPEN}{name}.json"])
