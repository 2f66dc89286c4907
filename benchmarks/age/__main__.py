"""Command line of the benchmark: builds a lake or uses a kept one, measures it, prints a report."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tests.support.localaws_process import LocalAwsProcess
from tests.support.trino_client import Trino, give_views_an_owner

from benchmarks.age.build import Built, build_lake
from benchmarks.age.measures import NAMES, measure_commands
from benchmarks.age.meter import Workbench
from benchmarks.age.plan import Plan
from benchmarks.age.report import Figures
from benchmarks.age.state import table_files
from benchmarks.age.views import DayOfView, athena_bytes, measure_views, trino_bytes
from clickstream.core.errors import ClickstreamError

LEAST_DAYS = 3
VIEWS = "views"
err = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build and measure the lake, print the tables, and write the JSON file if requested."""
    chosen = _arguments(arguments)
    try:
        _run(chosen)
    except ClickstreamError as error:
        raise SystemExit(f"benchmarks.age: {error}") from None


def _run(chosen: argparse.Namespace) -> None:
    trino = Trino(chosen.trino) if chosen.trino else None
    warnings.filterwarnings("ignore", message="Delete operation did not match any records")
    with tempfile.TemporaryDirectory(prefix="clickstream-age-") as folder:
        kept: Path | None = chosen.keep
        built_in = (kept or Path(folder)) / "lake"
        plan = _plan(built_in, chosen.days, chosen.lines_per_hour)
        built = _build(plan, built_in)
        with _scratch_copy(built_in, keep=kept is not None) as directory:
            figures = _measure(plan, built, directory, chosen, trino)
    figures.print()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures.as_dict(), indent=2), encoding="utf-8")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.age", description="Measure what a lake costs as it ages."
    )
    parser.add_argument("--days", type=int, default=60, help="days of the lake (default: 60)")
    parser.add_argument("--lines-per-hour", type=int, default=1600, help="(default: 1600)")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="build the lake in DIR and keep it; measure a copy of it, also of an existing one",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*NAMES, VIEWS),
        default=(*NAMES, VIEWS),
        help="what to measure of the built lake (default: all)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the figures to a file"
    )
    parser.add_argument(
        "--trino", metavar="URL", help="a Trino that uses the local AWS on --aws-port"
    )
    parser.add_argument(
        "--aws-port", type=int, default=0, help="port of the local AWS (default: any)"
    )
    chosen = parser.parse_args(arguments)
    if chosen.days < LEAST_DAYS:
        parser.error(f"--days {chosen.days} is too short; give {LEAST_DAYS} or more.")
    if chosen.lines_per_hour < 1:
        parser.error(f"--lines-per-hour {chosen.lines_per_hour} is not positive.")
    if chosen.trino and not chosen.aws_port:
        parser.error("--trino needs --aws-port, the port on which Trino expects the local AWS.")
    return chosen


def _plan(directory: Path, days: int, lines_per_hour: int) -> Plan:
    """Return the plan of the kept lake, or that of a new one.

    Stops the program if the kept lake has other days or lines.
    """
    path = directory / "plan.json"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        plan = Plan.up_to_now(days, lines_per_hour)
        plan.save(path)
        return plan
    plan = Plan.load(path)
    if (plan.days, plan.lines_per_hour) != (days, lines_per_hour):
        raise SystemExit(
            f"{directory} has a lake of {plan.days} days and {plan.lines_per_hour} lines per "
            f"hour. Give `--days {plan.days} --lines-per-hour {plan.lines_per_hour}`, or another "
            "directory."
        )
    return plan


def _build(plan: Plan, directory: Path) -> Built:
    """Build the lake, or the rest of it after an interrupted run."""
    built = Built.load(directory / "built.json")
    if built.is_finished:
        err.print(f"The lake in {directory} is built; it ends at {plan.last}.", soft_wrap=True)
        return built
    plan.write_settings(directory)
    with LocalAwsProcess(directory / "aws") as aws, _progress_bar() as progress:
        bar = progress.add_task("Days built", total=plan.days + 1, completed=built.days)
        bench = Workbench(directory, aws)
        return build_lake(plan, bench, lambda days: progress.update(bar, completed=days))


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True)


@contextmanager
def _scratch_copy(built_in: Path, keep: bool) -> Iterator[Path]:
    """Return the directory to measure in: a copy of a kept lake, because measuring changes it."""
    if not keep:
        yield built_in
        return
    copy = built_in.with_name("measured")
    shutil.rmtree(copy, ignore_errors=True)
    with err.status("Copying the lake"):
        shutil.copytree(built_in, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def _measure(
    plan: Plan, built: Built, directory: Path, chosen: argparse.Namespace, trino: Trino | None
) -> Figures:
    aws = LocalAwsProcess(directory / "aws")
    aws.endpoint = f"http://127.0.0.1:{chosen.aws_port}"  # the port that it starts on; 0 is any
    plan.write_settings(directory)
    with aws, err.status("Measuring") as status:
        bench = Workbench(directory, aws)
        files = table_files(bench.lake)
        views: list[DayOfView] = []
        if VIEWS in chosen.only:
            status.update("One day of each view, local Athena")
            bytes_read = athena_bytes(bench.lake)
            views += measure_views("Athena", bytes_read, bench.lake, plan.middle_day, files)
        if VIEWS in chosen.only and trino:
            status.update("One day of each view, Trino")
            give_views_an_owner(bench.lake)
            bytes_read = trino_bytes(trino)
            views += measure_views("Trino", bytes_read, bench.lake, plan.middle_day, files)
        measures = [*measure_commands(plan, bench, chosen.only, status.update)]
    return Figures(plan, built, files, measures, views)


if __name__ == "__main__":
    main()
