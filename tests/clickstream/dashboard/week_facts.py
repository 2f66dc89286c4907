"""Fact rows of many weeks in columns, for tests that need more visits than a list can hold.

In `Weeks` nothing happens but chance, unless an `Event` is planted: a weekday pattern, days that
differ by more than Poisson's noise, and a slow drift up and down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from tests.clickstream.dashboard.builders import (
    CHANGED_AT,
    KINDS,
    SCHEMAS,
    FactKey,
    FactStore,
    PublishedHour,
    Visit,
    fact_tables,
)
from tests.clickstream.dashboard.week_sales import sales_of

from clickstream.lake.fact_files import FactFile, Manifest

ALL_ROWS = date(2026, 1, 1)
"""The date of the only file of each view: a copy reads one file faster than many."""

WEEKDAYS = np.array([0.85, 0.8, 0.85, 0.95, 1.15, 1.3, 1.1])
"""Visits of Monday to Sunday, as multiples of an average day's."""

HOURS = np.array([1] * 7 + [4, 6, 8, 8, 8, 10, 9, 7, 6, 6, 6, 6, 5, 4, 3, 2, 1], dtype=float)
"""Visits of each hour of the day, in comparison."""

CHANNELS: Mapping[str, float] = {
    **{"Direct": 0.36, "Organic Search": 0.28, "Email": 0.12, "Paid Search": 0.1},
    **{"Organic Social": 0.09, "Referral": 0.04, "AI Assistants": 0.01},
}
CAMPAIGNS = {
    "Email": {"weekly news": 0.7, "cakes": 0.3},
    "Paid Search": {"cakes near me": 0.8, "coffee": 0.2},
}
PAGES = {f"/page-{number}": 1 / (number + 1) for number in range(15)}
COUNTRIES = {"GB": 0.6, "US": 0.12, "DE": 0.1, "FR": 0.06, "CA": 0.05, "SE": 0.04, "JP": 0.03}
DEVICES = {"mobile": 0.6, "desktop": 0.33, "tablet": 0.07}


class ColumnStore(FactStore):
    """Fact files without a digest of their rows, which takes long for many."""

    def put(self, tables: Mapping[FactKey, pa.Table]) -> None:
        """Replace everything by these rows."""
        self.files = {f"facts/{view}/{day}.parquet": rows for (view, day), rows in tables.items()}
        names: dict[str, dict[date, FactFile]] = {}
        for (view, day), rows in tables.items():
            file = FactFile(f"facts/{view}/{day}.parquet", len(rows), "version")
            names.setdefault(view, {})[day] = file
        self.manifest = Manifest(self.manifest.version + 1, CHANGED_AT, "UTC", names)


def table_of(view: str, columns: Mapping[str, Any]) -> pa.Table:
    """A fact table of columns; those that are not given have no values. All are of people."""
    count = len(next(iter(columns.values())))
    columns = {"is_suspected": np.zeros(count, np.bool_), **columns}
    schema = SCHEMAS[view]
    arrays = [
        pa.array(columns[name], one.type, from_pandas=True)
        if name in columns
        else pa.nulls(count, one.type)
        for name, one in zip(schema.names, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def store_of(tables: Mapping[str, pa.Table]) -> FactStore:
    """A store with one file of each view."""
    return ColumnStore(
        {(view, ALL_ROWS): tables.get(view, SCHEMAS[view].empty_table()) for view in SCHEMAS}
    )


def joined_store(visits: Sequence[Visit], hours: Sequence[PublishedHour] = ()) -> FactStore:
    """A store of listed visits and hours with one file of each view."""
    by_view: dict[str, list[pa.Table]] = {}
    for (view, _), rows in fact_tables(visits, hours).items():
        by_view.setdefault(view, []).append(rows)
    return store_of({view: pa.concat_tables(tables) for view, tables in by_view.items()})


@dataclass(frozen=True)
class Event:
    """What is planted: visits of a value of a column are multiplied, from one date to another.

    With `other_column`, only visits that also have `other_value` are multiplied.
    """

    first: date
    last: date
    column: str
    value: str
    times: float
    other_column: str = ""
    other_value: str = ""


@dataclass(frozen=True)
class Weeks:
    """The rules of simulated weeks: how many visits a week on average, and how noisy they are.

    `daily` is the relative standard deviation of a day, `slow` that of the drift, whose memory is
    about three weeks. `growth` is the relative growth a week.
    """

    first: date = date(2022, 1, 3)
    weeks: int = 30
    visits: float = 4000.0
    daily: float = 0.05
    slow: float = 0.03
    seed: int = 7
    conversion: float = 0.07
    growth: float = 0.0
    events: tuple[Event, ...] = field(default=())

    @property
    def days(self) -> int:
        """How many days there are."""
        return 7 * self.weeks

    def store(self) -> FactStore:
        """The fact files of the weeks."""
        rng = np.random.default_rng(self.seed)
        sessions = _sessions(rng, self)
        sales = {name: table_of(name, one) for name, one in sales_of(self.seed, sessions).items()}
        return store_of(
            {
                **sales,
                "session_facts": table_of("session_facts", sessions),
                "page_view_facts": table_of("page_view_facts", _page_views(rng, sessions)),
                "goal_facts": table_of("goal_facts", goals_of(sessions)),
                "session_error_facts": table_of("session_error_facts", _failures(rng, sessions)),
                "hour_facts": table_of("hour_facts", hours_of_days(self.first, self.days)),
                "bot_facts": table_of("bot_facts", _bots(rng, self)),
                "error_facts": table_of("error_facts", _errors(rng, self)),
            }
        )

    def with_event(self, **values: Any) -> Weeks:
        """The same weeks with one more event."""
        return replace(self, events=(*self.events, Event(**values)))


def _drift(rng: np.random.Generator, days: int, size: float) -> np.ndarray:
    """A slow relative drift: each day keeps 95 % of the day before's."""
    steps = rng.normal(0, size * np.sqrt(1 - 0.95**2), days)
    drift = np.empty(days)
    drift[0] = rng.normal(0, size)
    for day in range(1, days):
        drift[day] = 0.95 * drift[day - 1] + steps[day]
    return np.exp(drift)


def _pick(rng: np.random.Generator, shares: Mapping[str, float], count: int) -> np.ndarray:
    weights = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares), dtype=object), count, p=weights / weights.sum())


def _counts(rng: np.random.Generator, rules: Weeks, shares: Mapping[str, float]) -> np.ndarray:
    """The visits of each channel and day."""
    start = rules.first.weekday()
    pattern = WEEKDAYS[(np.arange(rules.days) + start) % 7]
    pattern = pattern * (1 + rules.growth) ** (np.arange(rules.days) / 7)
    whole = _drift(rng, rules.days, rules.slow) * np.exp(rng.normal(0, rules.daily, rules.days))
    most = _most_times(rules)
    rows = []
    for share in shares.values():
        own = _drift(rng, rules.days, rules.slow) * np.exp(rng.normal(0, rules.daily, rules.days))
        rows.append(rng.poisson(rules.visits / 7 * share * pattern * whole * own * most))
    return np.array(rows)


def _sessions(rng: np.random.Generator, rules: Weeks) -> dict[str, Any]:
    counts = _counts(rng, rules, CHANNELS)
    names = np.array(list(CHANNELS), dtype=object)
    channel = np.repeat(np.repeat(names, rules.days), counts.ravel())
    day = np.repeat(np.tile(np.arange(rules.days), len(names)), counts.ravel())
    campaign = np.full(len(day), None, dtype=object)
    for name, shares in CAMPAIGNS.items():
        mine = channel == name
        campaign[mine] = _pick(rng, shares, int(mine.sum()))
    columns: dict[str, Any] = {
        "channel": channel,
        "utm_campaign": campaign,
        "landing_page": _pick(rng, PAGES, len(day)),
        "country": _pick(rng, COUNTRIES, len(day)),
        "device": _pick(rng, DEVICES, len(day)),
        "conversions": (rng.random(len(day)) < rules.conversion).astype(int),
        "funnel_steps": rng.choice(4, len(day), p=[0.5, 0.3, 0.13, 0.07]),
        "is_engaged": rng.random(len(day)) < 0.55,
        "visitor": rng.integers(0, max(int(rules.visits), 1), len(day)) + 10_000 * (day // 30),
    }
    day, columns = _with_events(rng, rules, day, columns)
    order = np.argsort(day, kind="stable")
    return _finish(rng, rules, day[order], {name: one[order] for name, one in columns.items()})


def _most_times(rules: Weeks) -> np.ndarray:
    """The largest multiple of each day's visits that events can make, at least 1."""
    most = np.ones(rules.days)
    for event in rules.events:
        first, last = ((one - rules.first).days for one in (event.first, event.last))
        most[max(first, 0) : last + 1] *= max(event.times, 1.0)
    return most


def _with_events(
    rng: np.random.Generator, rules: Weeks, day: np.ndarray, columns: dict[str, Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """Keep as many rows as events leave of those that `_most_times` has added.

    So each added visit is drawn on its own. Copies of visits would be lumpier than chance.
    """
    times = 1 / _most_times(rules)[day]
    for event in rules.events:
        first, last = ((one - rules.first).days for one in (event.first, event.last))
        inside = (day >= first) & (day <= last) & (columns[event.column] == event.value)
        if event.other_column:
            inside &= columns[event.other_column] == event.other_value
        times[inside] *= event.times
    kept = rng.random(len(day)) < times
    return day[kept], {name: values[kept] for name, values in columns.items()}


def _finish(
    rng: np.random.Generator, rules: Weeks, day: np.ndarray, columns: dict[str, Any]
) -> dict[str, Any]:
    count = len(day)
    dates = np.datetime64(rules.first) + day
    hour = rng.choice(24, count, p=HOURS / HOURS.sum())
    visitor = columns.pop("visitor")
    return {
        **columns,
        "session_id": [f"{number:016x}" for number in range(1, count + 1)],
        "visitor_id": [f"{number:016x}" for number in visitor],
        "source": columns["channel"],
        "exit_page": columns["landing_page"],
        "page_views": rng.integers(1, 4, count),
        "local_date": dates,
        "session_date": dates,
        "local_hour": hour,
        "started_at": dates.astype("datetime64[us]") + hour * np.timedelta64(1, "h"),
    }


def _page_views(rng: np.random.Generator, sessions: Mapping[str, Any]) -> dict[str, Any]:
    """The landing page, and further ones."""
    times = sessions["page_views"]
    place = np.repeat(np.arange(len(times)), times)
    first = np.concatenate([[True], place[1:] != place[:-1]])
    landing = sessions["landing_page"][place]
    return {
        "session_id": np.array(sessions["session_id"], dtype=object)[place],
        "visitor_id": np.array(sessions["visitor_id"], dtype=object)[place],
        "page": np.where(first, landing, _pick(rng, PAGES, len(place))),
        "is_landing_page": first,
        **{name: sessions[name][place] for name in SHARED[2:]},
    }


SHARED = ("session_id", "visitor_id", "local_date", "session_date", "local_hour")
"""Columns of all fact views of visits."""


def _failures(rng: np.random.Generator, sessions: Mapping[str, Any]) -> dict[str, Any]:
    """A page that does not exist, in one of 50 visits."""
    failed = rng.random(len(sessions["session_id"])) < 0.02
    columns = {name: np.array(sessions[name])[failed] for name in SHARED}
    count = int(failed.sum())
    return {
        **columns,
        "page": ["/old"] * count,
        "status": [404] * count,
        "kind": ["client_error"] * count,
        "requests": [1] * count,
        "funnel_steps": sessions["funnel_steps"][failed],
    }


def goals_of(sessions: Mapping[str, Any]) -> dict[str, Any]:
    """A row for each visit with an order."""
    met = np.asarray(sessions["conversions"]) > 0
    rows = {name: np.asarray(sessions[name])[met] for name in SHARED}
    return {**rows, "goal": ["order"] * int(met.sum()), "times": [1] * int(met.sum())}


def hours_of_days(first: date, days: int) -> dict[str, Any]:
    """Published hours of whole days."""
    start = np.datetime64(datetime(first.year, first.month, first.day), "us")
    at = start + np.arange(24 * days) * np.timedelta64(1, "h")
    dates = at.astype("datetime64[D]")
    count = len(at)
    return {
        "hour_at": at,
        "local_date": dates,
        "event_date": dates,
        "local_hour": np.tile(np.arange(24), days),
        **{name: np.zeros(count, int) for name in KINDS},
        "page_requests": np.full(count, 100),
        "lines": np.full(count, 100),
        "late_lines": np.zeros(count, int),
        "waiting_lines": np.zeros(count, int),
        "library_version": ["1.0"] * count,
        "settings_digest": ["settings-1"] * count,
        "visitor_key": [f"key-{day // 30}" for day in range(days) for _ in range(24)],
    }


def _bots(rng: np.random.Generator, rules: Weeks) -> dict[str, Any]:
    """Crawls of one to fourteen requests each."""
    kinds = np.array(["search engine", "ai training", "monitor"], dtype=object)
    day = np.repeat(np.arange(rules.days), 30)
    count = len(day)
    dates = np.datetime64(rules.first) + day
    return {
        "bot_class": rng.choice(kinds, count),
        "requests": rng.integers(1, 15, count),
        "local_date": dates,
        "event_date": dates,
        "local_hour": rng.integers(0, 24, count),
    }


def _errors(rng: np.random.Generator, rules: Weeks) -> dict[str, Any]:
    """A page that fails for a few people every other day."""
    people = rng.poisson(3, rules.days) * (np.arange(rules.days) % 2)
    day = np.repeat(np.arange(rules.days), people)
    dates = np.datetime64(rules.first) + day
    return {
        "page": ["/page-1"] * len(day),
        "status": [500] * len(day),
        "kind": ["server_error"] * len(day),
        "visitor_id": [f"{number:016x}" for number in rng.integers(0, 2**40, len(day))],
        "requests": [1] * len(day),
        "local_date": dates,
        "event_date": dates,
        "local_hour": rng.integers(0, 24, len(day)),
    }


def weeks_to_ask(rules: Weeks, history: int = 8) -> list[tuple[date, date]]:
    """Each week that has enough weeks before it."""
    starts = [rules.first + timedelta(weeks=number) for number in range(history, rules.weeks)]
    return [(start, start + timedelta(days=6)) for start in starts]
