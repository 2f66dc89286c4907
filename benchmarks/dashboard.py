"""Cost of the dashboard: CPU time, bytes and questions of each page, with synthetic facts.

    python -m benchmarks.dashboard
    python -m benchmarks.dashboard --slowest 10 --directory /tmp/dashboard-bench

A separate process writes facts of 20,000 page views a day to its own local AWS: the longest range,
and a year before it, as a lake of normal age has. Then one process fills the local copy, refreshes
it as after a published hour, and answers pages. Each figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from benchmarks.dashboard_lake import NOW, write_facts
from clickstream.dashboard.ask.answers import Answers
from clickstream.dashboard.ask.engines import Reader
from clickstream.dashboard.ask.fact_copy import FILE_NAME, CopyState
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.web.rendered_pages import LEVEL, compress_file
from clickstream.dashboard.web.rendering import read_static
from clickstream.dashboard.web.service import DashboardService
from clickstream.lake import open_lake
from clickstream.settings import (
    AwsSettings,
    DashboardSettings,
    LakeSettings,
    Settings,
    SiteSettings,
)

HISTORY_DAYS = 365
"""Days before the longest range."""

FILTERS = {"": None, "channel": "Email", "page": "/page/2"}
"""The filters of the measured pages: by dimension, the value."""

BUDGETS = {
    "first fill of the local copy, s": 60,
    "refresh after an hour, ms": 3000,
    "peak memory of the first fill, MB": 500,
    "memory of the process, MB": 300,
    "page cold, ms": 200,
    "page with a page filter cold, ms": 400,
    "page, gzipped, kB": 20,
}
"""Upper limits of the cost of each step, and of each page."""


@dataclass
class Cost:
    """The cost of a page."""

    cold_ms: float
    warm_ms: float
    questions: Sequence[Question]
    kilobytes: float


def main() -> None:
    """Write the facts, take the measurements, print the tables."""
    chosen = _arguments()
    os.environ.update(CREDENTIALS)
    with _directory(chosen.directory) as directory:
        (directory / "aws").mkdir(parents=True, exist_ok=True)
        with LocalAwsProcess(directory / "aws") as aws:
            settings = _settings(aws.endpoint, directory)
            if not (directory / "written").exists():
                open_lake(settings)
                days = chosen.days + chosen.history
                _in_another_process(write_facts, settings, days, chosen.page_views)
                (directory / "written").touch()
            _measure(settings, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what the dashboard costs.")
    parser.add_argument("--days", type=int, default=90, help="of the longest range")
    parser.add_argument("--history", type=int, default=HISTORY_DAYS, help="days before it")
    parser.add_argument("--page-views", type=int, default=20_000, help="of a day")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slowest", type=int, default=0, help="questions to list for each page")
    parser.add_argument("--tabs", nargs="*", choices=TABS, default=TABS)
    parser.add_argument("--directory", type=Path, help="keep the facts there for the next run")
    return parser.parse_args()


@contextlib.contextmanager
def _directory(chosen: Path | None) -> Iterator[Path]:
    if chosen:
        yield chosen
        return
    with TemporaryDirectory() as name:
        yield Path(name)


def _settings(endpoint: str, directory: Path) -> Settings:
    return Settings(
        site=SiteSettings(time_zone="UTC"),
        lake=LakeSettings(bucket="dashboard-bench", database="dashboard_bench"),
        aws=AwsSettings(endpoint_url=endpoint, region="us-east-1"),
        dashboard=DashboardSettings(directory=str(directory / "dashboard")),
    )


def _in_another_process(work: Callable[..., None], *arguments: object) -> None:
    """Run a function in a fresh process, so that its memory is not counted as the dashboard's."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed with status {process.exitcode}.")


def _measure(settings: Settings, chosen: argparse.Namespace) -> None:
    dashboard = DashboardService(settings, clock=lambda: NOW)
    print(f"\n{chosen.days} days and {chosen.history} before, {chosen.page_views:,} page views\n")
    print("| step | measured | budget |\n| --- | ---: | ---: |")
    _print_step("first fill of the local copy, s", _cpu_ms(dashboard.engine.refresh) / 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    _print_step("peak memory of the first fill, MB", peak)
    refreshes = []
    for number in range(chosen.rounds):
        views = chosen.page_views + 200 * (number + 1)
        _in_another_process(write_facts, settings, 2, views)
        refreshes.append(_cpu_ms(dashboard.engine.refresh))
    _print_step("refresh after an hour, ms", median(refreshes))
    copy = settings.resolve(settings.dashboard.directory) / FILE_NAME
    _print_step("file of the local copy, MB", copy.stat().st_size / 1e6)
    _print_step("CSS and JS, gzipped, kB", sum(map(_static_kilobytes, ("page.css", "page.js"))))
    print("\n| page | cold, ms | warm, ms | questions | HTML, gzipped, kB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, view in _views(chosen.tabs):
        cost = _cost(dashboard, view, chosen.rounds)
        print(
            f"| {name} | {cost.cold_ms:,.0f} | {cost.warm_ms:,.1f} | {len(cost.questions)} "
            f"| {cost.kilobytes:.1f} |",
            flush=True,
        )
        _print_slowest(dashboard, cost.questions, chosen.slowest, chosen.rounds)
    print("\n| step | measured | budget |\n| --- | ---: | ---: |")
    _print_step("memory of the process, MB", psutil.Process().memory_info().rss / 1e6)
    print("\nBudgets of a page:", ", ".join(f"{n}: {BUDGETS[n]}" for n in BUDGETS if "page" in n))


def _print_step(step: str, value: float) -> None:
    print(f"| {step} | {value:,.1f} | {BUDGETS.get(step, '')} |", flush=True)


def _views(tabs: Sequence[str]) -> Iterator[tuple[str, View]]:
    for dimension, value in FILTERS.items():
        for tab in TABS:
            for days, name in ((28, "28d"), (90, "90d")):
                view = View(tab=tab, range=name)  # type: ignore[arg-type]
                if dimension:
                    view = view.with_filter(dimension, value)
                if tab in tabs:
                    suffix = f", {dimension} filter" if dimension else ""
                    yield f"{tab}, {days} days{suffix}", view


def _cost(dashboard: DashboardService, view: View, rounds: int) -> Cost:
    cold = [_cpu_ms(partial(_render_cold, dashboard, view)) for _ in range(rounds)]
    html = dashboard.render_tab(view)
    warm = [_cpu_ms(partial(dashboard.render_tab, view)) for _ in range(rounds)]
    size = len(gzip.compress(html.encode(), LEVEL)) / 1000
    return Cost(median(cold), median(warm), _record_questions(dashboard, view), size)


def _render_cold(dashboard: DashboardService, view: View) -> str:
    dashboard.answers = Answers(dashboard.engine)
    return dashboard.render_tab(view)


@dataclass
class _Recording:
    """A reader that records the questions."""

    reader: Reader
    asked: list[Question]

    @property
    def state(self) -> CopyState:
        return self.reader.state

    def rows(self, question: Question) -> list[tuple[object, ...]]:
        self.asked.append(question)
        return self.reader.rows(question)


def _record_questions(dashboard: DashboardService, view: View) -> Sequence[Question]:
    """Return the questions of a page."""
    asked: list[Question] = []

    class RecordingAnswers(Answers):
        def asker(self, reader: Reader) -> Callable[[Question], object]:  # type: ignore[override]
            return super().asker(_Recording(reader, asked))

    dashboard.answers = RecordingAnswers(dashboard.engine)
    dashboard.render_tab(view)
    return asked


def _print_slowest(
    dashboard: DashboardService, asked: Sequence[Question], number: int, rounds: int
) -> None:
    """Print the questions of a page that take longest, each asked alone."""
    if not number:
        return
    with dashboard.engine.reader() as reader:
        costs = [
            median([_cpu_ms(partial(reader.rows, question)) for _ in range(rounds)])
            for question in asked
        ]
    print(f"  all questions: {sum(costs):.1f} ms")
    slowest = sorted(zip(costs, asked, strict=True), key=lambda pair: -pair[0])[:number]
    for cost, question in slowest:
        by = f" by {', '.join(question.dimensions)}" if question.dimensions else ""
        print(f"  {cost:6.1f} ms  {', '.join(question.metrics)}{by}, {question.period.days} days")


def _static_kilobytes(name: str) -> float:
    return len(compress_file(read_static(name))) / 1000


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()
