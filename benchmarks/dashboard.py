"""Cost of the dashboard: CPU time and bytes of each step, with synthetic facts.

    python -m benchmarks.dashboard --days 90
    python -m benchmarks.dashboard --days 365

A separate process writes facts of 20,000 page views a day to its own local AWS. Then one process
fills the local copy, refreshes it as after a published hour, and answers pages. Each figure is the
median of the rounds. If Streamlit is installed (by `make bench`), a Streamlit page with the same
panels on the same DuckDB file runs in the same process, for a ratio.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from benchmarks.dashboard_facts import Volume, rewrite_days, write_facts
from clickstream.dashboard.questions.answers import Answers
from clickstream.dashboard.questions.engines import Reader
from clickstream.dashboard.questions.fact_copy import FILE_NAME, CopyState
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.web.rendering import read_static
from clickstream.dashboard.web.service import Dashboard
from clickstream.lake import Lake, open_lake, shared_session
from clickstream.settings import Aws, Settings, Site
from clickstream.settings import Dashboard as DashboardSettings
from clickstream.settings import Lake as LakeSettings

LAST = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 23, 20, tzinfo=UTC)
BUDGETS = {
    "first fill of the local copy, s": 60,
    "refresh after an hour, ms": 3000,
    "one query, cold, ms": 10,
    "one query, cached, ms": 0.1,
    "Overview, 28 days, cold, ms": 60,
    "Overview, 90 days, cold, ms": 120,
    "Overview, 90 days and a filter, cold, ms": 120,
    "render and gzip, ms": 8,
    "HTML, CSS and JS, gzipped, kB": 20,
    "memory of the process, MB": 250,
}
"""Upper limits of the cost of each step."""


@dataclass
class Measured:
    """A step and its cost."""

    step: str
    value: float

    @property
    def row(self) -> str:
        """A line of the table."""
        budget = BUDGETS.get(self.step)
        return f"| {self.step} | {self.value:,.2f} | {'' if budget is None else f'{budget:,}'} |"


def main() -> None:
    """Write the facts, take the measurements, print the table."""
    chosen = _arguments()
    os.environ.update(CREDENTIALS)
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "aws").mkdir()
        with LocalAwsProcess(directory / "aws") as aws:
            settings = _settings(aws.endpoint, directory)
            _in_another_process(_write, settings, chosen.days, chosen.page_views)
            print(f"\n{chosen.days} days of {chosen.page_views:,} page views\n")
            print("| step | CPU, bytes | budget |\n| --- | ---: | ---: |")
            for one in _measure(settings, chosen.page_views, chosen.rounds, chosen.days):
                print(one.row, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what the dashboard costs.")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--page-views", type=int, default=20_000, help="of a day")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _settings(endpoint: str, directory: Path) -> Settings:
    return Settings(
        site=Site(time_zone="UTC"),
        lake=LakeSettings(bucket="dashboard-bench", database="dashboard_bench"),
        aws=Aws(endpoint_url=endpoint, region="us-east-1"),
        dashboard=DashboardSettings(directory=str(directory / "dashboard")),
    )


def _in_another_process(work: Callable[..., None], *arguments: object) -> None:
    """Run a function in a fresh process, so that its memory is not counted as the dashboard's."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed with status {process.exitcode}.")


def _write(settings: Settings, days: int, page_views: int) -> None:
    lake = open_lake(settings)
    size = write_facts(lake, LAST, days, Volume(page_views))
    print(f"Fact files: {size / 1e6:,.1f} MB")


def _rewrite(settings: Settings, page_views: int, version: str) -> None:
    days = [LAST, LAST - timedelta(days=1)]
    rewrite_days(Lake(settings, shared_session()), days, Volume(page_views), version)


def _measure(settings: Settings, page_views: int, rounds: int, days: int) -> Iterator[Measured]:
    dashboard = Dashboard(settings, clock=lambda: NOW)
    yield Measured("first fill of the local copy, s", _cpu_ms(dashboard.engine.refresh) / 1000)
    refreshes = []
    for number in range(rounds):
        _in_another_process(_rewrite, settings, page_views + 200 * number, str(number))
        refreshes.append(_cpu_ms(dashboard.engine.refresh))
    yield Measured("refresh after an hour, ms", median(refreshes))
    copy = settings.resolve(settings.dashboard.directory) / FILE_NAME
    yield Measured("file of the local copy, MB", copy.stat().st_size / 1e6)
    yield from _pages(dashboard, rounds, days)
    yield from _bytes(dashboard)
    yield Measured("memory of the process, MB", psutil.Process().memory_info().rss / 1e6)
    yield from _streamlit(copy, dashboard, rounds)


def _pages(dashboard: Dashboard, rounds: int, days: int) -> Iterator[Measured]:
    views = {
        "Overview, 28 days": View(),
        "Overview, 90 days": View(range="90d"),
        "Overview, 90 days and a filter": View(range="90d").with_filter("channel", "Email"),
        "Trust, 28 days": View(tab="trust"),
    }
    if days > 180:
        views["Overview, this year"] = View(range="year")
    for name, view in views.items():
        cold = [_cpu_ms(partial(_render_cold, dashboard, view)) for _ in range(rounds)]
        yield Measured(f"{name}, cold, ms", median(cold))
    yield from _questions(dashboard, rounds)
    warm = [_cpu_ms(lambda: gzip.compress(_page(dashboard).encode(), 5)) for _ in range(rounds)]
    yield Measured("render and gzip, ms", median(warm))


def _render_cold(dashboard: Dashboard, view: View) -> str:
    dashboard.answers = Answers(dashboard.engine)
    return dashboard.render_tab(view)


def _page(dashboard: Dashboard) -> str:
    return dashboard.render_tab(View())


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


def _questions(dashboard: Dashboard, rounds: int) -> Iterator[Measured]:
    """Measure the mean question of an Overview of 28 days, without and with the cache."""
    asked = _asked(dashboard)
    yield Measured("queries of an Overview", len(asked))
    with dashboard.engine.reader() as reader:
        cold = [_cpu_ms(lambda: [reader.rows(one) for one in asked]) for _ in range(rounds)]
        ask = Answers(dashboard.engine).asker(reader)
        kept = [_cpu_ms(lambda: [ask(one) for one in asked]) for _ in range(rounds + 1)][1:]
    yield Measured("one query, cold, ms", median(cold) / len(asked))
    yield Measured("one query, cached, ms", median(kept) / len(asked))


def _asked(dashboard: Dashboard) -> Sequence[Question]:
    asked: list[Question] = []

    class RecordingAnswers(Answers):
        def asker(self, reader: Reader) -> Callable[[Question], object]:  # type: ignore[override]
            return super().asker(_Recording(reader, asked))

    dashboard.answers = RecordingAnswers(dashboard.engine)
    _page(dashboard)
    return asked


def _bytes(dashboard: Dashboard) -> Iterator[Measured]:
    html = len(gzip.compress(_page(dashboard).encode(), 5))
    others = {name: len(gzip.compress(read_static(name), 5)) for name in ("page.css", "page.js")}
    yield Measured("HTML, gzipped, kB", html / 1000)
    for name, size in others.items():
        yield Measured(f"{name}, gzipped, kB", size / 1000)
    yield Measured("HTML, CSS and JS, gzipped, kB", (html + sum(others.values())) / 1000)


def _streamlit(copy: Path, dashboard: Dashboard, rounds: int) -> Iterator[Measured]:
    """Measure the same panels in Streamlit, without a browser: CPU of a page, and the ratio."""
    try:
        from benchmarks.dashboard_streamlit import run_page
    except ModuleNotFoundError:
        print("Streamlit is not installed, so there is no ratio; `make bench` installs it.")
        return
    ours = median(_cpu_ms(lambda: _render_cold(dashboard, View())) for _ in range(rounds))
    dashboard.engine.close()
    run_page(copy, LAST)
    theirs = median(_cpu_ms(lambda: run_page(copy, LAST)) for _ in range(rounds))
    yield Measured("Streamlit, 28 days, ms", theirs)
    yield Measured("Streamlit to ours", theirs / ours)


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()
