"""The check of all stored bytes of a range of hours, for `verify --deep`.

It reads every data file of every table, every raw object and every fact file, and continues after a
damaged one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from clickstream import parse
from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour, HourSpan
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors, fact_files, raw
from clickstream.lake.fact_files import FactFile
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.raw import RawObject
from clickstream.pipeline.hour.hour_states import check_range
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.step_config import log_format_of
from clickstream.tables import HITS, HOUR_LEDGER, RAW_OBJECTS, REJECTS, Table

_BUILT_WITHOUT_READING = (HITS, REJECTS)
"""Tables whose rows a publication replaces without reading them."""


@dataclass(frozen=True)
class Damage:
    """A damaged object, and the remedy.

    `span` are the hours of its rows or lines; None for a file that describes a whole table.
    """

    span: HourSpan | None
    problem: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        if self.span is None:
            hours = "All hours"
        else:
            first, last = self.span.first, self.span.last
            hours = f"Hour {first}" if first == last else f"Hours {first} to {last}"
        return f"{hours}: {self.problem} {self.remedy}".rstrip()


@dataclass
class BytesReport:
    """What `check_stored_bytes` has read, and the damage that it found.

    `chosen` is the range that was given, as text, and `tables` the number of tables. Raw lines
    before `raw_gone_before` are deleted. `damage` is in the order in which it was found: the ledger
    comes first.
    """

    chosen: str
    tables: int
    files: int = 0
    file_bytes: int = 0
    rows: int = 0
    raw_objects: int = 0
    raw_bytes: int = 0
    lines: int = 0
    fact_files: int = 0
    fact_bytes: int = 0
    raw_gone_before: Hour | None = None
    damage: list[Damage] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage

    @property
    def sentence(self) -> str:
        """What was read."""
        return (
            f"Read all stored bytes of {self.chosen}: {quantity(self.files, 'data file')} of "
            f"{self.tables} tables with {quantity(self.rows, 'row')} ({_size(self.file_bytes)}"
            f"), {quantity(self.raw_objects, 'raw object')} with {quantity(self.lines, 'line')} "
            f"({_size(self.raw_bytes)}), {quantity(self.fact_files, 'fact file')} "
            f"({_size(self.fact_bytes)})."
        )

    @property
    def notes(self) -> list[str]:
        """A sentence about raw lines that can't be read any more."""
        if self.raw_gone_before is None:
            return []
        return [
            f"Raw lines before {self.raw_gone_before} are deleted ([maintenance] raw_days), and "
            "only what is left of them was read."
        ]

    @property
    def failures(self) -> list[str]:
        """A sentence for each damaged object."""
        return [damage.sentence for damage in self.damage]


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.1f} kB"


@aws_errors.translate_errors()
def check_stored_bytes(
    lake: Lake,
    first: Hour | None = None,
    last: Hour | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BytesReport:
    """Read every data file, raw object and fact file of the hours from `first` to `last`.

    None is an open end. Page checksums and numbers of rows are compared with the metadata of the
    tables, checksums and numbers of lines of raw objects with the table raw_objects, and fact files
    with the digests in their names. `progress` is called with what is read. Raises InputError when
    the range ends before it begins.
    """
    if first and last:
        check_range(first, last)
    report = BytesReport(f"{first} to {last}" if first and last else "all hours", len(lake.tables))
    check = _Check(lake, first, last, report, progress)
    for table in sorted(lake.tables, key=lambda table: table is not HOUR_LEDGER):
        check.table(table)
    check.raw_objects()
    check.facts()
    return report


@dataclass(frozen=True)
class _Check:
    """Reads the stored bytes of a range of hours, and adds to the report what it finds."""

    lake: Lake
    first: Hour | None
    last: Hour | None
    report: BytesReport
    progress: Callable[[str], None]

    def table(self, table: Table) -> None:
        """Read the data files of a table."""
        report = self.report
        try:
            files = iceberg_tables.load(self.lake, table).data_files(self.first, self.last)
        except Exception as error:
            report.damage.append(Damage(None, f"{table.name}: {_reported_damage(error)}"))
            return
        for number, file in enumerate(files, 1):
            self.progress(f"Bytes of {table.name}: file {number:,} of {len(files):,}")
            report.files += 1
            report.file_bytes += file.size
            report.rows += file.rows
            if reason := file.find_damage():
                problem = f"{file.path} of the table {table.name} is damaged: {reason}."
                remedy = "Restore the object from an earlier S3 version or a backup"
                if table in _BUILT_WITHOUT_READING:
                    first, last = file.span.first, file.span.last
                    remedy += f", or build its rows again: clickstream build {first} {last}"
                else:
                    remedy += "."
                report.damage.append(Damage(file.span, problem, remedy))

    def raw_objects(self) -> None:
        """Read the raw objects."""
        report = self.report
        report.raw_gone_before = ReplayWindow(self.lake).raw_before
        try:
            loaded = iceberg_tables.load(self.lake, RAW_OBJECTS)
            rows = loaded.read_between(self.first, self.last, ["raw_object", "lines"]).to_pylist()
        except Exception as error:
            _reported_damage(error)  # which `table` has added to the report
            rows = []
        counted = {row["raw_object"]: row["lines"] for row in rows}
        for hour, items in raw.raw_by_hour(self.lake, self.first, self.last).items():
            self.progress(f"Bytes of raw lines: {hour}")
            for item in items:
                report.raw_objects += 1
                report.raw_bytes += item.size
                if problem := self._damage_of_raw(item, counted):
                    report.damage.append(Damage(HourSpan(hour, hour), problem))

    def _damage_of_raw(self, item: RawObject, counted: Mapping[str, int]) -> str:
        """Read a raw object and compare its number of lines; return what is wrong, or nothing."""
        settings = self.lake.settings
        try:
            text = raw.read(self.lake, item)
        except FileNotFoundError:  # maintenance deleted it after it was listed
            return ""
        except Exception as error:
            return _reported_damage(error)
        log_format = log_format_of(settings, item.log_format)
        lines = parse.parse(text, log_format, longest=settings.clean.longest_line_bytes).lines
        self.report.lines += lines
        if counted.get(item.key, lines) == lines:
            return ""
        return (
            f"{self.lake.uri(item.key)} has {lines:,} lines, and the hour was built from "
            f"{counted[item.key]:,} of it. Restore the object from an earlier S3 version or a "
            "backup."
        )

    def facts(self) -> None:
        """Read the fact files of the UTC dates of the hours."""
        try:
            files = self._named_fact_files()
        except Exception as error:
            self.report.damage.append(Damage(None, _reported_damage(error)))
            return
        for day, file in files:
            self.progress(f"Bytes of fact files: {day}")
            self.report.fact_files += 1
            if problem := self._damage_of_facts(day, file):
                self.report.damage.append(Damage(HourSpan.parse(str(day)), problem))

    def _named_fact_files(self) -> list[tuple[date, FactFile]]:
        """Return the files that the manifest names, with their dates, in the order of the dates."""
        stored = fact_files.read_manifest(self.lake)
        views = stored.value.files.values() if stored else ()
        first = self.first.event_date if self.first else date.min
        last = self.last.event_date if self.last else date.max
        pairs = [pair for files in views for pair in files.items() if first <= pair[0] <= last]
        return sorted(pairs, key=lambda pair: (pair[0], pair[1].key))

    def _damage_of_facts(self, day: date, file: FactFile) -> str:
        """Read a fact file; return what is wrong with it, or nothing."""
        try:
            body = fact_files.read_body(self.lake, file)
            is_replaced = body is None and (day, file) not in self._named_fact_files()
        except Exception as error:
            return _reported_damage(error)
        if is_replaced:  # by a refresh, after the manifest was read
            return ""
        if body is None:
            return (
                f"{self.lake.uri(file.key)} is missing, and the manifest of the dashboard's facts "
                f"names it. {fact_files.REMEDY_FOR_FACTS}"
            )
        self.report.fact_bytes += len(body)
        return ""


def _reported_damage(error: Exception) -> str:
    """Return the report of damaged bytes from the library or S3. Raises any other error again."""
    if isinstance(error, DamagedObject):
        return str(error)
    if report := aws_errors.reported_damage(error):
        return report
    raise error
