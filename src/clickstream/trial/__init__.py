"""`clickstream try`: read logs straight and say what they tell, without AWS and without Airflow.

The lines take the pipeline's own way through `parse` and `clean`; what would become sessions in
the lake is counted in memory. The result is a page for people or JSON for programs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.text import Text

from clickstream.errors import InputError
from clickstream.parse import FORMATS, Detected
from clickstream.rules import clean_rules, log_format_of, look_ups, session_rules
from clickstream.settings import AUTO, Settings
from clickstream.trial.figures import FIGURES, Tally
from clickstream.trial.page import show
from clickstream.trial.progress import progress_over
from clickstream.trial.reading import name_of, read_log
from clickstream.wording import quantity

__all__ = ["FIGURES", "run_trial"]


def run_trial(
    paths: Sequence[str],
    log_format: str,
    as_json: bool,
    console: Console,
    settings: Settings | None = None,
) -> int:
    """Read the logs, all together as one, and print the report to `console`.

    `paths`: files, or `-` for stdin; a file named twice is read once. `log_format`: a name from
    `parse.FORMATS`, or `auto` to tell each file's by its lines. `settings`: the site's own domains
    and the rules of cleaning and sessions; the defaults when left out.

    Returns the exit code: 0 when every file was read whole, else 1. Each trouble is one sentence
    on stderr, after the report of everything that could be read.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    errors, settings = Console(stderr=True), settings or Settings()
    files = [*dict.fromkeys(paths)]
    formats: list[Detected] = []
    with look_ups(settings) as found:
        tally = Tally(clean_rules(settings), session_rules(settings), found)
        complaints = _read(files, log_format, settings, tally, errors, formats)
    if tally.lines:
        figures = tally.figures()
        if as_json:
            report = figures.as_dict(time.process_time() - cpu_began)
            console.file.write(json.dumps(report, indent=2) + "\n")
        else:
            elapsed = time.perf_counter() - began
            show(figures, [*tally.paths], formats, elapsed, console)
    for complaint in complaints:
        errors.print(Text(complaint, "red"), soft_wrap=True)
    return 1 if complaints else 0


def _read(
    files: Sequence[str],
    log_format: str,
    settings: Settings,
    tally: Tally,
    errors: Console,
    formats: list[Detected],
) -> list[str]:
    """Add every file to the tally, and its format, if it was found out, to the formats.

    Returns what was wrong, a sentence each.
    """
    names = (AUTO, *FORMATS, *settings.formats)
    if log_format not in names:
        return [f"There is no log format {log_format!r}: use one of {', '.join(names)}."]
    chosen = log_format_of(settings, log_format)
    complaints: list[str] = []
    padding: list[int] = []
    with progress_over(files, errors) as report:
        for path in files:
            try:
                progress = partial(report, path)
                for parsed in read_log(path, chosen, progress, formats.append, padding.append):
                    tally.add(parsed, name_of(path))
            except InputError as error:
                complaints.append(str(error))
    if any(padding):
        padded = sum(map(bool, padding))
        errors.print(
            f"Left out {sum(padding):,} bytes of NULs or a byte-order mark at the head of "
            f"{padded:,} file{'' if padded == 1 else 's'}.",
            soft_wrap=True,
        )
    if tally.lines and not tally.parsed:
        complaints.append(
            f"Could use none of {quantity(tally.lines, 'line')}: look at the reasons, and see "
            f"whether another --format fits ({', '.join(FORMATS)})."
        )
    return complaints
