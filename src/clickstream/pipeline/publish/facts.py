"""Fact files for the dashboard, updated from the Athena views after hours are published.

    manifest, ledger ─▶ which dates of which views changed ─▶ Athena ─▶ files ─▶ swap the manifest

The manifest is the only state. For each file it has the version of the data that the rows were
computed from; a file is computed again when that version has changed. So a refresh can be killed at
any point and run beside others, and the manifest names complete files at any time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow.compute as pc
from more_itertools import split_when

from clickstream.core.errors import InputError
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, aws_errors, fact_files
from clickstream.lake import views as athena_views
from clickstream.lake.athena import query_rows
from clickstream.lake.fact_files import ALL_FACT_VIEWS, FACT_VIEWS, FactFile, Manifest
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.records import Stored
from clickstream.lake.views import AthenaView, DateFilter
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.settings import Settings
from clickstream.tables import (
    HOUR_LEDGER,
    OF_DATES,
    Table,
)
from clickstream.tables.locations import LOCATION_CANDIDATES
from clickstream.tables.people import PEOPLE_ESTIMATES
from clickstream.tables.sales import SALES_LEDGER, SALES_TABLES
from clickstream.tables.sales_listings import LISTING_LEDGER, LISTING_TABLES
from clickstream.tables.sales_matches import MATCH_LEDGER, MATCH_TABLES

# Versions of fact files: digests of the SQL of a view and of the publications that it reads.
#
# Only metadata are read: lists of data files by date, of the ledgers, and of the tables whose rows
# are replaced by date. So the cost does not depend on the size of the lake. `facts` calls this.

_FIRST_DATE = date(1970, 1, 1)

FactKey = tuple[str, date]
"""A view and a UTC date: one fact file has their rows."""


@dataclass(frozen=True)
class SourceVersion:
    """What the rows of a fact file depend on: digests of the view's SQL, and of publications."""

    sql: str
    hours: str

    @property
    def text(self) -> str:
        """The version of a file that is computed now."""
        return f"{self.sql}-{self.hours}"

    def has_sql_of(self, version: str) -> bool:
        """Return whether a file of a version was computed by the SQL of today."""
        return version.partition("-")[0] == self.sql


def fact_views(settings: Settings) -> Sequence[str]:
    """Return the fact views of a lake: those of sales only with `[[sales]]`."""
    return ALL_FACT_VIEWS if settings.sales else FACT_VIEWS


def source_versions(
    lake: Lake, views: Collection[AthenaView], first: date
) -> dict[FactKey, SourceVersion]:
    """Return the version of each fact file that should exist, of dates from `first` on.

    These are the dates of the ledger that the view depends on. Raises InputError if a fact view is
    missing.
    """
    by_name = {view.name: view for view in views}
    names = fact_views(lake.settings)
    filters = {name: date_filter(by_name, name) for name in names}
    reach = max(chosen.days_before for chosen in filters.values())
    read = {name: _tables_read(by_name, name) for name in names}
    ledgers = {name: _ledger_of(read[name]) for name in names}
    # A version of a listing stays valid, however old it is.
    first_of = {
        ledger: _FIRST_DATE if ledger is LISTING_LEDGER else first for ledger in ledgers.values()
    }
    files = {
        ledger: iceberg_tables.files_by_date(lake, ledger, begins - timedelta(days=reach))
        for ledger, begins in first_of.items()
    }
    of_dates = {table.name: iceberg_tables.files_by_date(lake, table, first) for table in OF_DATES}
    # An estimate is also written again when its date was only searched again.
    numbers = iceberg_tables.texts_by_date(lake, PEOPLE_ESTIMATES, first, ("numbers_version",))
    of_dates[PEOPLE_ESTIMATES.name] = {day: [*row.values()] for day, row in numbers.items()}
    if lake.settings.sales:
        matched = iceberg_tables.files_by_date(lake, MATCH_LEDGER, first)
        of_dates |= {table.name: matched for table in MATCH_TABLES}
    source_versions: dict[FactKey, SourceVersion] = {}
    for name, chosen in filters.items():
        ledger, tables = ledgers[name], sorted(read[name] & of_dates.keys())
        sql = digest_texts(_all_sql(by_name, name))
        for day in files[ledger]:
            if day < first_of[ledger]:
                continue
            texts: list[str] = []
            for number in range(-chosen.days_before, chosen.days_after + 1):
                near = day + timedelta(days=number)
                texts += [str(near), *files[ledger].get(near, ())]
            for table in tables:
                texts += of_dates[table].get(day, ())
            source_versions[name, day] = SourceVersion(sql, digest_texts(texts))
    return source_versions


def _ledger_of(tables: Collection[str]) -> Table:
    """Return the ledger whose row of a date is written last, after the tables that a view reads."""
    if {*tables} <= {table.name for table in LISTING_TABLES}:
        return LISTING_LEDGER
    if {*tables} == {LOCATION_CANDIDATES.name}:
        return LOCATION_CANDIDATES
    of_sales = {table.name for table in SALES_TABLES}
    return HOUR_LEDGER if of_sales.isdisjoint(tables) else SALES_LEDGER


def _tables_read(views: Mapping[str, AthenaView], name: str) -> set[str]:
    """Return the names of the tables that a view reads, also by other views."""
    if name not in views:
        return {name}
    return set().union(*(_tables_read(views, read) for read in views[name].reads))


def date_filter(views: Mapping[str, AthenaView], name: str) -> DateFilter:
    """Return the date filter of a fact view. Raises InputError without the view or its filter."""
    chosen = views[name].filter_by if name in views else None
    if chosen is None:
        raise InputError(
            f"The views lack {name}, or its .yml lacks filter_by; the dashboard needs it. Copy it "
            "from include/sql into sql_directory under [build]."
        )
    return chosen


def _all_sql(views: Mapping[str, AthenaView], name: str) -> Iterator[str]:
    """Yield the SQL of a view and of all views that it reads."""
    if name in views:
        yield views[name].sql
        for read in views[name].reads:
            yield from _all_sql(views, read)


DATES_AT_ONCE = 7
"""Dates of a batch. The manifest is replaced after each batch, so a kill loses at most one."""

QUERIES_AT_ONCE = 4

Progress = Callable[[str], None]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FactsRefreshed:
    """The result of a refresh, as dates of each view.

    `computed` were queried, and the rows of `changed` among them differ from before; `removed` left
    the manifest. `version` is the manifest's, 0 if there is none. In a dry run, `computed` and
    `queries` are what a refresh would do.
    """

    computed: dict[str, list[str]]
    changed: dict[str, list[str]]
    removed: dict[str, list[str]]
    queries: int
    scanned_bytes: int
    version: int
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom; each list of dates is replaced by its length."""
        values = vars(self)
        lists = ("computed", "changed", "removed")
        return values | {
            name: {view: len(days) for view, days in values[name].items()} for name in lists
        }

    @property
    def sentence(self) -> str:
        """One line for the log."""
        if not self.computed and not self.removed:
            return f"Facts are up to date: version {self.version:,}."
        queries = quantity(self.queries, "query", "queries")
        dates = shorten(sorted(_dates(self.computed), reverse=True))
        gone = quantity(len(_dates(self.removed)), "date")
        if self.dry_run:
            return f"Facts of {dates} would be computed by {queries}; {gone} would be removed."
        changed = quantity(len(_dates(self.changed)), "date")
        return (
            f"Facts of {dates} computed by {queries} of {self.scanned_bytes / 1e6:,.1f} MB: "
            f"{changed} changed, {gone} removed; version {self.version:,}."
        )


def _dates(by_view: Mapping[str, list[str]]) -> set[str]:
    return {*chain(*by_view.values())}


def _by_view(keys: Iterable[FactKey]) -> dict[str, list[str]]:
    by_view: dict[str, list[str]] = defaultdict(list)
    for view, day in sorted(keys):
        by_view[view].append(str(day))
    return dict(by_view)


@aws_errors.translate_errors()
def refresh_facts(
    lake: Lake,
    progress: Progress = lambda _: None,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    everything: bool = False,
    apart: timedelta = timedelta(),
    sleep: Callable[[float], None] = time.sleep,
) -> FactsRefreshed:
    """Update the fact files to the published hours, newest dates first.

    Outdated views are replaced first. [dashboard] keep_days counts back from `now`, an aware
    moment. With `everything`, files of an unchanged version are computed again, too. A refresh that
    has something to do waits until the manifest is `apart` old: when many runs publish hours of the
    same dates, few refreshes do the work. Raises QueryFailed if Athena fails; the manifest is then
    that of the last complete batch.
    """
    directory = lake.settings.sql_directory
    if not dry_run:
        athena_views.refresh(lake, directory)
    today = (now or datetime.now(UTC)).date()
    first = today - timedelta(days=lake.settings.dashboard.keep_days)
    views = {view.name: view for view in athena_views.views_of(lake.settings, directory)}
    refresh = _Refresh(lake, views, first, everything, progress)
    if dry_run:
        return refresh.plan()
    sleep(refresh.seconds_to_wait(apart))
    while not refresh.run():
        progress("Another process replaced the manifest of facts; continuing from its files.")
    return refresh.result()


@dataclass
class _Refresh:
    """One refresh: what it has computed so far, and how that changed the manifest."""

    lake: Lake
    views: Mapping[str, AthenaView]
    first: date
    everything: bool
    progress: Progress
    computed: dict[FactKey, FactFile] = field(default_factory=dict)
    changed: set[FactKey] = field(default_factory=set)
    removed: set[FactKey] = field(default_factory=set)
    queries: int = 0
    scanned_bytes: int = 0
    version: int = 0

    def plan(self) -> FactsRefreshed:
        """Return what `run` would do."""
        stored, wanted = self._load()
        todo = self._todo(stored, wanted)
        queries = sum(len([*_ranges(batch)]) for batch in _batches(todo))
        gone = _files(stored).keys() - wanted.keys()
        return FactsRefreshed(_by_view(todo), {}, _by_view(gone), queries, 0, self.version, True)

    def seconds_to_wait(self, apart: timedelta) -> float:
        """Return the time until the manifest is `apart` old; 0 if there is nothing to do."""
        stored, wanted = self._load() if apart else (None, {})
        if stored is None or not self._todo(stored, wanted):
            return 0.0
        age = datetime.now(UTC) - stored.value.changed_at
        return max((apart - age).total_seconds(), 0.0)

    def run(self) -> bool:
        """Compute the outdated files; return False if another process replaced the manifest."""
        stored, wanted = self._load()
        for batch in [*_batches(self._todo(stored, wanted)), []]:  # the last only removes files
            self._compute(batch, wanted)
            before, after = _files(stored), self._next(stored, wanted)
            if after == before:
                continue
            manifest, etag = self._manifest(after), stored.etag if stored else None
            stored = fact_files.write_manifest(self.lake, manifest, etag)
            if stored is None:
                return False
            self.version = manifest.version
            # The key of a file has a digest of its rows.
            self.changed |= {
                key
                for key, file in after.items()
                if key not in before or before[key].key != file.key
            }
            self.removed |= before.keys() - after.keys()
        return True

    def result(self) -> FactsRefreshed:
        """Return what was done."""
        computed, changed, removed = map(_by_view, (self.computed, self.changed, self.removed))
        return FactsRefreshed(
            computed, changed, removed, self.queries, self.scanned_bytes, self.version, False
        )

    def _load(self) -> tuple[Stored[Manifest] | None, dict[FactKey, SourceVersion]]:
        """Read the manifest, and the version that each file should have.

        The manifest is read first, and its ETag guards the swap: no file can replace a newer one.
        """
        stored = fact_files.read_manifest(self.lake)
        self.version = stored.value.version if stored else 0
        return stored, source_versions(self.lake, self.views.values(), self.first)

    def _todo(
        self, stored: Stored[Manifest] | None, wanted: Mapping[FactKey, SourceVersion]
    ) -> list[FactKey]:
        """Return the files that neither the manifest nor this refresh has in the wanted version."""
        existing = {} if self.everything else _files(stored)
        return [
            key
            for key, version in wanted.items()
            if not any(
                key in files and files[key].source_version == version.text
                for files in (existing, self.computed)
            )
        ]

    def _next(
        self, stored: Stored[Manifest] | None, wanted: Mapping[FactKey, SourceVersion]
    ) -> dict[FactKey, FactFile]:
        """Return the files of the next manifest: computed files, and others of the same SQL.

        Rows of another SQL may have other values, or dates of another time zone, so readers never
        get both. Until they are computed again, those dates have no file.
        """
        existing = _files(stored)
        after: dict[FactKey, FactFile] = {}
        for key, version in wanted.items():
            computed, before = self.computed.get(key), existing.get(key)
            if computed and computed.source_version == version.text:
                after[key] = computed
            elif before and version.has_sql_of(before.source_version):
                after[key] = before
        return after

    def _manifest(self, files: Mapping[FactKey, FactFile]) -> Manifest:
        names = fact_views(self.lake.settings)
        by_view: dict[str, dict[date, FactFile]] = {view: {} for view in names}
        for view, day in sorted(files):
            by_view[view][day] = files[view, day]
        zone = self.lake.settings.site.time_zone
        return Manifest(self.version + 1, datetime.now(UTC), zone, by_view)

    def _compute(self, batch: list[FactKey], wanted: Mapping[FactKey, SourceVersion]) -> None:
        """Query the rows of a batch and store them, several views at once."""
        if not batch:
            return
        questions = [*_ranges(batch)]
        self.lake.athena, self.lake.s3  # noqa: B018  # else each thread would create its own
        with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
            answers = [*pool.map(lambda question: self._ask(question, wanted), questions)]
        for files, scanned_bytes in answers:
            self.computed |= files
            self.queries += 1
            self.scanned_bytes += scanned_bytes
        rows = sum(self.computed[key].rows for key in batch)
        days = shorten(sorted({day for _, day in batch}, reverse=True))
        self.progress(f"Facts of {days}: {quantity(rows, 'row')}.")

    def _ask(
        self, question: list[FactKey], wanted: Mapping[FactKey, SourceVersion]
    ) -> tuple[dict[FactKey, FactFile], int]:
        """Query consecutive dates of a view, and store them; also return the bytes scanned."""
        view, days = question[0][0], [day for _, day in question]
        chosen = date_filter(self.views, view)
        answer = query_rows(self.lake, fact_query(view, chosen, days))
        dates = answer.table[chosen.column]
        files = {}
        for key in question:
            rows = answer.table.filter(pc.equal(dates, key[1]))
            files[key] = fact_files.write_file(self.lake, *key, rows, wanted[key].text)
        return files, answer.scanned_bytes


def fact_query(view: str, chosen: DateFilter, days: Sequence[date]) -> str:
    """Return the SELECT of a view's rows of consecutive dates.

    Where a date's rows depend on the tables' rows of other dates, Trino can derive those dates from
    a single date only; for a range it needs dynamic filters, which may come too late. So each date
    has its own SELECT there.
    """
    if not chosen.days_before and not chosen.days_after:
        conditions = [f"between date '{days[0]}' and date '{days[-1]}'"]
    else:
        conditions = [f"= date '{day}'" for day in days]
    chosen_rows = [f"from {view} where {chosen.column} {condition}" for condition in conditions]
    return " union all ".join(f"select * {rows}" for rows in chosen_rows)


def _files(stored: Stored[Manifest] | None) -> dict[FactKey, FactFile]:
    """Return the files of a manifest by view and date."""
    views = stored.value.files if stored else {}
    return {(view, day): file for view, days in views.items() for day, file in days.items()}


def _batches(todo: Iterable[FactKey]) -> Iterator[list[FactKey]]:
    """Yield batches of files of up to DATES_AT_ONCE dates, the newest first."""
    by_date: dict[date, list[FactKey]] = defaultdict(list)
    for key in todo:
        by_date[key[1]].append(key)
    newest_first = sorted(by_date, reverse=True)
    for start in range(0, len(newest_first), DATES_AT_ONCE):
        days = newest_first[start : start + DATES_AT_ONCE]
        yield [key for day in days for key in by_date[day]]


def _ranges(batch: Iterable[FactKey]) -> Iterator[list[FactKey]]:
    """Split the files of each view into runs of consecutive dates: each becomes one query."""

    def is_apart(key: FactKey, following: FactKey) -> bool:
        return key[0] != following[0] or following[1] - key[1] != _ONE_DAY

    return split_when(sorted(batch), is_apart)


def refresh_readers(lake: Lake, progress: Callable[[str], None]) -> Iterator[str]:
    """Refresh the views, search for suspected machines, and refresh the facts; in this order.

    Yield the result of each step as a sentence. The DAGs have a task for each step.
    """
    yield refresh_views(lake).sentence
    yield find_suspects(lake, progress).sentence
    yield refresh_facts(lake, progress).sentence
