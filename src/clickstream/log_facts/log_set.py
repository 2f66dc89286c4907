"""The log files that a command was given, and their facts."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import clickstream
from clickstream import __version__
from clickstream.clean.referrers import OwnDomain
from clickstream.log_facts.date_carry import DateCarry, StoredCarries
from clickstream.log_facts.facts import compute_facts
from clickstream.log_facts.known_files import KnownFile
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.log_facts.log_memory import LogMemory, days_of
from clickstream.log_facts.log_notes import LogNotes
from clickstream.log_facts.new_lines import (
    ReadOptions,
    known_files,
    read_dates,
    read_new_lines,
)
from clickstream.log_facts.own_domain import (
    Samples,
    advise_from_samples,
    infer_from_samples,
    sample_dates,
)
from clickstream.log_facts.stored_rows import StoredRows
from clickstream.log_facts.time_zone import choose_zone, machine_zone, with_zone
from clickstream.log_files.read_logs import Read, read_into
from clickstream.log_files.reading import STDIN, find_files
from clickstream.log_files.written_offsets import WrittenOffsets, merge_offsets
from clickstream.settings import AUTO, Settings
from clickstream.step_config import result_digest, with_own_domain
from clickstream.tables import SCHEMA
from clickstream.text_digests import digest_texts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PACKAGE = Path(clickstream.__file__).parent
_OWN_VIEWS = (_PACKAGE / "sql", _PACKAGE.parents[1] / "include" / "sql")
"""The views in a wheel, and in a checkout."""


@dataclass
class LogFacts:
    """The facts of logs: the rows of each fact view by date, and the lines that were read.

    `settings` have the inferred own domain and time zone. `files` are all files, also those that
    were not read.
    `first` is the first date (days since 1970-01-01) whose lines were read and whose facts were
    computed; None if these are all dates.
    """

    read: Read
    lines: LinesByDate
    settings: Settings
    files: Sequence[KnownFile]
    samples: Samples
    offsets: WrittenOffsets
    notes: LogNotes
    first: int | None = None
    rows: StoredRows = field(default_factory=StoredRows)

    def close(self) -> None:
        """Forget the lines and the rows."""
        self.lines.close()
        self.rows.close()

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

    @property
    def number_of_lines(self) -> tuple[int, int]:
        """The numbers of all lines and of the parsed ones, also of files that were not read."""
        return sum(one.lines for one in self.files), sum(one.parsed for one in self.files)


@dataclass(frozen=True)
class LogSet:
    """Log files and directories, or `-` for stdin, as `clickstream try` takes them."""

    paths: Sequence[str]
    settings: Settings
    log_format: str = AUTO

    @property
    def sql_directory(self) -> Path:
        """The directory of the views: that of the settings, else the one of this package."""
        chosen = self.settings.resolve(self.settings.build.sql_directory)
        return next(filter(Path.is_dir, (chosen, *_OWN_VIEWS)), chosen)

    @property
    def is_stdin(self) -> bool:
        """Whether a log comes from stdin, which can be read once only."""
        return STDIN in self.paths

    def version(self) -> str:
        """Return a digest of the files' names, sizes and times, and of all that shapes the facts.

        Facts of an equal version are the same, up to visitor ids.
        """
        files, _ = find_files(self.paths)
        return digest_texts((self.rules(), *(_stamp(file.path) for file in files)), 16)

    def rules(self) -> str:
        """Return a digest of all that shapes the facts, except the files."""
        texts = (
            f"{__version__} {SCHEMA} {self.log_format}",
            result_digest(self.settings),
            self.settings.model_dump_json(include={"site", "privacy", "people", "formats"}),
            "" if "time_zone" in self.settings.site.model_fields_set else machine_zone(),
            *(path.read_text(encoding="utf-8") for path in sorted(self.sql_directory.glob("*"))),
        )
        return digest_texts(texts, 16)

    def compute(
        self,
        secret: bytes,
        console: Console,
        memory: LogMemory | None = None,
        carries: StoredCarries | None = None,
    ) -> LogFacts:
        """Read the logs and compute their facts, with progress bars on a terminal.

        Visitor keys are derived from `secret`. With the memory of the last read, only what has
        changed since then is read, if that gives the same facts. The carries of the computed dates
        are stored in `carries`.
        """
        found = None
        if memory and memory.rules == self.rules():
            for with_date_before in (False, True):
                found = found or self._compute_new(
                    secret, console, memory, carries, with_date_before=with_date_before
                )
        return found or self._compute_from(self.read(console), secret, console, carries=carries)

    def _compute_new(
        self,
        secret: bytes,
        console: Console,
        memory: LogMemory,
        carries: StoredCarries | None,
        *,
        with_date_before: bool,
    ) -> LogFacts | None:
        """Compute the facts of affected dates; None if those of earlier ones are affected, too."""
        options = self._options(console)
        new = read_new_lines(self.paths, memory, options, with_date_before=with_date_before)
        before = memory.carries.before(new.first) if new else None
        if new is None or before is None:
            return None
        kept = {day: one for day, one in memory.samples.items() if day < new.first}
        offsets = {key: seen for key, seen in memory.offsets.items() if key.day < new.first}
        found = self._found(new.read, new.lines, new.files, kept, offsets)
        found.first = new.first
        try:
            if found.settings == self._infer(memory.samples, memory.offsets)[0]:
                return self._compute_from(*(found, secret, console), before, new.continued, carries)
        except _SessionsChanged:
            pass
        found.close()
        return None

    def _compute_from(
        self,
        found: LogFacts,
        secret: bytes,
        console: Console,
        before: Mapping[int, DateCarry] | None = None,
        continued: str | None = None,
        carries: StoredCarries | None = None,
    ) -> LogFacts:
        """Compute the facts of lines. Raises _SessionsChanged if `continued` is another digest."""

        def keep(day: int, carry: DateCarry) -> None:
            if continued is not None and day == found.first and carry.continued != continued:
                raise _SessionsChanged
            if carries:
                carries.write(day, carry)

        if carries:
            carries.forget(found.first or 0)
        with progress_of_dates(console) as bar:
            task = bar.add_task("Computing figures")
            for rows in compute_facts(
                *(found.lines, found.settings, secret, datetime.now(UTC), self.sql_directory),
                lambda done, total: bar.update(task, completed=done, total=total),
                *(before, keep),
            ):
                found.rows.add(rows)
        return found

    def read(self, console: Console, lines: LinesByDate | None = None) -> LogFacts:
        """Read the logs, without their facts; `lines` takes the lines, if given."""
        lines = lines or LinesByDate(self.settings.site.hosts)
        read = read_into(lines, self.paths, self.log_format, self.settings, console)
        return self._found(read, lines, known_files(read, lines), {}, {})

    def read_dates(
        self, days: Collection[int], memory: LogMemory | None, console: Console
    ) -> tuple[LinesByDate, Settings]:
        """Return the lines of some dates, and the settings with the own domain of the last read."""
        lines = read_dates(self.paths, memory, days, self._options(console))
        samples = memory.samples if memory else sample_dates(self.settings, lines, {})
        return lines, with_own_domain(self.settings, infer_from_samples(samples))

    def remember(self, found: LogFacts, carries: StoredCarries) -> LogMemory:
        """Return what the next read needs of this one."""
        days = days_of(found.files)
        return LogMemory(self.rules(), found.files, days, found.samples, found.offsets, carries)

    def _found(
        self,
        read: Read,
        lines: LinesByDate,
        files: Sequence[KnownFile],
        samples: Samples,
        offsets: WrittenOffsets,
    ) -> LogFacts:
        """Return what was read; `samples` and `offsets` have those of dates before the lines."""
        samples = sample_dates(self.settings, lines, samples)
        offsets = merge_offsets([offsets, *(one.offsets for one in read.notes.values())])
        settings, notes = self._infer(samples, offsets)
        return LogFacts(read, lines, settings, files, samples, offsets, notes)

    def _infer(self, samples: Samples, offsets: WrittenOffsets) -> tuple[Settings, LogNotes]:
        """Return the settings with what the user has not set, and the notes about the log."""
        zone = choose_zone(self.settings, offsets)
        settings = with_own_domain(self.settings, infer_from_samples(samples))
        return with_zone(settings, zone), LogNotes(zone.sentence, advise_from_samples(samples))

    def _options(self, console: Console) -> ReadOptions:
        return ReadOptions(self.log_format, self.settings, console)


class _SessionsChanged(Exception):
    """Sessions of the date before the computed ones continue in another way than before."""


def progress_of_dates(console: Console) -> Progress:
    """Return a progress bar of dates, which is invisible if the console is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("dates"),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _stamp(path: str) -> str:
    """Return name, size and time of a file; stdin differs each time."""
    try:
        found = Path(path).stat()
    except OSError:
        return f"{path} {os.getpid()} {id(sys.stdin)}"
    return f"{Path(path).resolve()} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
