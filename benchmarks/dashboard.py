"""Cost of the dashboard: CPU time and bytes of each step, with synthetic facts.

    python -m benchmarks.dashboard --days 90
    python -m benchmarks.dashboard --days 365

A separate process writes facts of 20,000 page views a day to its own local AWS: the simulated weeks
of the dashboard's tests, with more distinct values. Then one process fills the local copy,
refreshes it as after a published hour, and answers pages. Each figure is the median of the rounds.
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
from importlib import import_module
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.dashboard.questions.answers import Answers
from clickstream.dashboard.questions.engines import Reader
from clickstream.dashboard.questions.fact_copy import FILE_NAME, CopyState
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.web.rendering import read_static
from clickstream.dashboard.web.service import DashboardService
from clickstream.lake import Lake, fact_files, open_lake, shared_session
from clickstream.lake.fact_files import Manifest
from clickstream.settings import (
    AwsSettings,
    DashboardSettings,
    LakeSettings,
    Settings,
    SiteSettings,
)

LAST = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 23, 20, tzinfo=UTC)
VIEWS_PER_VISIT = 2
DISTINCT = {
    **{"page": 240, "landing_page": 240, "exit_page": 240, "source": 60, "referrer_domain": 60},
    **{"utm_campaign": 24, "city": 400, "browser": 12, "os": 8},
}
"""The number of distinct values of columns of texts."""

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
            open_lake(settings)
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


def _write(settings: Settings, days: int, page_views: int) -> None:
    """Write the fact files of the last days; files of other days stay as they are."""
    lake = Lake(settings, shared_session())
    stored = fact_files.read_manifest(lake)
    files = {view: dict(named) for view, named in stored.manifest.files.items()} if stored else {}
    for view, rows in _facts(days, page_views).items():
        dated_by = "session_date" if "session_date" in rows.column_names else "event_date"
        for day in (LAST - timedelta(days=number) for number in range(days)):
            of_day = rows.filter(pc.equal(rows[dated_by], day))
            file = fact_files.write_file(lake, view, day, of_day, str(page_views))
            files.setdefault(view, {})[day] = file
    version, etag = (stored.manifest.version + 1, stored.etag) if stored else (1, None)
    fact_files.write_manifest(lake, Manifest(version, NOW, "UTC", files), etag)


def _facts(days: int, page_views: int) -> dict[str, pa.Table]:
    """Return the rows of each fact view. Equal page views give equal rows."""
    weeks = ceil(days / 7)
    first = LAST - timedelta(days=7 * weeks - 1)
    simulated = import_module("tests.clickstream.dashboard.week_facts")  # mypy skips these tests
    store = simulated.Weeks(first, weeks, 7 * page_views / VIEWS_PER_VISIT).store()
    named = store.manifest.files
    rows = {view: store.files[file.key] for view in named for file in named[view].values()}
    visits = rows["session_facts"]
    goals = visits.filter(pc.greater(visits["conversions"], 0))
    goals = goals.append_column("goal", pa.repeat("order", len(goals)))
    goals = goals.append_column("times", pa.repeat(1, len(goals)))
    rows["goal_facts"] = goals.select(rows["goal_facts"].column_names)
    rng = np.random.default_rng(page_views)
    return {view: _with_many_values(rng, table) for view, table in rows.items()}


def _with_many_values(rng: np.random.Generator, rows: pa.Table) -> pa.Table:
    """Replace texts by others, of which there are more, with decreasing frequencies."""
    for name, kinds in DISTINCT.items():
        if name in rows.column_names:
            names = pa.array([f"/{name}/{number}" for number in range(kinds)])
            place = pa.array(rng.zipf(1.4, len(rows)) % kinds)
            rows = rows.set_column(rows.column_names.index(name), name, names.take(place))
    return rows


def _measure(settings: Settings, page_views: int, rounds: int, days: int) -> Iterator[Measured]:
    dashboard = DashboardService(settings, clock=lambda: NOW)
    yield Measured("first fill of the local copy, s", _cpu_ms(dashboard.engine.refresh) / 1000)
    refreshes = []
    for number in range(rounds):
        _in_another_process(_write, settings, 2, page_views + 200 * (number + 1))
        refreshes.append(_cpu_ms(dashboard.engine.refresh))
    yield Measured("refresh after an hour, ms", median(refreshes))
    copy = settings.resolve(settings.dashboard.directory) / FILE_NAME
    yield Measured("file of the local copy, MB", copy.stat().st_size / 1e6)
    yield from _pages(dashboard, rounds, days)
    yield from _bytes(dashboard)
    yield Measured("memory of the process, MB", psutil.Process().memory_info().rss / 1e6)


def _pages(dashboard: DashboardService, rounds: int, days: int) -> Iterator[Measured]:
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


def _render_cold(dashboard: DashboardService, view: View) -> str:
    dashboard.answers = Answers(dashboard.engine)
    return dashboard.render_tab(view)


def _page(dashboard: DashboardService) -> str:
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


def _questions(dashboard: DashboardService, rounds: int) -> Iterator[Measured]:
    """Measure the mean question of an Overview of 28 days, without and with the cache."""
    asked = _asked(dashboard)
    yield Measured("queries of an Overview", len(asked))
    with dashboard.engine.reader() as reader:
        cold = [_cpu_ms(lambda: [reader.rows(one) for one in asked]) for _ in range(rounds)]
        ask = Answers(dashboard.engine).asker(reader)
        kept = [_cpu_ms(lambda: [ask(one) for one in asked]) for _ in range(rounds + 1)][1:]
    yield Measured("one query, cold, ms", median(cold) / len(asked))
    yield Measured("one query, cached, ms", median(kept) / len(asked))


def _asked(dashboard: DashboardService) -> Sequence[Question]:
    asked: list[Question] = []

    class RecordingAnswers(Answers):
        def asker(self, reader: Reader) -> Callable[[Question], object]:  # type: ignore[override]
            return super().asker(_Recording(reader, asked))

    dashboard.answers = RecordingAnswers(dashboard.engine)
    _page(dashboard)
    return asked


def _bytes(dashboard: DashboardService) -> Iterator[Measured]:
    html = len(gzip.compress(_page(dashboard).encode(), 5))
    others = {name: len(gzip.compress(read_static(name), 5)) for name in ("page.css", "page.js")}
    yield Measured("HTML, gzipped, kB", html / 1000)
    for name, size in others.items():
        yield Measured(f"{name}, gzipped, kB", size / 1000)
    yield Measured("HTML, CSS and JS, gzipped, kB", (html + sum(others.values())) / 1000)


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()
