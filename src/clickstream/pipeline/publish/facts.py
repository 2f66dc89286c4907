"""Fact files for the dashboard, updated from the Athena views after hours are published.

    manifest, ledger ─▶ which dates of which views changed ─▶ Athena ─▶ files ─▶ swap the manifest

The manifest is the only state. For each file it has the version of the data that the rows were
computed from; a file is computed again when that version has changed. So a refresh can be killed at
any point and run beside others, and the manifest names complete files at any time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow.compute as pc
from more_itertools import split_when

from clickstream.lake import Lake, aws_errors, fact_files
from clickstream.lake import views as athena_views
from clickstream.lake.fact_files import FactFile, Manifest
from clickstream.lake.query_files import query_rows
from clickstream.lake.records import Stored
from clickstream.lake.views import AthenaView, DateFilter
from clickstream.pipeline.publish.fact_versions import (
    FactKey,
    SourceVersion,
    date_filter,
    fact_views,
    source_versions,
)
from clickstream.wording import quantity, shorten

DATES_AT_ONCE = 7
"""Dates of a batch. The manifest is replaced after each batch, so a kill loses at most one."""

QUERIES_AT_ONCE = 4

Progress = Callable[[str], None]
_ONE_DAY = timedelta(days=1)


def _quiet(_sentence: str) -> None:
    pass


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
    found: dict[str, list[str]] = defaultdict(list)
    for view, day in sorted(keys):
        found[view].append(str(day))
    return dict(found)


@aws_errors.translate_errors()
def refresh_facts(
    lake: Lake,
    progress: Progress = _quiet,
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
    directory = lake.settings.resolve(lake.settings.build.sql_directory)
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
            self.changed |= {key for key, file in after.items() if _differs(before.get(key), file)}
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
        there = {} if self.everything else _files(stored)
        return [
            key
            for key, version in wanted.items()
            if not any(
                key in files and files[key].source_version == version.text
                for files in (there, self.computed)
            )
        ]

    def _next(
        self, stored: Stored[Manifest] | None, wanted: Mapping[FactKey, SourceVersion]
    ) -> dict[FactKey, FactFile]:
        """Return the files of the next manifest: computed files, and others of the same SQL.

        Rows of another SQL may have other values, or dates of another time zone, so readers never
        get both. Until they are computed again, those dates have no file.
        """
        there = _files(stored)
        after: dict[FactKey, FactFile] = {}
        for key, version in wanted.items():
            computed, before = self.computed.get(key), there.get(key)
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
            answers = [*pool.map(lambda one: self._ask(one, wanted), questions)]
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


def _differs(before: FactFile | None, file: FactFile) -> bool:
    """Return whether the rows differ: a file's key has their digest."""
    return before is None or before.key != file.key


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

    def is_apart(one: FactKey, other: FactKey) -> bool:
        return one[0] != other[0] or other[1] - one[1] != _ONE_DAY

    return split_when(sorted(batch), is_apart)
