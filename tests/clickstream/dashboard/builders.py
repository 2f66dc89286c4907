"""Fact files of a few visits and hours, as a lake would hold them, for tests of the dashboard."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from clickstream.dashboard.ask import fact_copy
from clickstream.dashboard.ask.answers import Answers
from clickstream.dashboard.ask.fact_copy import FILE_NAME, FactCopy, ReadFile, Snapshot
from clickstream.insight.credit import MODELS
from clickstream.lake.fact_files import COMPUTED_VIEWS, FactFile, Manifest
from clickstream.tables.locations import LOCATION_CANDIDATES

CHANGED_AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
NO_FACTS_AT = datetime(2026, 11, 27, tzinfo=UTC)
NO_ROWS = date(2026, 11, 2)
"""The date of the files of a lake without rows."""

FactKey = tuple[str, date]

VIEWS = {
    name: (Path(__file__).parents[3] / f"include/sql/{name}.sql").read_text(encoding="utf-8")
    for name in COMPUTED_VIEWS
}

_TEXT, _NUMBER, _TRUTH = pa.string(), pa.int64(), pa.bool_()
_DATE, _MOMENT = pa.date32(), pa.timestamp("us")

SESSION_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("session_id", "visitor_id", "site", "channel", "source")),
        *((name, _TEXT) for name in ("medium", "referrer_domain", "utm_campaign")),
        *((name, _TEXT) for name in ("utm_term", "utm_content")),
        *((name, _TEXT) for name in ("landing_page", "exit_page", "device", "browser", "os")),
        *((name, _TEXT) for name in ("country", "region", "city")),
        *((name, _NUMBER) for name in ("page_views", "requests", "errors", "conversions")),
        *((name, _NUMBER) for name in ("funnel_steps", "duration_seconds")),
        *((name, _TRUTH) for name in ("is_bounce", "is_engaged")),
        ("started_at", _MOMENT),
        ("local_date", _DATE),
        *((name, _NUMBER) for name in ("local_hour", "local_weekday")),
        ("is_suspected", _TRUTH),
        ("suspected_cohort", _TEXT),
        ("session_date", _DATE),
    ]
)
PAGE_VIEW_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("session_id", "visitor_id", "page")),
        *((name, _NUMBER) for name in ("view_number", "dwell_seconds")),
        *((name, _TRUTH) for name in ("is_estimated", "is_landing_page", "is_exit_page")),
        *((name, _TEXT) for name in ("next_page", "host")),
        ("response_ms", pa.int32()),
        ("seconds_in_visit", _NUMBER),
        ("local_date", _DATE),
        ("local_hour", _NUMBER),
        ("is_suspected", _TRUTH),
        ("session_date", _DATE),
    ]
)
GOAL_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("session_id", "visitor_id", "goal")),
        ("times", _NUMBER),
        ("local_date", _DATE),
        ("local_hour", _NUMBER),
        ("is_suspected", _TRUTH),
        ("session_date", _DATE),
    ]
)
SESSION_ERROR_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("session_id", "visitor_id", "page")),
        ("status", pa.int32()),
        ("kind", _TEXT),
        ("requests", _NUMBER),
        ("first_at", _MOMENT),
        ("funnel_steps", _NUMBER),
        ("local_date", _DATE),
        ("local_hour", _NUMBER),
        ("is_suspected", _TRUTH),
        ("session_date", _DATE),
    ]
)
KINDS = (
    *("page_requests", "assets", "downloads", "bots", "redirects", "client_errors"),
    *("server_errors", "health_checks", "api_calls", "others", "rejected"),
)
HOUR_SCHEMA = pa.schema(
    [
        ("hour_at", _MOMENT),
        ("local_date", _DATE),
        *((name, _NUMBER) for name in ("local_hour", "lines", *KINDS, "other_hosts", "late_lines")),
        *((name, _NUMBER) for name in ("late_by_seconds", "waiting_lines")),
        ("missing_sources", _TEXT),
        ("session_parts", _NUMBER),
        ("visitor_key", _TEXT),
        ("timeout_seconds", _NUMBER),
        *((name, _TEXT) for name in ("library_version", "settings_digest")),
        ("published_at", _MOMENT),
        ("published_by", _TEXT),
        ("networks_dated", _DATE),
        ("event_date", _DATE),
    ]
)
_PLACE = (("hour_at", _MOMENT), ("local_date", _DATE), ("local_hour", _NUMBER))
SOURCE_SCHEMA = pa.schema(
    [
        ("source", _TEXT),
        *_PLACE,
        *((name, _NUMBER) for name in ("lines", "late_lines", "raw_objects")),
        ("last_arrived_at", _MOMENT),
        ("event_date", _DATE),
    ]
)
BOT_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("bot_class", "bot_reason", "agent")),
        *((name, _NUMBER) for name in ("requests", "bytes", "errors")),
        *_PLACE,
        ("event_date", _DATE),
    ]
)
BOT_PAGE_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("bot_class", "bot_reason", "agent", "page", "path")),
        *((name, _NUMBER) for name in ("requests", "bytes", "errors", "other_pages")),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
ERROR_SCHEMA = pa.schema(
    [
        ("page", _TEXT),
        ("status", pa.int32()),
        *((name, _TEXT) for name in ("kind", "visitor_id")),
        ("requests", _NUMBER),
        *_PLACE,
        ("event_date", _DATE),
    ]
)
PLACE_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("country", "region", "city")),
        ("requests", _NUMBER),
        *((name, pa.float64()) for name in ("latitude", "longitude")),
        ("local_date", _DATE),
        ("event_date", _DATE),
    ]
)
AGENT_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("agent", "goal")),
        *((name, _NUMBER) for name in ("step", "sessions", "page_views")),
        ("local_date", _DATE),
        ("session_date", _DATE),
    ]
)
_REJECT = (("reason", _TEXT), ("lines", _NUMBER), ("longest_line_bytes", _NUMBER))
REJECT_SCHEMA = pa.schema([*_REJECT, *_PLACE, ("event_date", _DATE)])

PEOPLE_SCHEMA = pa.schema(
    [
        *((name, _NUMBER) for name in ("visitors", "suspected")),
        *((name, pa.float64()) for name in ("lowest", "highest")),
        ("history_dates", _NUMBER),
        ("local_date", _DATE),
        ("event_date", _DATE),
    ]
)
COHORT_SCHEMA = pa.schema(
    [
        ("cohort", _TEXT),
        ("place", _NUMBER),
        *((name, pa.float64()) for name in ("visitors", "proved", "explained")),
        ("suspected", _NUMBER),
        ("is_decided", _TRUTH),
        ("reason", _TEXT),
        ("local_date", _DATE),
        ("event_date", _DATE),
    ]
)

SALES_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "currency")),
        *((f"source_{name}", _NUMBER) for name in ("orders", "order_items", "refunds")),
        *((name, _NUMBER) for name in ("orders", "order_items", "refunds", "rejected")),
        *((f"{name}_cents", _NUMBER) for name in ("gross", "refunded", "net")),
        ("missing_rows", _NUMBER),
        *((f"missing_{name}_cents", _NUMBER) for name in ("gross", "items", "refunded", "spend")),
        *((name, _NUMBER) for name in ("differing_orders", "differing_cents")),
        ("is_reconciled", _TRUTH),
        *((name, _TEXT) for name in ("reject_reasons", "differing_order_ids")),
        ("differing_refunds", _NUMBER),
        ("differing_refund_ids", _TEXT),
        ("published_at", _MOMENT),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
ORDER_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "order_id", "currency", "sold_by")),
        *((name, _TEXT) for name in ("customer_key", "method", "why_none", "site", "channel")),
        *((name, _TEXT) for name in ("source", "medium", "referrer_domain", "utm_campaign")),
        *((name, _TEXT) for name in ("landing_page", "device", "country", "region", "city")),
        *((name, _TEXT) for name in ("coupon", "store_id", "network")),
        ("total_cents", _NUMBER),
        ("local_date", _DATE),
        *((name, _NUMBER) for name in ("local_hour", "local_weekday")),
        ("event_date", _DATE),
    ]
)
REFUND_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "refund_id", "order_id", "currency", "kind")),
        ("amount_cents", _NUMBER),
        ("local_date", _DATE),
        *((name, _NUMBER) for name in ("local_hour", "local_weekday")),
        ("event_date", _DATE),
    ]
)
ITEM_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "order_id")),
        ("line", _NUMBER),
        *((name, _TEXT) for name in ("currency", "item", "name")),
        ("quantity", pa.float64()),
        *((name, _NUMBER) for name in ("amount_cents", "discount_cents")),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
DEMOGRAPHIC_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "place_id", "name", "country", "region")),
        ("year", _NUMBER),
        ("measure", _TEXT),
        ("value", pa.float64()),
        ("is_removed", _TRUTH),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
STORE_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "store_id", "name", "kind")),
        *((name, pa.float64()) for name in ("latitude", "longitude")),
        ("closed_on", _DATE),
        ("is_removed", _TRUTH),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
_OF_HOURS = ("event_date", "hour_at")
LOCATION_SCHEMA = pa.schema(
    [
        *(one for one in LOCATION_CANDIDATES.arrow_schema() if one.name not in _OF_HOURS),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
TOUCH_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "order_id")),
        *((name, _NUMBER) for name in ("touch", "touches")),
        *((name, _TEXT) for name in ("channel", "source", "medium", "referrer_domain")),
        ("utm_campaign", _TEXT),
        ("days_before", pa.float64()),
        ("is_window_cut", _TRUTH),
        *((f"{name}_share", _NUMBER) for name in MODELS),
        ("local_date", _DATE),
        ("event_date", _DATE),
    ]
)
SPEND_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("sales_source", "platform", "account", "campaign_id")),
        *((name, _TEXT) for name in ("utm_source", "utm_medium", "utm_campaign")),
        *((name, _TEXT) for name in ("source", "medium", "campaign", "currency")),
        *((name, _NUMBER) for name in ("spend_cents", "impressions", "clicks")),
        *((name, _DATE) for name in ("local_date", "event_date")),
    ]
)
SCHEMAS = {
    "session_facts": SESSION_SCHEMA,
    "page_view_facts": PAGE_VIEW_SCHEMA,
    "goal_facts": GOAL_SCHEMA,
    "session_error_facts": SESSION_ERROR_SCHEMA,
    "hour_facts": HOUR_SCHEMA,
    "source_facts": SOURCE_SCHEMA,
    "bot_facts": BOT_SCHEMA,
    "bot_page_facts": BOT_PAGE_SCHEMA,
    "error_facts": ERROR_SCHEMA,
    "reject_facts": REJECT_SCHEMA,
    "place_facts": PLACE_SCHEMA,
    "people_facts": PEOPLE_SCHEMA,
    "cohort_facts": COHORT_SCHEMA,
    "agent_facts": AGENT_SCHEMA,
    "sales_facts": SALES_SCHEMA,
    "order_facts": ORDER_SCHEMA,
    "refund_facts": REFUND_SCHEMA,
    "item_facts": ITEM_SCHEMA,
    "touch_facts": TOUCH_SCHEMA,
    "demographic_facts": DEMOGRAPHIC_SCHEMA,
    "store_facts": STORE_SCHEMA,
    "location_facts": LOCATION_SCHEMA,
    "spend_facts": SPEND_SCHEMA,
}


@dataclass(frozen=True)
class Visit:
    """A visit of a person; times are UTC, which is the site's time in these tests."""

    started_at: datetime
    visitor: int = 1
    pages: Sequence[str] = ("/",)
    channel: str | None = "Direct"
    campaign: str | None = None
    source: str | None = None
    country: str | None = None
    device: str = "desktop"
    goals: Sequence[str] = ()
    seconds: int = 5
    medium: str | None = None
    referrer: str | None = None
    term: str | None = None
    content: str | None = None
    browser: str | None = None
    os: str | None = None
    region: str | None = None
    city: str | None = None
    steps: int | None = 0
    host: str | None = None
    response_ms: int | None = None
    errors: Sequence[tuple[str, int]] = ()
    """Pages and statuses; the same again is another request."""
    cohort: str | None = None
    """The cohort of a suspected machine."""

    def rows(self, number: int) -> Mapping[str, list[dict[str, Any]]]:
        """Its rows in the fact views that have sessions."""
        when = {
            "session_id": f"{number:016x}",
            "visitor_id": f"{self.visitor:016x}",
            "local_date": self.started_at.date(),
            "local_hour": self.started_at.hour,
            "is_suspected": self.cohort is not None,
            "session_date": self.started_at.date(),
        }
        return {
            "session_facts": [when | self._session()],
            "page_view_facts": [when | self._view(place) for place in range(len(self.pages))],
            "goal_facts": [when | {"goal": goal, "times": 1} for goal in self.goals],
            "session_error_facts": [when | self._error(*one) for one in dict.fromkeys(self.errors)],
        }

    def _session(self) -> dict[str, Any]:
        count = len(self.pages)
        return {
            "site": "cafe",
            "medium": self.medium,
            "referrer_domain": self.referrer,
            "utm_term": self.term,
            "utm_content": self.content,
            "browser": self.browser,
            "os": self.os,
            "region": self.region,
            "city": self.city,
            "channel": self.channel,
            "source": self.source,
            "utm_campaign": self.campaign,
            "landing_page": self.pages[0],
            "exit_page": self.pages[-1],
            "device": self.device,
            "country": self.country,
            "page_views": count,
            "requests": count,
            "errors": len(self.errors),
            "conversions": len(self.goals),
            "funnel_steps": self.steps,
            "duration_seconds": self.seconds,
            "is_bounce": count == 1,
            "is_engaged": count > 1 or bool(self.goals) or self.seconds > 10,
            "started_at": self.started_at,
            "local_weekday": self.started_at.isoweekday(),
            "suspected_cohort": self.cohort,
        }

    def _view(self, place: int) -> dict[str, Any]:
        return {
            "page": self.pages[place],
            "view_number": place + 1,
            "dwell_seconds": 10 * (place + 1),
            "is_estimated": place == len(self.pages) - 1,
            "is_landing_page": place == 0,
            "is_exit_page": place == len(self.pages) - 1,
            "next_page": self.pages[place + 1] if place + 1 < len(self.pages) else None,
            "host": self.host,
            "response_ms": self.response_ms,
            "seconds_in_visit": sum(10 * n for n in range(1, place + 1)),
        }

    def _error(self, page: str, status: int) -> dict[str, Any]:
        return {
            "page": page,
            "status": status,
            "kind": "client_error" if status < 500 else "server_error",
            "requests": self.errors.count((page, status)),
            "first_at": self.started_at,
            "funnel_steps": self.steps,
        }


@dataclass(frozen=True)
class PublishedHour:
    """An hour of the ledger: its lines by kind, and what it was built with."""

    hour_at: datetime
    kinds: Mapping[str, int] = field(default_factory=lambda: {"page_requests": 10, "bots": 5})
    late: int = 0
    visitor_key: str = "key-1"
    settings: str = "settings-1"
    version: str = "1.0"
    waiting: int = 0
    missing: str | None = None

    def row(self) -> dict[str, Any]:
        """Its row in hour_facts."""
        return {
            **_when(self.hour_at),
            **dict.fromkeys(KINDS, 0),
            **self.kinds,
            "lines": sum(self.kinds.values()),
            "late_lines": self.late,
            "late_by_seconds": None,
            "waiting_lines": self.waiting,
            "missing_sources": self.missing,
            "session_parts": 1,
            "visitor_key": self.visitor_key,
            "timeout_seconds": 1800,
            "library_version": self.version,
            "settings_digest": self.settings,
            "published_at": self.hour_at,
            "published_by": "test",
        }


def _when(hour_at: datetime) -> dict[str, Any]:
    return {
        "hour_at": hour_at,
        "local_date": hour_at.date(),
        "local_hour": hour_at.hour,
        "event_date": hour_at.date(),
    }


def hours_between(first: datetime, end: datetime, **values: Any) -> list[PublishedHour]:
    """Published hours from `first` to before `end`, all alike."""
    number = int((end - first) / timedelta(hours=1))
    return [PublishedHour(first + timedelta(hours=place), **values) for place in range(number)]


def fact_tables(
    visits: Sequence[Visit] = (),
    hours: Sequence[PublishedHour] = (),
    others: Mapping[str, Sequence[dict[str, Any]]] | None = None,
) -> dict[FactKey, pa.Table]:
    """The rows of each fact view and UTC date.

    `others` has rows of the other views, each with its `hour_at`.
    As in a lake, each date has a file of each view, even if it is empty.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    for number, visit in enumerate(visits, 1):
        for name, some in visit.rows(number).items():
            rows[name] += some
    rows["hour_facts"] = [hour.row() for hour in hours]
    for name, some in (others or {}).items():
        rows[name] = [_when(row["hour_at"]) | row for row in some]
    by_date = {name: _by_date(name, some) for name, some in rows.items()}
    days = {day for found in by_date.values() for day in found} or {NO_ROWS}
    return {
        (name, day): pa.Table.from_pylist(found[day], SCHEMAS[name])
        if day in found
        else SCHEMAS[name].empty_table()
        for name, found in by_date.items()
        for day in days
    }


def _by_date(name: str, rows: Iterable[dict[str, Any]]) -> dict[date, list[dict[str, Any]]]:
    dated_by = "session_date" if "session_date" in SCHEMAS[name].names else "event_date"
    found: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[dated_by], []).append(row)
    return found


EMPTY_FILES = {
    name: {date.min: FactFile(f"facts/{name}/empty.parquet", 0, "version")} for name in SCHEMAS
}
"""The files of the copy that `copy_without_rows` returns."""


def temporary_directory() -> Path:
    """Create a directory that the end of the tests removes."""
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


WITHOUT_SUMS = patch.object(fact_copy, "renew_days")
"""Leaves out the daily sums, which take longer than most tests.

`test_visit_days.py` compares their answers with those of rows.
"""


@cache
def copy_without_rows() -> Path:
    """The file of a copy that has all tables, without rows.

    A copy that begins with it takes half the CPU time of a new one.
    """
    path = temporary_directory() / FILE_NAME
    rows = {files[date.min].key: SCHEMAS[name].empty_table() for name, files in EMPTY_FILES.items()}
    copy = FactCopy(path.parent, lambda file: rows[file.key], views=VIEWS)
    with WITHOUT_SUMS:
        copy.update(Manifest(1, NO_FACTS_AT, "UTC", EMPTY_FILES))
    copy.close()
    return path


def digest_of(rows: pa.Table) -> int:
    """Return a number that equal rows share in one process."""
    if not len(rows):
        return 0
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        writer.write_table(rows)
    return hash(stream.getvalue().to_pybytes())


class FactStore:
    """Fact files and their manifest, in memory: what S3 holds for the copy."""

    def __init__(self, tables: Mapping[FactKey, pa.Table]) -> None:
        self.files: dict[str, pa.Table] = {}
        self.manifest = Manifest(0, CHANGED_AT, "UTC", {})
        self.put(tables)

    def put(self, tables: Mapping[FactKey, pa.Table]) -> None:
        """Replace everything by these rows; files of the same rows keep their names."""
        names: dict[str, dict[date, FactFile]] = {}
        for (view, day), rows in tables.items():
            key = f"facts/{view}/{day}-{digest_of(rows)}.parquet"
            self.files[key] = rows
            names.setdefault(view, {})[day] = FactFile(key, len(rows), "version")
        self.manifest = replace(self.manifest, version=self.manifest.version + 1, files=names)

    @cached_property
    def copy(self) -> FactCopy:
        """A copy of the files as they are at the first use; the end of the tests removes it."""
        directory, manifest, views = temporary_directory(), self.manifest, VIEWS
        if self._has_all_columns():
            shutil.copy(copy_without_rows(), directory / FILE_NAME)
            views = {}
            manifest = replace(manifest, files=self._files_with_rows())
        copy = FactCopy(directory, self.read_file, views=views)
        with WITHOUT_SUMS:
            copy.update(manifest)
        return copy

    def _has_all_columns(self) -> bool:
        """Whether the files are those of all fact views, with the columns of this release."""
        files = self.manifest.files
        return files.keys() == SCHEMAS.keys() and all(
            file.key in self.files and self.files[file.key].schema == SCHEMAS[view]
            for view, of_view in files.items()
            for file in of_view.values()
        )

    def _files_with_rows(self) -> dict[str, dict[date, FactFile]]:
        return {
            view: EMPTY_FILES[view] | {day: file for day, file in files.items() if file.rows}
            for view, files in self.manifest.files.items()
        }

    @cached_property
    def answers(self) -> Answers:
        """The answers that all pages of the store share, as those of an application do."""
        return Answers(StoreEngine(self))

    @property
    def read_file(self) -> ReadFile:
        """How the copy fetches a file."""
        return lambda file: self.files.get(file.key)


class StoreEngine:
    """Answers from the copy of fact files in memory, for applications."""

    poll_seconds = 15.0
    name = "store"

    def __init__(self, store: FactStore) -> None:
        self._store = store

    def reader(self) -> AbstractContextManager[Snapshot]:
        """A reader of the copy."""
        return self._store.copy.snapshot()

    def refresh(self) -> bool:
        """The files never change."""
        return False

    def close(self) -> None:
        """Other tests may read the copy."""


def engine_of_one_hour(hour_at: datetime) -> StoreEngine:
    """An engine whose facts are one published hour."""
    return StoreEngine(FactStore(fact_tables([], [PublishedHour(hour_at)])))
