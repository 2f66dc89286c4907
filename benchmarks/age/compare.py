"""Compares two runs of the benchmark, from the JSON files that it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.age.report import print_head, print_row
from clickstream.errors import InputError

Run = Mapping[str, Any]
SECTIONS = {"plan", "built", "measures", "views"}


def load_run(path: Path) -> Run:
    """Read the JSON of an earlier run. Raises InputError for another file."""
    try:
        run: Run = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Can't read {path}: {error.strerror}.") from None
    except ValueError:
        run = {}
    if not isinstance(run, dict) or not run.keys() >= SECTIONS:
        raise InputError(f"{path} is not what --json of this tool has written.")
    return run


def print_comparison(before: Run, now: Run) -> None:
    """Print each figure that both runs have: the earlier and the current value."""
    print_head("Compared", "figure", "before", "now")
    found, others = dict(_figures(now)), dict(_figures(before))
    for name in (name for name in found if name in others):
        print_row(name, others[name], found[name])


def _figures(run: Run) -> Iterator[tuple[str, str]]:
    """Name each figure, and write its value as text."""
    yield "days", str(run["plan"]["days"])
    for number, stretch in enumerate(run["built"]["stretches"], 1):
        cpu = 1000 * stretch["build"]["cpu"] / stretch["hours"]
        yield f"building, stretch {number}, CPU ms per hour", f"{cpu:.0f}"
    yield "growth of a publication, CPU", f"{run['publication_growth_percent']:+.0f} %"
    for one in run["measures"]:
        yield f"{one['name']}, CPU s", f"{one['cost']['cpu']:.1f}"
        yield f"{one['name']}, hours again", str(one["hours_again"])
        yield f"{one['name']}, exit code", str(one["exit_code"])
    for one in run["views"]:
        share = "failed" if one["share"] is None else f"{one['share']:.1%}"
        yield f"{one['engine']}, {one['view']} by {one['column']}", share
