"""The log files that a command was given, and their facts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from clickstream import __version__
from clickstream.clean.referrers import OwnDomain
from clickstream.core.errors import InputError
from clickstream.core.text_digests import digest_texts
from clickstream.dashboard.log_notes import LogNotes
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.logs.date_tables import DateCarry, DateTables
from clickstream.logs.facts import FactRows, compute_facts
from clickstream.logs.lines_by_date import LinesByDate
from clickstream.logs.log_file import STDIN, find_files, name_of, read_log
from clickstream.logs.read_logs import Read, read_into
from clickstream.logs.site_inference import (
    Samples,
    infer_from_samples,
    sample_dates,
    trust_proxies,
)
from clickstream.logs.time_zone import choose_zone, machine_zone, with_zone
from clickstream.settings import AUTO, Settings
from clickstream.step_config import log_format_of, result_digest, with_own_domain
from clickstream.tables import SCHEMA

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class LogFacts:
    """The lines that were read from logs, and what is known of them.

    `settings` have the inferred own domain, time zone and proxies. `stamps` are those of the files
    when the read began. `first` is the first date (days since 1970-01-01) whose facts may have
    changed since the read before; None if these are all dates. `carries` are those of the dates
    with facts.
    """

    read: Read
    lines: LinesByDate
    settings: Settings
    samples: Samples
    notes: LogNotes
    stamps: Mapping[str, str]
    first: int | None = None
    carries: dict[int, DateCarry] = field(default_factory=dict)

    def close(self) -> None:
        """Forget the lines."""
        self.lines.close()

    @property
    def until(self) -> datetime | None:
        """The end of the last hour with lines (aware), None without lines."""
        if not self.lines.days:
            return None
        return _EPOCH + timedelta(hours=self.lines.first_and_last_hour[1] + 1)

    @property
    def own_domain(self) -> OwnDomain | None:
        """The own domain that was inferred from the lines."""
        return infer_from_samples(self.samples)


@dataclass(frozen=True)
class LogSet:
    """Log files and directories, or `-` for stdin, as `clickstream try` takes them."""

    paths: Sequence[str]
    settings: Settings
    log_format: str = AUTO

    @property
    def is_stdin(self) -> bool:
        """Whether a log comes from stdin, which can be read once only."""
        return STDIN in self.paths

    def version(self) -> str:
        """Return a digest of the files' names, sizes and times, and of all that shapes the facts.

        Facts of an equal version are the same, up to visitor ids.
        """
        texts = (
            *self.stamps().values(),
            f"{__version__} {SCHEMA} {self.log_format}",
            result_digest(self.settings),
            self.settings.model_dump_json(include={"site", "privacy", "people", "formats"}),
            "" if "time_zone" in self.settings.site.model_fields_set else machine_zone(),
            "" if "trusted_proxies" in self.settings.clean.model_fields_set else "inferred proxies",
            resources.files(__package__).joinpath("fact_views.sql").read_text("utf-8"),
        )
        return digest_texts(texts, 16)

    def stamps(self) -> dict[str, str]:
        """Return the name, size and time of each file, by its path in the order of the files."""
        return {file.path: _stamp(file.path) for file in find_files(self.paths)[0]}

    def read_changes(self, console: Console, last: LogFacts | None = None) -> LogFacts:
        """Read the logs; if only the newest file has grown since `last`, only its new lines."""
        return (self._continue(last) if last else None) or self.read(console)

    def compute(
        self,
        log_facts: LogFacts,
        secret: bytes,
        console: Console,
        views: Sequence[str] = FACT_VIEWS,
        observe: Callable[[DateTables], None] = lambda _tables: None,
    ) -> Iterator[FactRows]:
        """Yield the facts that may have changed, some dates at a time, with a progress bar.

        Visitor keys are derived from `secret`. `observe` is called with the rows of the tables of
        each date.
        """
        first = log_facts.first or 0
        before = {day: carry for day, carry in log_facts.carries.items() if day < first}
        log_facts.carries = {**before}
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("dates"),
        )
        is_hidden = not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=is_hidden) as bar:
            task = bar.add_task("Computing figures")
            yield from compute_facts(
                log_facts.lines,
                log_facts.settings,
                secret,
                datetime.now(UTC),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                before=before,
                keep=log_facts.carries.__setitem__,
                views=views,
                observe=observe,
                first=log_facts.first,
            )

    def _continue(self, last: LogFacts) -> LogFacts | None:
        """Add the lines that the newest file has got since the last read.

        Returns None if all files must be read again: if any other file has changed, or if a read
        from the old end of the newest file could differ from a read of the whole file.
        """
        end, stamps = last.read.end, self.stamps()
        if not end or not end.can_continue or [*stamps] != [*last.stamps]:
            return None
        changed_files = [path for path, stamp in stamps.items() if last.stamps[path] != stamp]
        if changed_files != [end.path] or not end.has_grown():
            return None

        days_before = last.lines.days
        changed_days = {days_before[-1]}
        try:
            for parsed in read_log(
                end.path,
                log_format_of(self.settings, self.log_format),
                longest=self.settings.clean.longest_line_bytes,
                offsets=last.read.add_offsets,
                end=end,
            ):
                changed_days.update(last.lines.add(parsed, name_of(end.path)))
        except InputError:
            return None
        unchanged = {day: sample for day, sample in last.samples.items() if day < min(changed_days)}
        log_facts = self._build_facts(last.read, last.lines, unchanged, stamps)

        # Facts are computed from the date before the changed ones on, because its last session may
        # go on in the new lines. This needs the open sessions of an earlier date.
        first = max((day for day in days_before if day < min(changed_days)), default=None)
        has_carry = first is not None and any(day < first for day in last.carries)
        if has_carry and log_facts.settings == last.settings:
            log_facts.first, log_facts.carries = first, last.carries
        return log_facts

    def read(self, console: Console, lines: LinesByDate | None = None) -> LogFacts:
        """Read the logs, without their facts; `lines` takes the lines, if given."""
        lines, stamps = lines or LinesByDate(self.settings.site.hosts), self.stamps()
        read = read_into(lines, self.paths, self.log_format, self.settings, console)
        return self._build_facts(read, lines, {}, stamps)

    def _build_facts(
        self, read: Read, lines: LinesByDate, samples: Samples, stamps: Mapping[str, str]
    ) -> LogFacts:
        """Return what was read; `samples` are those of the dates that have not changed."""
        samples = sample_dates(self.settings, lines, samples)
        zone = choose_zone(self.settings, read.offsets)
        settings, notes = trust_proxies(self.settings, samples)
        settings = with_zone(with_own_domain(settings, infer_from_samples(samples)), zone)
        notes = notes._replace(zone=zone.sentence)
        return LogFacts(read, lines, settings, samples, notes, stamps)


def _stamp(path: str) -> str:
    """Return name, size and time of a file; stdin differs each time."""
    try:
        stat = Path(path).stat()
    except OSError:
        return f"{path} {os.getpid()} {id(sys.stdin)}"
    return f"{Path(path).resolve()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
