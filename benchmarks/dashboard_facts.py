"""Writes synthetic fact files for the dashboard without the pipeline.

A day has 20,000 page views in 7,000 visits by default, spread over 24 hours with a few hundred
pages, sources and campaigns; the same seed gives the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from clickstream.lake import Lake, fact_files, objects
from clickstream.lake.fact_files import FactFile, Manifest

VIEWS_PER_VISIT = 20 / 7
PAGES, CAMPAIGNS, SITES, CITIES = 240, 24, 60, 400
HOURS_OF_A_DAY = 24
CHANNELS = "Direct,Organic Search,Paid Search,Email,Organic Social,Referral,AI Assistants".split(
    ","
)
BOT_CLASSES = "search engine,ai training,ai search,monitor,seo,tool,scanner,link preview".split(",")


@dataclass(frozen=True)
class Volume:
    """The amount of traffic on each day."""

    page_views: int = 20_000
    seed: int = 7

    @property
    def visits(self) -> int:
        """Visits of a day."""
        return round(self.page_views / VIEWS_PER_VISIT)


def write_facts(lake: Lake, last: date, days: int, volume: Volume) -> int:
    """Write the fact files of a number of days up to `last`, and a manifest; return their bytes."""
    files: dict[str, dict[date, FactFile]] = {}
    for number in range(days):
        _write_day(lake, files, last - timedelta(days=number), volume, "first")
    fact_files.write_manifest(lake, Manifest(1, _changed_at(last), "UTC", files), None)
    return sum(item.size for item in objects.listed(lake, fact_files.PREFIX))


def rewrite_days(lake: Lake, days: Sequence[date], volume: Volume, version: str) -> None:
    """Write other rows for some days, as the publication of an hour does for two."""
    stored = fact_files.read_manifest(lake)
    if stored is None:
        raise ValueError("There is no manifest to change; call write_facts first.")
    files = {view: dict(of_view) for view, of_view in stored.manifest.files.items()}
    more = Volume(volume.page_views + 100, volume.seed + 1)
    for day in days:
        _write_day(lake, files, day, more, version)
    changed = Manifest(stored.manifest.version + 1, _changed_at(days[0]), "UTC", files)
    fact_files.write_manifest(lake, changed, stored.etag)


def _changed_at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


def _write_day(
    lake: Lake, files: dict[str, dict[date, FactFile]], day: date, volume: Volume, version: str
) -> None:
    for view, rows in _rows_of(day, volume).items():
        file = fact_files.write_file(lake, view, day, rows, version)
        files.setdefault(view, {})[day] = file


def _rows_of(day: date, volume: Volume) -> dict[str, pa.Table]:
    rng = np.random.default_rng([volume.seed, day.toordinal()])
    visits = _visits(rng, day, volume)
    return {
        "session_facts": visits,
        "page_view_facts": _page_views(rng, visits),
        "goal_facts": _goals(visits),
        "session_error_facts": _session_errors(rng, visits),
        **_machine_side(rng, day, volume, visits),
    }


def _visits(rng: np.random.Generator, day: date, volume: Volume) -> pa.Table:
    many = volume.visits
    hours = np.minimum(rng.normal(13, 4.5, many).astype(int) % HOURS_OF_A_DAY, 23)
    views = 1 + rng.poisson(VIEWS_PER_VISIT - 1, many)
    seconds = (views - 1) * rng.integers(5, 90, many)
    conversions = rng.random(many) < 0.06
    place = rng.zipf(1.5, many) % CITIES
    midnight = np.datetime64(day, "us")
    started = midnight + (hours * 3600 + rng.integers(0, 3600, many)) * np.timedelta64(1, "s")
    columns = {
        "session_id": _ids(rng.integers(0, 1 << 62, many)),
        "visitor_id": _ids(rng.integers(0, many * 20, many) + (1 << 61)),
        "site": ["cafe"] * many,
        "channel": _picked(rng, CHANNELS, many),
        "source": _named(rng, "source", SITES, many),
        "medium": _named(rng, "medium", 5, many),
        "referrer_domain": _named(rng, "site", SITES, many, missing=0.4),
        "utm_campaign": _named(rng, "campaign", CAMPAIGNS, many, missing=0.7),
        "utm_term": _named(rng, "term", 10, many, missing=0.9),
        "utm_content": _named(rng, "advertisement", 10, many, missing=0.9),
        "landing_page": _named(rng, "/cafe/page", PAGES, many),
        "exit_page": _named(rng, "/cafe/page", PAGES, many),
        "device": _picked(rng, ["desktop", "mobile", "tablet"], many),
        "browser": _named(rng, "Browser", 12, many),
        "os": _named(rng, "System", 8, many),
        "country": _picked(rng, "GB US DE FR IE NL ES IT PL KH".split(), many),
        "region": [f"Region {number % 40}" for number in place],
        "city": [f"City {number}" for number in place],
        "page_views": views.astype("int32"),
        "requests": (views * 8).astype("int32"),
        "errors": (rng.random(many) < 0.02).astype("int32"),
        "conversions": conversions.astype("int32"),
        "funnel_steps": np.where(conversions, 4, rng.integers(0, 4, many)).astype("int32"),
        "duration_seconds": seconds.astype("int32"),
        "is_bounce": views == 1,
        "is_engaged": (views > 1) | (seconds > 10),
        "started_at": started,
        "local_date": [day] * many,
        "local_hour": hours.astype("int32"),
        "local_weekday": np.full(many, day.isoweekday(), "int32"),
        "session_date": [day] * many,
    }
    return pa.table(columns)


def _page_views(rng: np.random.Generator, visits: pa.Table) -> pa.Table:
    times = np.asarray(visits["page_views"])
    place = np.repeat(np.arange(len(times)), times)
    number = np.arange(len(place)) - np.repeat(np.cumsum(times) - times, times)
    kept = ("session_id", "visitor_id", "local_date", "local_hour", "session_date")
    rows = visits.select(kept).take(pa.array(place))
    pages = _named(rng, "/cafe/page", PAGES, len(place))
    is_last = number + 1 == times[place]
    own = {
        "page": pages,
        "next_page": pa.array(np.roll(np.asarray(pages), -1), mask=is_last),
        "view_number": (number + 1).astype("int32"),
        "dwell_seconds": rng.integers(2, 120, len(place)).astype("int32"),
        "is_estimated": is_last,
        "is_landing_page": number == 0,
        "is_exit_page": is_last,
    }
    for name, values in own.items():
        rows = rows.append_column(name, pa.array(values))
    return rows


def _goals(visits: pa.Table) -> pa.Table:
    kept = ("session_id", "visitor_id", "local_date", "local_hour", "session_date")
    rows = visits.filter(pa.array(np.asarray(visits["conversions"]) > 0)).select(kept)
    rows = rows.append_column("goal", pa.array(["order"] * len(rows)))
    return rows.append_column("times", pa.array(np.ones(len(rows), "int32")))


def _session_errors(rng: np.random.Generator, visits: pa.Table) -> pa.Table:
    kept = ("session_id", "visitor_id", "funnel_steps", "local_date", "local_hour", "session_date")
    rows = visits.filter(pa.array(np.asarray(visits["errors"]) > 0)).select(kept)
    many = len(rows)
    own = {
        "page": _named(rng, "/cafe/page", 20, many),
        "status": rng.choice([404, 404, 404, 500], many).astype("int32"),
        "kind": ["client_error"] * many,
        "requests": np.ones(many, "int64"),
        "first_at": np.full(many, np.datetime64("2026-01-01", "us")),
    }
    for name, values in own.items():
        rows = rows.append_column(name, pa.array(values))
    return rows


def _machine_side(
    rng: np.random.Generator, day: date, volume: Volume, visits: pa.Table
) -> dict[str, pa.Table]:
    """Hours, sources, bots, errors and rejects: few rows, independent of the traffic."""
    hours = _hours(day, volume)
    errors = visits.select(["visitor_id", "local_hour"]).slice(0, volume.visits // 50)
    dated = {"local_date": [day], "event_date": [day]}
    kinds = len(BOT_CLASSES) * HOURS_OF_A_DAY
    at = np.tile(np.asarray(hours["hour_at"]), len(BOT_CLASSES))
    bots = {
        "bot_class": np.repeat(BOT_CLASSES, HOURS_OF_A_DAY),
        "bot_reason": ["named in the agent"] * kinds,
        "agent": np.repeat([f"{name} bot" for name in BOT_CLASSES], HOURS_OF_A_DAY),
        "requests": rng.integers(1, 60, kinds).astype("int64"),
        "errors": np.zeros(kinds, "int64"),
        "hour_at": at,
        "local_hour": np.tile(np.arange(HOURS_OF_A_DAY, dtype="int32"), len(BOT_CLASSES)),
    }
    met = len(errors)
    troubles = {
        "page": _named(rng, "/cafe/page", 20, met),
        "status": rng.choice([404, 404, 404, 500], met).astype("int32"),
        "kind": ["client_error"] * met,
        "visitor_id": errors["visitor_id"],
        "requests": np.ones(met, "int64"),
        "local_hour": errors["local_hour"],
    }
    base = hours.select(
        ["hour_at", "local_date", "local_hour", "lines", "late_lines", "event_date"]
    )
    sources = base.append_column("source", pa.array(["web-1"] * HOURS_OF_A_DAY))
    rejects = base.drop_columns(["late_lines", "lines"])
    rejects = rejects.append_column("lines", pa.array(np.full(HOURS_OF_A_DAY, 2, "int64")))
    reason = pa.array(["not an access-log line"] * HOURS_OF_A_DAY)
    return {
        "hour_facts": hours,
        "source_facts": sources,
        "bot_facts": pa.table({**bots, **{k: v * kinds for k, v in dated.items()}}),
        "error_facts": pa.table({**troubles, **{k: v * met for k, v in dated.items()}}),
        "reject_facts": rejects.append_column("reason", reason),
        "place_facts": _places(day, visits),
    }


def _places(day: date, visits: pa.Table) -> pa.Table:
    """One row per city, as the views have it, with made-up coordinates."""
    names = ["country", "region", "city"]
    rows = visits.select([*names, "requests"]).group_by(names).aggregate([("requests", "sum")])
    rows = rows.rename_columns([*names, "requests"])
    for name in ("latitude", "longitude"):
        rows = rows.append_column(name, pa.array(np.arange(len(rows)) % 90.0))
    for name in ("local_date", "event_date"):
        rows = rows.append_column(name, pa.array([day] * len(rows)))
    return rows


def _hours(day: date, volume: Volume) -> pa.Table:
    hours = np.arange(HOURS_OF_A_DAY)
    people = volume.page_views // HOURS_OF_A_DAY
    counts = {
        "page_requests": people,
        "assets": people * 6,
        "bots": people // 2,
        "rejected": 2,
        **dict.fromkeys(("downloads", "redirects", "client_errors", "server_errors"), 3),
        **dict.fromkeys(("health_checks", "api_calls", "others"), 0),
    }
    many = {name: np.full(HOURS_OF_A_DAY, value, "int64") for name, value in counts.items()}
    zeros = np.zeros(HOURS_OF_A_DAY, "int64")
    return pa.table(
        {
            "hour_at": np.datetime64(day, "us") + hours * np.timedelta64(1, "h"),
            "local_date": [day] * HOURS_OF_A_DAY,
            "local_hour": hours.astype("int32"),
            "lines": np.full(HOURS_OF_A_DAY, sum(counts.values()), "int64"),
            **many,
            "late_lines": zeros,
            "late_by_seconds": zeros,
            "waiting_lines": zeros,
            "session_parts": zeros,
            "visitor_key": [f"key {day.toordinal() // 30}"] * HOURS_OF_A_DAY,
            "timeout_seconds": zeros + 1800,
            "library_version": ["1.0"] * HOURS_OF_A_DAY,
            "settings_digest": ["0123456789abcdef"] * HOURS_OF_A_DAY,
            "event_date": [day] * HOURS_OF_A_DAY,
        }
    )


def _ids(numbers: np.ndarray) -> list[str]:
    return [f"{int(number):016x}" for number in numbers]


def _picked(rng: np.random.Generator, names: Sequence[str], many: int) -> pa.Array:
    return pa.array(np.asarray(names)[rng.integers(0, len(names), many)])


def _named(
    rng: np.random.Generator, stem: str, kinds: int, many: int, missing: float = 0.0
) -> pa.Array:
    """Draw names, with decreasing frequencies; a share of them is null."""
    numbers = rng.zipf(1.4, many) % kinds
    names = np.asarray([f"{stem} {number}" for number in range(kinds)])
    return pa.array(names[numbers], mask=rng.random(many) < missing)
