"""`clickstream try`: report on log files directly, without AWS and without Airflow.

The lines pass through the pipeline's own steps, and the figures are those of its fact views. The
result is a page for people, or JSON for programs. The CLI calls `run_trial`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from clickstream.logs.counted_lines import CountedLines
from clickstream.logs.fact_figures import VIEWS, FactDatabase, build_figures
from clickstream.logs.facts import compute_facts
from clickstream.logs.figures import VISITOR_KEY, Figures
from clickstream.logs.log_set import LogFacts, LogSet, progress_of_dates
from clickstream.logs.output import show
from clickstream.logs.read_logs import Read, print_problems
from clickstream.settings import Settings
from clickstream.terminal import SafeConsole


def run_trial(
    paths: Sequence[str],
    log_format: str,
    as_json: bool,
    console: Console,
    settings: Settings | None = None,
) -> int:
    """Read the logs, all together as one log, and print the report to `console`.

    `paths` are files, directories of logs, or `-` for stdin; a file that is named twice is read
    once. `log_format` is a name of `parse.FORMATS` or of the settings, or `auto` to detect the
    format of each file. `settings` has the site's own domains and the rules of cleaning and
    sessions; without it, the defaults apply. A file in a directory is skipped if it is empty, or if
    neither its lines nor its name are those of an access log (see `collect.is_named_access_log`).

    Returns the exit code: 0 if all other files were read completely, else 1. Each problem is one
    message on stderr, after the report on everything that could be read.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    errors = SafeConsole(stderr=True)
    figures, read = read_figures(paths, log_format, settings or Settings(), errors)
    if figures and as_json:
        report = figures.as_dict(time.process_time() - cpu_began)
        console.file.write(json.dumps(report, indent=2) + "\n")
    elif figures:
        elapsed = time.perf_counter() - began
        show(figures, read.described, read.formats, elapsed, console)
    return print_problems(read, errors)


def read_figures(
    paths: Sequence[str], log_format: str, settings: Settings, errors: Console
) -> tuple[Figures | None, Read]:
    """Return the figures of logs, None if they have no line, and the result of reading.

    The arguments are those of `run_trial`. Progress bars are on `errors`, if it is a terminal.
    """
    logs = LogSet(paths, settings, log_format)
    with closing(CountedLines(settings.site.hosts)) as lines:
        found = logs.read(errors, lines)
        return (_compute(found, lines, errors) if lines.lines else None), found.read


def _compute(found: LogFacts, lines: CountedLines, errors: Console) -> Figures:
    """Compute the facts of the lines in a temporary directory, and return the figures."""
    with (
        TemporaryDirectory(prefix="clickstream-") as directory,
        closing(FactDatabase(Path(directory))) as facts,
        progress_of_dates(errors) as bar,
    ):
        task = bar.add_task("Computing figures")
        for rows in compute_facts(
            *(lines, found.settings, VISITOR_KEY, datetime.now(UTC)),
            lambda done, total: bar.update(task, completed=done, total=total),
            views=VIEWS,
            observe=facts.add_hits,
        ):
            facts.add(rows)
        return build_figures(facts, found, lines)
