"""The log files that a command was given, and their facts."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import clickstream
from clickstream import __version__
from clickstream.clean.referrers import OwnDomain
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.log_facts.facts import compute_facts, earliest_requests
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.log_files.read_logs import Read, read_into
from clickstream.log_files.reading import STDIN, find_files
from clickstream.settings import AUTO, Settings
from clickstream.step_config import infer_domain, result_digest, with_own_domain
from clickstream.tables import COLUMNS_VERSION, LAYOUT_VERSION

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PACKAGE = Path(clickstream.__file__).parent
_OWN_VIEWS = (_PACKAGE / "sql", _PACKAGE.parents[1] / "include" / "sql")
"""The views in a wheel, and in a checkout."""


@dataclass
class LogFacts:
    """The facts of logs: the rows of each fact view by date, and the lines that were read.

    `settings` have the inferred own domain, `own_domain`. `until` is the end of the last hour with
    lines (aware), None without lines.
    """

    read: Read
    lines: LinesByDate
    settings: Settings
    until: datetime | None
    own_domain: OwnDomain | None = None
    rows: dict[str, dict[date, pa.Table]] = field(default_factory=dict)


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
        texts = [
            f"{__version__} {LAYOUT_VERSION}.{COLUMNS_VERSION} {self.log_format}",
            result_digest(self.settings),
            self.settings.model_dump_json(include={"site", "privacy", "people", "formats"}),
            *(path.read_text(encoding="utf-8") for path in sorted(self.sql_directory.glob("*"))),
            *(_stamp(file.path) for file in files),
        ]
        return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()

    def compute(self, secret: bytes, console: Console) -> LogFacts:
        """Read the logs and compute their facts, with progress bars on a terminal.

        Visitor keys are derived from `secret`.
        """
        read_at = datetime.now(UTC)
        found = self.read(console)
        found.rows.update({view: {} for view in FACT_VIEWS})
        with progress_of_dates(console) as bar:
            task = bar.add_task("Computing figures")
            for rows in compute_facts(
                *(found.lines, found.settings, secret, read_at, self.sql_directory),
                lambda done, total: bar.update(task, completed=done, total=total),
            ):
                _add(found.rows, rows)
        return found

    def read(self, console: Console, lines: LinesByDate | None = None) -> LogFacts:
        """Read the logs, without their facts; `lines` takes the lines, if given."""
        lines = lines or LinesByDate(self.settings.site.hosts)
        read = read_into(lines, self.paths, self.log_format, self.settings, console)
        settings, own = self.settings, None
        if not settings.site.domains:
            own = infer_domain(settings, earliest_requests(lines))
            settings = with_own_domain(settings, own)
        return LogFacts(read, lines, settings, _end_of(lines), own)


def progress_of_dates(console: Console) -> Progress:
    """Return a progress bar of dates, which is invisible if the console is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("dates"),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _add(
    all_rows: dict[str, dict[date, pa.Table]], some: Mapping[str, Mapping[date, pa.Table]]
) -> None:
    for view, by_date in some.items():
        all_rows[view].update(by_date)


def _end_of(lines: LinesByDate) -> datetime | None:
    if not lines.days:
        return None
    return _EPOCH + timedelta(hours=lines.first_and_last_hour[1] + 1)


def _stamp(path: str) -> str:
    """Return name, size and time of a file; stdin differs each time."""
    try:
        found = Path(path).stat()
    except OSError:
        return f"{path} {os.getpid()} {id(sys.stdin)}"
    return f"{Path(path).resolve()} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
