"""Plan of a simulated lake: its hours, its devices, its visitor keys, its settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from clickstream.core.hours import Hour

ROOT = Path(__file__).parents[2]
DATABASE = "age"
REGION = "eu-central-1"
KEY_DAYS, REPLAY_DAYS = 30, 90
"""The defaults of `privacy`; a short lake has shorter ones, so that some keys are destroyed."""

DEVICE_DAYS = 57
"""Largest age of the device whose first request a late line precedes."""

DRY_RUN_DAYS = 90


@dataclass(frozen=True)
class Plan:
    """A lake of `days` days of 24 hours, whose last hour is `last`, such as `2026-11-20T05`.

    `device` is the hour of the second device's first request. Hours are text, for JSON.
    """

    days: int
    lines_per_hour: int
    last: str
    device: str

    @classmethod
    def up_to_now(cls, days: int, lines_per_hour: int) -> Self:
        """Return the plan of the lake that ends with the last complete hour."""
        return cls.up_to(Hour.of(datetime.now(UTC)).previous, days, lines_per_hour)

    @classmethod
    def up_to(cls, last: Hour, days: int, lines_per_hour: int) -> Self:
        """Return the plan of the lake that ends with `last`.

        The key of the device's first hour still exists. It is the second hour of a day, from which
        a change reaches far; the first hour of a period would need the key of the period before.
        """
        age = min(DEVICE_DAYS, replay_days(days))
        device = Hour.first_of(str(last.minus(24 * age - 1).event_date)).next
        return cls(days, lines_per_hour, str(last), str(device))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written."""
        return cls(**json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2))

    @property
    def last_hour(self) -> Hour:
        """The newest hour."""
        return Hour.parse(self.last)

    @property
    def first_hour(self) -> Hour:
        """The oldest hour."""
        return self.last_hour.minus(24 * self.days - 1)

    @property
    def device_first(self) -> Hour:
        """The hour of the second device's first request."""
        return Hour.parse(self.device)

    @property
    def middle_day(self) -> str:
        """A complete day in the middle of the lake, by which views are filtered."""
        return str(self.last_hour.minus(12 * self.days).event_date)

    @property
    def dry_run_first(self) -> Hour:
        """The first hour of the range of the dry run."""
        return max(self.first_hour, self.last_hour.minus(24 * DRY_RUN_DAYS - 1))

    def write_settings(self, directory: Path) -> Path:
        """Write `clickstream.toml` and the source's directory; returns the file's path."""
        (directory / "logs").mkdir(parents=True, exist_ok=True)
        path = directory / "clickstream.toml"
        text = SETTINGS.format(
            database=DATABASE,
            region=REGION,
            sql=ROOT / "include" / "sql",
            key_days=key_days(self.days),
            replay_days=replay_days(self.days),
        )
        path.write_text(text, encoding="utf-8")
        return path


def key_days(days: int) -> int:
    """Return the length of a period of visitor keys, in days, for a lake of some days."""
    return min(KEY_DAYS, max(days // 2, 1))


def replay_days(days: int) -> int:
    """Return the days after its period that a key is destroyed.

    They are few enough that some keys of a lake of that many days are destroyed.
    """
    return min(REPLAY_DAYS, max(days - key_days(days) - 1, 1))


SETTINGS = """\
[site]
name = "cafe"
domains = ["www.anycompany-cafe.example"]

[lake]
bucket = "{database}"
database = "{database}"
key_secret = "{database}/visitor-keys"

[aws]
region = "{region}"

[privacy]
key_days = {key_days}
confirm_cost = true
replay_days = {replay_days}

[build]
sql_directory = "{sql}"

[[sources]]
name = "web-1"
path = "logs"
format = "combined"

[goals.order]
page = '/cafe/orderConfirmation\\.php'

[[funnel]]
name = "menu"
page = '/cafe/menu(\\.php|/.+)'

[[funnel]]
name = "order confirmed"
page = '/cafe/orderConfirmation\\.php'
"""
