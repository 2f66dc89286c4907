"""Freshness: up to when hours, hosts, sales, matches and facts are complete, and what is missing.

Only `measure_freshness` decides this. It is a pure function of the lake's records and of `now`;
`lake_freshness` reads those records. `alerts.lake_state` joins the result with the open incidents
for everything that shows it. The cost depends on the number of days checked and of waiting hours,
not on the age of the lake.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from clickstream import __version__
from clickstream.completeness import (
    HISTORY,
    LAG,
    LowHour,
    find_low_hours,
    measure_completeness,
)
from clickstream.core.errors import StateCode, with_code
from clickstream.core.hours import Hour, HourSpan, describe_hours, hour_range
from clickstream.core.wording import describe_duration, quantity, shorten
from clickstream.lake import Lake, aws_errors, fact_files, hour_ledger, raw
from clickstream.lake.compared_dates import (
    ComparedDates,
    compared_dates,
    describe_changed,
    still_changed,
)
from clickstream.lake.iceberg_properties import check_tables
from clickstream.lake.publication import (
    MATCHES,
    interrupted_since,
    is_unfinished,
    ledger_rows,
    versions,
    written_by_month,
)
from clickstream.lake.pull_states import PullState, unreadable_shops
from clickstream.lake.raw import RawObject
from clickstream.pipeline.build_settings import settings_digest
from clickstream.pipeline.hosts.host_freshness import (
    NO_SOURCE,
    SOURCE_LAG,
    HostFreshness,
    describe_vanished,
    expected_states,
    measure_host,
    vanished_states,
)
from clickstream.pipeline.publish.late_lines import LateHour, late_hours
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


@dataclass(frozen=True)
class FreshnessLimits:
    """How old data may be.

    `lag` applies to the newest published hour, to lines that wait, to publications that matches or
    facts lack, and to the last pull of a source; `source_lag` to a source's newest line: a quiet
    site may log none for a night.
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
    hosts that were pulled and are in no source any more. `unmatched` has the dates with orders
    that are not matched since their sales were published, with the time of that publication;
    `interrupted_matches` those whose publication of matches was interrupted. `facts_lack` is the
    time of the oldest publication that the facts lack, None if they have all or do not exist. All
    times are aware.
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
    unmatched: Mapping[date, datetime] = field(default_factory=dict)
    interrupted_matches: Sequence[date] = ()
    facts_lack: datetime | None = None


class Problem(NamedTuple):
    """Something that is late, missing or not known: its subject, and a sentence with a code."""

    kind: Literal["newest hour", "hours", "lacking", "host", "shop", "edits", "matches", "facts"]
    subject: str
    sentence: str


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
    hours were built with other settings or by another version. `sales` are the sources of sales; no
    date of them is expected, because a shop may sell nothing for days. `unmatched` dates have
    orders that wait for their matches for longer than allowed. `facts_lack` is the time of the
    oldest publication that the facts lack (aware), None if none is older than allowed.
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
    unmatched: tuple[date, ...] = ()
    interrupted_matches: tuple[date, ...] = ()
    facts_lack: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Whether the newest published hour is older than allowed."""
        return self.lag is not None and self.lag > self.limits.lag

    @property
    def problems(self) -> list[Problem]:
        """Everything that is late or missing."""
        problems = [*self._late_hours()]
        problems += [Problem("lacking", host.name, host.sentence) for host in self.missing_hosts]
        problems += [
            Problem("host", host.name, host.problem)
            for host in self.sources
            if host.is_known and host.problem
        ]
        for source in self.sales:
            if source.problem:
                problems.append(Problem("shop", source.name, source.problem))
            if source.edits:
                problems.append(Problem("edits", source.name, source.edits))
            problems += _interrupted("shop", f"sales of {source.name}", source.interrupted)
        problems += _interrupted("matches", "matches", self.interrupted_matches)
        if self.unmatched:
            sentence = (
                f"{quantity(len(self.unmatched), 'date')} with sales that wait for their matches "
                f"for longer than {describe_duration(self.limits.lag)}: {shorten(self.unmatched)}."
            )
            problems.append(Problem("matches", "", with_code(sentence, StateCode.UNMATCHED)))
        if self.facts_lack:
            sentence = (
                "The facts of the dashboard lack what was published "
                f"{describe_duration(self.now - self.facts_lack)} ago."
            )
            problems.append(Problem("facts", "", with_code(sentence, StateCode.OLD_FACTS)))
        return problems

    def _late_hours(self) -> Iterator[Problem]:
        """Yield the problem of each group of hours that is late or missing."""
        allowed = describe_duration(self.limits.lag)
        if self.lag is not None and self.is_late:
            sentence = (
                f"The newest published hour is {self.newest}, {describe_duration(self.lag)} ago; "
                f"the limit is {allowed}."
            )
            code = StateCode.NO_RECENT_HOUR
            yield Problem("newest hour", str(self.newest), with_code(sentence, code))
        late, missing = quantity(len(self.late), "hour"), quantity(len(self.missing), "hour")
        broken_off = quantity(len(self.broken_off), "publication")
        waits = f"{late} with raw lines that wait for longer than {allowed}"
        for hours, problem, code in (
            (self.late, waits, StateCode.LINES_WAIT),
            (self.missing, f"{missing} missing", StateCode.MISSING),
            (self.broken_off, f"{broken_off} interrupted", StateCode.INTERRUPTED),
        ):
            if hours:
                named = describe_hours(hours)
                yield Problem("hours", named, with_code(f"{problem}: {named}.", code))

    @property
    def doubts(self) -> list[str]:
        """A sentence for each host whose lines are unusually few in hours."""
        pulled = {host.name: host.pulled_at for host in self.sources}
        return describe_low_hours(self.perhaps_incomplete, pulled)

    @property
    def unknowns(self) -> list[Problem]:
        """Everything that can't be determined."""
        unknowns = [
            Problem("host", host.name, host.problem) for host in self.sources if not host.is_known
        ]
        if self.newest is None:
            sentence = f"No hour since {self.since} is published."
            unknowns.insert(
                0, Problem("newest hour", "", with_code(sentence, StateCode.NO_RECENT_HOUR))
            )
        if not self.sources:
            unknowns.append(Problem("host", "", NO_SOURCE))
        return unknowns


def _interrupted(
    kind: Literal["shop", "matches"], subject: str, days: Sequence[date]
) -> list[Problem]:
    """Return the problem of dates whose publication was interrupted; none without a date."""
    if not days:
        return []
    sentence = f"{quantity(len(days), 'publication')} of {subject} interrupted: {shorten(days)}."
    return [Problem(kind, "interrupted", with_code(sentence, StateCode.INTERRUPTED))]


def measure_freshness(records: LakeRecords, now: datetime, limits: FreshnessLimits) -> Freshness:
    """Decide how fresh a lake is at `now`, an aware time.

    Hours that are not over need not be published. An hour later than `now`, from a server with a
    wrong clock, does not count as the newest.
    """
    running = Hour.of(now)
    published = sorted(hour for hour in records.published if hour <= running)
    newest = published[-1] if published else None
    if records.begins_before:
        begins: Hour | None = records.since
    else:
        begins = next((hour for hour in published if records.published[hour].is_logged), None)
    completeness = measure_completeness(
        HourSpan(records.since, running.previous),
        begins,
        newest,
        records.published.keys(),
        [hour for hour, row in records.published.items() if row.lacks],
        now,
        limits.lag,
    )
    past_window = tuple(late_hour for late_hour in records.late if late_hour.is_past_window)
    published_late = {late_hour.hour for late_hour in records.late}
    over = sorted(
        hour
        for hour in records.waiting_since.keys() - {late_hour.hour for late_hour in past_window}
        if hour < running
    )
    lacking_hosts: dict[str, list[Hour]] = defaultdict(list)
    for hour in completeness.lacking:
        for name in records.published[hour].lacks:
            lacking_hosts[name].append(hour)
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
        sources=(
            *(measure_host(s, now, limits.lag, limits.source_lag) for s in records.sources),
            *map(describe_vanished, records.vanished),
        ),
        missing_hosts=tuple(
            MissingHost(name, tuple(lacking)) for name, lacking in sorted(lacking_hosts.items())
        ),
        sales=tuple(records.sales),
        bucket=records.bucket,
        unmatched=tuple(d for d, at in records.unmatched.items() if now - at > limits.lag),
        interrupted_matches=tuple(records.interrupted_matches),
        facts_lack=(
            records.facts_lack
            if records.facts_lack and now - records.facts_lack > limits.lag
            else None
        ),
    )


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
    Raises OtherBucket, also for a dashboard, which never opens the lake.
    """
    check_tables(lake)
    first = since or Hour.first_of(f"{now.astimezone(UTC) - timedelta(days=DEFAULT_DAYS):%Y-%m-%d}")
    waiting_since = raw.pending_since(lake)
    published = _published(lake, first, is_brief)
    sold = _read_sales_ledger(lake, first.event_date, now)
    unmatched, interrupted_matches = _read_matches(lake, sold, first.event_date, now)
    records = LakeRecords(
        since=first,
        published=published,
        waiting_since=waiting_since,
        late=late_hours(lake, waiting_since),
        publishing_since=interrupted_since(lake),
        sources=expected_states(lake),
        vanished=vanished_states(lake),
        low=()
        if is_brief or not published
        else read_low_hours(lake, HourSpan(first, max(published))),
        begins_before=_begins_before(lake, first, published),
        sales=_sales(lake, sold, first.event_date, now),
        bucket=lake.bucket,
        unmatched=unmatched,
        interrupted_matches=interrupted_matches,
        facts_lack=_facts_lack(lake, published, sold, now),
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
    sentences = []
    for host, hours in sorted(by_host.items()):
        lines = sum(low_hour.lines for low_hour in hours)
        expected = sum(low_hour.expected for low_hour in hours)
        pulled_at = pulled.get(host)
        read = f"; last pulled {pulled_at:%Y-%m-%d %H:%M} UTC" if pulled_at else ""
        sentences.append(
            f"{quantity(len(hours), 'hour')} perhaps incomplete: {host} has "
            f"{quantity(lines, 'line')}, in other weeks about {expected:,}{read}: "
            f"{describe_hours([low_hour.hour for low_hour in hours])}."
        )
    return sentences


ROUNDING = 0.001
"""Share of a date's gross sales up to which a shop's own rounding needs nobody's attention."""


@dataclass(frozen=True)
class SalesFreshness:
    """The sales of a source since the first date that is checked.

    `newest` is the newest of its `dates`, and `published_at` the last publication of any of them;
    both are None without a date. `rejected` dates have rows that can't be used. On `differing`
    dates, the parts of orders differ from their totals by more than `ROUNDING` of the sales.
    `publishing` dates have a publication that is running, `interrupted` ones a publication that
    was interrupted. `failing` is since when the source can't be read (aware), and the error of the
    last attempt. A source without `has_dates` has only tables without dates, such as a menu.
    `compared` is when its dates were compared with the lake, and `changed` dates differ since.
    """

    name: str
    dates: int
    newest: date | None
    published_at: datetime | None
    published_by: str
    rejected: int
    differing: int
    publishing: tuple[date, ...] = ()
    interrupted: tuple[date, ...] = ()
    failing: tuple[datetime, str] | None = None
    has_dates: bool = True
    compared: ComparedDates = field(default_factory=ComparedDates)
    changed: tuple[date, ...] = ()

    @property
    def edits(self) -> str:
        """Which dates before the horizon have changed; the next run pulls the later ones."""
        since = self.compared.since
        older = [day for day in self.changed if since and day < since]
        if not older:
            return ""
        return with_code(
            f"Sales of {self.name}: {describe_changed(self.name, older)}", StateCode.SALES_CHANGED
        )

    @property
    def problem(self) -> str:
        """Why the source can't be read; empty if the last attempt could."""
        if self.failing is None:
            return ""
        since, error = self.failing
        return f"Sales of {self.name} can't be read since {since:%Y-%m-%d %H:%M} UTC: {error}"

    def sentence(self, now: datetime) -> str:
        """Describe the source in one line; `now` is an aware time."""
        if self.newest is None or self.published_at is None:
            if not self.has_dates:
                return "tables without dates"
            return f"no date of these days; to pull its sales: clickstream sales pull {self.name}"
        parts = [
            f"newest date {self.newest}",
            f"last change published {describe_duration(now - self.published_at)} ago",
            quantity(self.dates, "date"),
        ]
        parts += [f"{self.rejected:,} with rejects"] if self.rejected else []
        parts += [f"{self.differing:,} with orders that differ"] if self.differing else []
        parts += [f"{len(self.publishing):,} being published"] if self.publishing else []
        parts += [f"{len(self.interrupted):,} interrupted"] if self.interrupted else []
        return "; ".join(parts)

    @property
    def has_notes(self) -> bool:
        """Whether a person should look at it."""
        return (self.has_dates and not self.dates) or bool(
            self.rejected or self.differing or self.publishing or self.interrupted or self.failing
        )


def _read_sales_ledger(lake: Lake, first: date, now: datetime) -> list[dict[str, Any]]:
    """Read the rows of sources with dates from `first` on; their times become aware."""
    with_dates = sources_with_dates(lake.settings)
    if not with_dates:
        return []
    rows = ledger_rows(lake, first, now.date() + timedelta(days=1)).to_pylist()
    return [
        {**row, "published_at": row["published_at"].replace(tzinfo=UTC)}
        for row in rows
        if row["sales_source"] in with_dates
    ]


def _sales(
    lake: Lake, sold: Sequence[Mapping[str, Any]], first: date, now: datetime
) -> tuple[SalesFreshness, ...]:
    """Describe the sources of sales; `sold` are the rows of their ledger."""
    with_dates, failing = sources_with_dates(lake.settings), unreadable_shops(lake)
    described = []
    for source in lake.settings.sales:
        rows = [row for row in sold if row["sales_source"] == source.name]
        newest = max(rows, key=lambda row: row["published_at"], default=None)
        recorded = versions(lake, source.name, first)
        publishing, interrupted = _split_unfinished(lake, source.name, recorded, now)
        has_dates = source.name in with_dates
        compared = compared_dates(lake, source.name) if has_dates else ComparedDates()
        described.append(
            SalesFreshness(
                source.name,
                len(rows),
                max((row["event_date"] for row in rows), default=None),
                newest["published_at"] if newest else None,
                newest["published_by"] if newest else "",
                sum(bool(row["rejected"]) for row in rows),
                sum((row["differing_cents"] or 0) > row["gross_cents"] * ROUNDING for row in rows),
                publishing,
                interrupted,
                failing.get(source.name),
                has_dates,
                compared,
                tuple(still_changed(lake, source.name, compared)),
            )
        )
    return tuple(described)


def _split_unfinished(
    lake: Lake, source: str, recorded: Mapping[date, str], now: datetime
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Return the dates that are being published, and those whose publication was interrupted."""
    unfinished = sorted(day for day, version in recorded.items() if is_unfinished(version))
    written = written_by_month(lake, source) if unfinished else {}
    interrupted = [
        day for day in unfinished if now - written.get(f"{day:%Y-%m}", now) > PUBLICATION_LIMIT
    ]
    return tuple(day for day in unfinished if day not in interrupted), tuple(interrupted)


def _read_matches(
    lake: Lake, sold: Sequence[Mapping[str, Any]], first: date, now: datetime
) -> tuple[dict[date, datetime], tuple[date, ...]]:
    """Return the dates whose orders are not matched, and those with an interrupted publication.

    A date is matched if it is recorded, and if matches of its month were recorded after its sales
    were published: one run matches all dates that need it.
    """
    with_orders = [row for row in sold if row["orders"]]
    if not with_orders:
        return {}, ()
    recorded, written = versions(lake, MATCHES, first), written_by_month(lake, MATCHES)
    unmatched = {
        day: published_at
        for day, published_at in sorted((r["event_date"], r["published_at"]) for r in with_orders)
        if day not in recorded or _is_after(published_at, written.get(f"{day:%Y-%m}"))
    }
    return unmatched, _split_unfinished(lake, MATCHES, recorded, now)[1]


def _facts_lack(
    lake: Lake,
    published: Mapping[Hour, PublishedHour],
    sold: Sequence[Mapping[str, Any]],
    now: datetime,
) -> datetime | None:
    """Return the time of the oldest publication that the facts lack; None without facts.

    Each refresh after a publication writes the manifest again.
    """
    written = fact_files.manifest_written_at(lake)
    if written is None:
        return None
    since = now.date() - timedelta(days=lake.settings.dashboard.keep_days)
    times = [row.published_at for hour, row in published.items() if hour.event_date >= since]
    times += [row["published_at"] for row in sold if row["event_date"] >= since]
    return min((at for at in times if _is_after(at, written)), default=None)


def _is_after(published_at: datetime, written: datetime | None) -> bool:
    """Whether a publication is newer than an object of S3, whose times are in whole seconds."""
    return written is not None and published_at.replace(microsecond=0) > written
