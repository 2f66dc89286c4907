"""Freshness: how recent the lake's data is, and what is missing from it.

Only `measure_freshness` decides this. It is a pure function of the lake's records and of `now`;
`lake_freshness` reads those records. `clickstream status` and the other outputs print its result.
The cost depends on the number of days checked and of waiting hours, not on the age of the lake.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from clickstream import __version__
from clickstream.completeness import (
    HISTORY,
    LAG,
    Completeness,
    LowHour,
    find_low_hours,
    measure_completeness,
)
from clickstream.core.errors import StateCode, with_code
from clickstream.core.hours import Hour, HourSpan, describe_hours, hour_range
from clickstream.core.wording import describe_duration, quantity
from clickstream.lake import Lake, aws_errors, hour_ledger, raw
from clickstream.lake.collection import PullState, unreadable_since
from clickstream.lake.publication import interrupted_since, is_unfinished, ledger_rows, versions
from clickstream.lake.raw import RawObject
from clickstream.pipeline.hosts.host_freshness import (
    NO_SOURCE,
    SOURCE_LAG,
    HostFreshness,
    HostStates,
    describe_unreadable_shop,
    measure_hosts,
    read_host_states,
)
from clickstream.pipeline.publish.late_lines import LateHour, late_hours
from clickstream.pipeline.site import settings_digest
from clickstream.step_config import sources_with_dates
from clickstream.tables.hour_ledger import HOSTS_SEPARATOR

DEFAULT_DAYS = 35
PUBLICATION_LIMIT = timedelta(minutes=30)
"""A publication takes seconds, a large range minutes; an older one was interrupted."""

_COLUMNS = (
    "hour_at",
    "lines",
    "published_at",
    "published_by",
    "settings_digest",
    "library_version",
    "missing_sources",
)


class Health(StrEnum):
    """Whether the lake is fresh and complete. `exit_code` is what monitoring reads."""

    FRESH = "fresh"
    LATE = "late or incomplete"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 fresh and complete, 1 something is late or missing, 2 it can't be determined."""
        return [*Health].index(self)


@dataclass(frozen=True)
class FreshnessLimits:
    """How old data may be.

    `lag` applies to the newest published hour, to lines that wait, and to the last pull of a
    source; `source_lag` to a source's newest line: a quiet site may log none for a night.
    """

    lag: timedelta = LAG
    source_lag: timedelta = SOURCE_LAG


@dataclass(frozen=True)
class PublishedHour:
    """An hour's row of the ledger; `published_at` is aware. `lacks` names the hosts it lacks."""

    published_at: datetime
    published_by: str
    is_current: bool
    lines: int = 1
    lacks: tuple[str, ...] = ()

    @property
    def is_logged(self) -> bool:
        """Whether it has lines, or may have lines of a host that it lacks."""
        return bool(self.lines or self.lacks)


@dataclass(frozen=True)
class LakeRecords:
    """The records that freshness is measured from.

    `published` has the hours of the ledger from `since` on. `waiting_since` maps each hour with raw
    lines that are not published to the time when the oldest of them arrived, `publishing_since`
    each hour of an unfinished publication to its beginning; both for all hours. `late` are the
    published hours among those that wait. `sources` are the states of the hosts that should be
    pulled. `low` are the published hours with unusually few lines. `begins_before` means that an
    hour before `since` has lines. `sales` are the sources of sales. `vanished` are the states of
    hosts that were pulled and are in no source any more.
    """

    since: Hour
    published: Mapping[Hour, PublishedHour]
    waiting_since: Mapping[Hour, datetime]
    publishing_since: Mapping[Hour, datetime]
    late: Sequence[LateHour]
    sources: Sequence[PullState]
    low: Sequence[LowHour] = ()
    begins_before: bool = False
    sales: Sequence[SalesFreshness] = ()
    bucket: str = ""
    vanished: Sequence[PullState] = ()


@dataclass(frozen=True)
class MissingHost:
    """A host, and the published hours that lack it."""

    name: str
    hours: tuple[Hour, ...]

    @property
    def sentence(self) -> str:
        """Which hours lack the host, in a sentence with a code."""
        lack = "lacks" if len(self.hours) == 1 else "lack"
        hours = quantity(len(self.hours), "hour")
        sentence = f"{hours} {lack} {self.name}: {describe_hours(self.hours)}."
        return with_code(sentence, StateCode.LACKS_HOST)


@dataclass(frozen=True)
class Freshness:
    """How fresh the lake is at `now`, for the hours from `since` on.

    `lag` is the time since the end of the newest published hour. `waiting` hours have raw lines and
    are not published, `reopened` hours are published and have late lines; `late` are those of both
    that wait for longer than allowed, and `waiting_since` is when the oldest lines of both arrived
    (aware). `past_window` hours are published, past their replay window,
    and have late lines that wait for new visitor ids; they are in none of the other groups.
    `missing_hosts` are hosts that published hours lack, all of them `lacking`. `missing` hours
    should be published by now and are not; `completeness` defines both, as for the dashboard.
    `perhaps_incomplete` are published hours in which a host logged unusually few lines. `outdated`
    hours were built with other settings or by another version. `sales` are the sources of sales;
    only one that can't be read changes the health, because a shop may sell nothing for days.
    """

    now: datetime
    since: Hour
    limits: FreshnessLimits
    newest: Hour | None
    newest_published: PublishedHour | None
    lag: timedelta | None
    hours: int
    waiting: tuple[Hour, ...]
    reopened: tuple[Hour, ...]
    late: tuple[Hour, ...]
    waiting_since: datetime | None
    past_window: tuple[LateHour, ...]
    missing: tuple[Hour, ...]
    lacking: tuple[Hour, ...]
    perhaps_incomplete: tuple[LowHour, ...]
    outdated: tuple[Hour, ...]
    publishing: tuple[Hour, ...]
    broken_off: tuple[Hour, ...]
    sources: tuple[HostFreshness, ...]
    missing_hosts: tuple[MissingHost, ...]
    sales: tuple[SalesFreshness, ...] = ()
    bucket: str = ""

    @property
    def is_late(self) -> bool:
        """Whether the newest published hour is older than allowed."""
        return self.lag is not None and self.lag > self.limits.lag

    @property
    def problems(self) -> list[str]:
        """A sentence, with its code, for everything that is late or missing."""
        problems = [with_code(sentence, code) for sentence, code in self._late_hours()]
        problems += [host.sentence for host in self.missing_hosts]
        problems += [host.problem for host in self.sources if host.is_known and host.problem]
        return problems + [source.problem for source in self.sales if source.problem]

    def _late_hours(self) -> Iterator[tuple[str, StateCode]]:
        """Yield a sentence and its code for each group of hours that is late or missing."""
        if self.lag is not None and self.is_late:
            yield (
                f"The newest published hour is {self.newest}, {describe_duration(self.lag)} ago; "
                f"the limit is {describe_duration(self.limits.lag)}.",
                StateCode.NO_RECENT_HOUR,
            )
        if self.late:
            yield (
                f"{quantity(len(self.late), 'hour')} with raw lines that wait for longer than "
                f"{describe_duration(self.limits.lag)}: {describe_hours(self.late)}.",
                StateCode.LINES_WAIT,
            )
        if self.missing:
            yield (
                f"{quantity(len(self.missing), 'hour')} missing: {describe_hours(self.missing)}.",
                StateCode.MISSING,
            )
        if self.broken_off:
            yield (
                f"{quantity(len(self.broken_off), 'publication')} interrupted: "
                f"{describe_hours(self.broken_off)}.",
                StateCode.INTERRUPTED,
            )

    @property
    def doubts(self) -> list[str]:
        """A sentence for each host whose lines are unusually few in hours."""
        pulled = {host.name: host.pulled_at for host in self.sources}
        return describe_low_hours(self.perhaps_incomplete, pulled)

    @property
    def unknowns(self) -> list[str]:
        """A sentence, with its code, for everything that can't be determined."""
        unknowns = [host.problem for host in self.sources if not host.is_known]
        if self.newest is None:
            sentence = f"No hour since {self.since} is published."
            unknowns.insert(0, with_code(sentence, StateCode.NO_RECENT_HOUR))
        if not self.sources:
            unknowns.append(NO_SOURCE)
        return unknowns

    @property
    def health(self) -> Health:
        """Whether the lake is fresh, late or incomplete, or unknown."""
        if self.problems:
            return Health.LATE
        return Health.UNKNOWN if self.unknowns else Health.FRESH


def measure_freshness(records: LakeRecords, now: datetime, limits: FreshnessLimits) -> Freshness:
    """Decide how fresh a lake is at `now`, an aware time.

    Hours that are not over need not be published. An hour later than `now`, from a server with a
    wrong clock, does not count as the newest.
    """
    running = Hour.of(now)
    published = sorted(hour for hour in records.published if hour <= running)
    newest = published[-1] if published else None
    completeness = _completeness(records, published, now, limits.lag)
    past_window = tuple(late_hour for late_hour in records.late if late_hour.is_past_window)
    published_late = {late_hour.hour for late_hour in records.late}
    over = sorted(
        hour
        for hour in records.waiting_since.keys() - {late_hour.hour for late_hour in past_window}
        if hour < running
    )
    stuck = {h for h, at in records.publishing_since.items() if now - at > PUBLICATION_LIMIT}
    return Freshness(
        now=now,
        since=records.since,
        limits=limits,
        newest=newest,
        newest_published=records.published[newest] if newest else None,
        lag=max(now - newest.end, timedelta()) if newest else None,
        hours=len(records.published),
        waiting=tuple(hour for hour in over if hour not in published_late),
        reopened=tuple(hour for hour in over if hour in published_late),
        late=tuple(hour for hour in over if now - records.waiting_since[hour] > limits.lag),
        waiting_since=min((records.waiting_since[hour] for hour in over), default=None),
        past_window=past_window,
        missing=completeness.unpublished,
        lacking=completeness.lacking,
        perhaps_incomplete=tuple(records.low),
        outdated=tuple(hour for hour in published if not records.published[hour].is_current),
        publishing=tuple(sorted(records.publishing_since.keys() - stuck)),
        broken_off=tuple(sorted(stuck)),
        sources=measure_hosts(
            HostStates(records.sources, records.vanished), now, limits.lag, limits.source_lag
        ),
        missing_hosts=_missing_hosts(records, completeness.lacking),
        sales=tuple(records.sales),
        bucket=records.bucket,
    )


def _completeness(
    records: LakeRecords, published: Sequence[Hour], now: datetime, lag: timedelta
) -> Completeness:
    """Find the missing hours; `published` are those up to `now`, in order."""
    if records.begins_before:
        begins: Hour | None = records.since
    else:
        begins = next((hour for hour in published if records.published[hour].is_logged), None)
    return measure_completeness(
        HourSpan(records.since, Hour.of(now).previous),
        begins,
        published[-1] if published else None,
        records.published.keys(),
        [hour for hour, row in records.published.items() if row.lacks],
        now,
        lag,
    )


def _missing_hosts(records: LakeRecords, lacking: Sequence[Hour]) -> tuple[MissingHost, ...]:
    """Return the hosts that hours lack, by name."""
    hours: dict[str, list[Hour]] = defaultdict(list)
    for hour in lacking:
        for name in records.published[hour].lacks:
            hours[name].append(hour)
    return tuple(MissingHost(name, tuple(lacking)) for name, lacking in sorted(hours.items()))


@aws_errors.translate_errors()
def lake_freshness(
    lake: Lake,
    now: datetime,
    since: Hour | None = None,
    limits: FreshnessLimits | None = None,
    *,
    is_brief: bool = False,
) -> Freshness:
    """Read the lake's records and measure its freshness.

    `since` is the first hour checked, by default midnight DEFAULT_DAYS ago: only those partitions
    of the ledger are read. With `is_brief`, it searches no hours that are perhaps incomplete or
    were built by other rules: that needs lines of other weeks, and of a site without domains.
    """
    first = since or Hour.first_of(f"{now.astimezone(UTC) - timedelta(days=DEFAULT_DAYS):%Y-%m-%d}")
    waiting_since, hosts = raw.pending_since(lake), read_host_states(lake)
    published = _published(lake, first, is_brief)
    records = LakeRecords(
        since=first,
        published=published,
        waiting_since=waiting_since,
        late=late_hours(lake, waiting_since),
        publishing_since=interrupted_since(lake),
        sources=hosts.expected,
        vanished=hosts.vanished,
        low=()
        if is_brief or not published
        else read_low_hours(lake, HourSpan(first, max(published))),
        begins_before=_begins_before(lake, first, published),
        sales=sales_freshness(lake, first.event_date, now),
        bucket=lake.bucket,
    )
    return measure_freshness(records, now, limits or FreshnessLimits())


def _published(lake: Lake, first: Hour, is_brief: bool) -> dict[Hour, PublishedHour]:
    current = None if is_brief else (settings_digest(lake, store=False), __version__)
    return {
        Hour.at(row["hour_at"]): PublishedHour(
            row["published_at"].replace(tzinfo=UTC),
            row["published_by"],
            current in (None, (row["settings_digest"], row["library_version"])),
            row["lines"],
            tuple(row["missing_sources"].split(HOSTS_SEPARATOR)) if row["missing_sources"] else (),
        )
        for row in hour_ledger.ledger_in_order(lake, first, None, _COLUMNS).to_pylist()
    }


def _begins_before(lake: Lake, first: Hour, published: Mapping[Hour, PublishedHour]) -> bool:
    """Whether the log begins before `first`; the ledger is asked only if hours depend on it.

    They do not if all hours from `first` to the first one with lines are published.
    """
    logged = min((hour for hour, row in published.items() if row.is_logged), default=None)
    if logged and all(hour in published for hour in hour_range(first, logged)):
        return False
    return hour_ledger.has_lines_before(lake, first)


def read_low_hours(lake: Lake, checked: HourSpan) -> Sequence[LowHour]:
    """Find the low hours of a span; only the tables' partitions of it and its history are read."""
    first = checked.first.minus(24 * HISTORY.days)
    rows = hour_ledger.ledger_in_order(lake, first, checked.last, ("hour_at", "missing_sources"))
    published = {Hour.at(row["hour_at"]).number: row["missing_sources"] for row in rows.to_pylist()}
    lacking = {hour: names.split(HOSTS_SEPARATOR) for hour, names in published.items() if names}
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    for row in hour_ledger.raw_lines_between(lake, first, checked.last).to_pylist():
        host, hour = RawObject(row["raw_object"], 0).host, Hour.at(row["hour_at"])
        lines[host][hour.number] += row["lines"]
    zone = ZoneInfo(lake.settings.site.time_zone)
    return find_low_hours(lines, published.keys(), lacking, checked, zone)


def describe_low_hours(
    low_hours: Sequence[LowHour], pulled: Mapping[str, datetime | None]
) -> list[str]:
    """Return a sentence for each host; `pulled` has the times of the hosts' last pulls."""
    by_host: dict[str, list[LowHour]] = defaultdict(list)
    for low_hour in low_hours:
        by_host[low_hour.host].append(low_hour)
    return [_describe(host, hours, pulled.get(host)) for host, hours in sorted(by_host.items())]


def _describe(host: str, hours: Sequence[LowHour], pulled: datetime | None) -> str:
    lines = sum(low_hour.lines for low_hour in hours)
    expected = sum(low_hour.expected for low_hour in hours)
    read = f"; last pulled {pulled:%Y-%m-%d %H:%M} UTC" if pulled else ""
    return (
        f"{quantity(len(hours), 'hour')} perhaps incomplete: {host} has {quantity(lines, 'line')}, "
        f"in other weeks about {expected:,}{read}: "
        f"{describe_hours([low_hour.hour for low_hour in hours])}."
    )


ROUNDING = 0.001
"""Share of a date's gross sales up to which a shop's own rounding needs nobody's attention."""


@dataclass(frozen=True)
class SalesFreshness:
    """The sales of a source since the first date that is checked.

    `newest` is the newest of its `dates`, and `published_at` the last publication of any of them;
    both are None without a date. `rejected` dates have rows that can't be used. On `differing`
    dates, the parts of orders differ from their totals by more than `ROUNDING` of the sales.
    `unfinished` dates have a publication that was interrupted or is still running. `failing` is
    since when the source can't be read (aware), and the error of the last attempt.
    """

    name: str
    dates: int
    newest: date | None
    published_at: datetime | None
    published_by: str
    rejected: int
    differing: int
    unfinished: tuple[date, ...]
    failing: tuple[datetime, str] | None = None

    @property
    def problem(self) -> str:
        """Why the source can't be read; empty if the last attempt could."""
        return describe_unreadable_shop(self.name, self.failing)

    def sentence(self, now: datetime) -> str:
        """Describe the source in one line; `now` is an aware time."""
        if self.newest is None or self.published_at is None:
            return f"no date of these days; to pull its sales: clickstream sales pull {self.name}"
        parts = [
            f"newest date {self.newest}",
            f"last change published {describe_duration(now - self.published_at)} ago",
            quantity(self.dates, "date"),
        ]
        parts += [f"{self.rejected:,} with rejects"] if self.rejected else []
        parts += [f"{self.differing:,} with orders that differ"] if self.differing else []
        if self.unfinished:
            parts.append(f"{len(self.unfinished):,} being published, or interrupted")
        return "; ".join(parts)

    @property
    def has_notes(self) -> bool:
        """Whether a person should look at it."""
        return not self.dates or bool(
            self.rejected or self.differing or self.unfinished or self.failing
        )


def sales_freshness(lake: Lake, first: date, now: datetime) -> tuple[SalesFreshness, ...]:
    """Read the ledger of sales from `first` on, and describe the sources that have dates."""
    if not lake.settings.sales:
        return ()
    last = now.date() + timedelta(days=1)
    rows = ledger_rows(lake, first, last).to_pylist()
    with_dates = sources_with_dates(lake.settings)
    return tuple(
        _measure(
            source.name,
            [row for row in rows if row["sales_source"] == source.name],
            versions(lake, source.name, first),
            unreadable_since(lake, source.name),
        )
        for source in lake.settings.sales
        if source.name in with_dates
    )


def _measure(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    recorded: Mapping[date, str],
    failing: tuple[datetime, str] | None,
) -> SalesFreshness:
    newest = max(rows, key=lambda row: row["published_at"], default=None)
    return SalesFreshness(
        name,
        len(rows),
        max((row["event_date"] for row in rows), default=None),
        newest["published_at"].replace(tzinfo=UTC) if newest else None,
        newest["published_by"] if newest else "",
        sum(bool(row["rejected"]) for row in rows),
        sum((row["differing_cents"] or 0) > row["gross_cents"] * ROUNDING for row in rows),
        tuple(sorted(day for day, version in recorded.items() if is_unfinished(version))),
        failing,
    )
