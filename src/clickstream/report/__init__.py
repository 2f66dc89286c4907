"""`clickstream try`: report on log files directly, without AWS and without Airflow.

The lines pass through `parse` and `clean` as in the pipeline, and sessions are counted in memory.
The result is a page for people, or JSON for programs. The CLI calls `run_trial`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from rich.console import Console

from clickstream.log_files.read_logs import Read, print_problems, read_into
from clickstream.report.figures import FIGURES
from clickstream.report.output import show
from clickstream.report.tally import Tally
from clickstream.settings import Settings
from clickstream.step_config import clean_rules, look_ups, session_rules
from clickstream.terminal import SafeConsole

__all__ = ["FIGURES", "run_trial"]


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
    errors, settings = SafeConsole(stderr=True), settings or Settings()
    tally, result = read_logs(paths, log_format, settings, errors)
    if tally.lines:
        figures = tally.figures()
        if as_json:
            report = figures.as_dict(time.process_time() - cpu_began)
            console.file.write(json.dumps(report, indent=2) + "\n")
        else:
            elapsed = time.perf_counter() - began
            show(figures, result.described, result.formats, elapsed, console)
    return print_problems(result, errors)


def read_logs(
    paths: Sequence[str], log_format: str, settings: Settings, errors: Console
) -> tuple[Tally, Read]:
    """Read the logs into a tally, with a progress bar on `errors`; see `run_trial`."""
    tally = Tally(
        clean_rules(settings),
        session_rules(settings),
        look_ups(settings),
        settings.people.kept_cohorts,
    )
    return tally, read_into(tally, paths, log_format, settings, errors)
