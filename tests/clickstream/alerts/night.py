"""A night of a lake with two hosts and a shop, by a simulated clock.

Each hour is written, pulled, built and reported as the DAGs do it, and `clickstream watch` checks
every few minutes. An event changes the world, lets time pass, and changes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from boto3 import Session
from tests.clickstream.alerts.conftest import HttpServer
from tests.support.access_log import BOT, Client, append
from tests.support.localaws_process import LocalAwsProcess
from tests.support.sales_files import pull_sales

from clickstream.alerts.check import check_alerts
from clickstream.alerts.incidents import Incident, Rule
from clickstream.alerts.runs import report_failed_task, report_run_succeeded
from clickstream.alerts.store import FileStore, LakeStore
from clickstream.alerts.watch import Watch
from clickstream.core.errors import AwsUnavailable, ClickstreamError, UnbalancedHour
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, refer_to_lake
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.pipeline.hosts.listing import find_host, list_hosts
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.publish import publish
from clickstream.pipeline.pull.host import pull_host
from clickstream.settings import Settings

FIRST = Hour.parse("2026-11-20T00")
LONG_AGO = FIRST.minus(96)
"""The first hour of an old log, which no scheduled run catches up."""

STEP = timedelta(minutes=10)
HOUR = timedelta(hours=1)
RUNS_AT = 10
"""Minute at which the scheduled runs of the DAGs work: they have waited for the last lines."""

HOURLY, SALES = "clickstream_hourly", "clickstream_sales"
RED_TASKS = 40


@dataclass
class Run:
    """A scheduled run of a DAG."""

    dag_id: str
    at: datetime
    is_red: bool = False


@dataclass
class Night:
    """The world of one night: the time, the site, Airflow and a process that watches.

    `load` reads the settings of `file`. `failing` makes the server of web-1 fail, `unbalanced`
    makes tasks red, and a `silent` scheduler starts no run. The old log has `old_hours` hours.
    """

    file: Path
    load: Callable[[], Settings]
    session: Session
    aws: LocalAwsProcess
    airflow: HttpServer
    now: datetime = FIRST.end
    failing: bool = False
    unbalanced: bool = False
    old_hours: int = 48
    silent: bool = False
    beat_at: datetime = FIRST.end
    failures: list[ClickstreamError] = field(default_factory=list)
    watch: Watch = field(init=False)
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.load, lambda settings: Lake(settings, self.session))
        self.lake = Lake(self.load(), self.session)
        self._log(FIRST)

    def seconds(self) -> float:
        """Return the time as `time.time` does."""
        return self.now.timestamp()

    def pass_time(self, length: timedelta) -> None:
        """Let the servers log, Airflow run and the watch check, until this time is over."""
        end = self.now + length
        while self.now < end:
            self.now += STEP
            if self.now.minute == 0:
                self._log(Hour.of(self.now).previous)
            self.beat_at = self.beat_at if self.silent else self.now
            beat = {"latest_scheduler_heartbeat": self.beat_at.isoformat()}
            self.airflow.answer = {"scheduler": beat}
            if self.now.minute == RUNS_AT and not self.silent:
                self._run_hour()
                self._run_sales()
            self.watch.check(self.now)

    def _log(self, hour: Hour) -> None:
        """Write an hour to the logs of both hosts, wherever their disks are mounted."""
        self._write("web-1", "access.log", hour, range(1, 41))
        self._write("web-2", "access.log", hour, range(41, 61))
        if self.failing:
            lines = [Client(f"192.0.2.{n}").get(f"{hour}:30:00", "/order", 503) for n in range(26)]
            append(self.file.parent / "web-1" / "access.log", lines)

    def _write(self, host: str, name: str, hour: Hour, clients: range) -> None:
        lines = [Client(f"198.51.100.{n}").get(f"{hour}:10:00", "/menu") for n in clients]
        append(self.directory(host) / name, lines)

    def directory(self, host: str) -> Path:
        """The directory of a host's logs; a disk that is not mounted has another name."""
        mounted = self.file.parent / host
        return mounted if mounted.exists() else mounted.with_suffix(".away")

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """The open incidents of the lake, and of the watch itself."""
        own = FileStore.open(self.file.parent / "var" / "alerts")
        return LakeStore(self.lake).read().open + own.state.incidents.open

    def open_lake(self) -> Lake:
        """Open the lake of the settings as they are now."""
        settings = self.load()
        if settings != self.lake.settings:
            self.lake = refer_to_lake(settings, self.session)
        return self.lake

    @contextmanager
    def task(self, run: Run) -> Iterator[None]:
        """Report the error of a task as its callback does, if that can open the lake."""
        try:
            yield
        except ClickstreamError as error:
            run.is_red = True
            self.failures.append(error)
            with suppress(ClickstreamError):
                self.report(run, error)

    def report(self, run: Run, error: ClickstreamError) -> None:
        """Report the failure of a task."""
        lake, run_id = self.open_lake(), f"scheduled__{run.at:%FT%T}"
        report_failed_task(lake, self.now, run.dag_id, run_id, run.at, error.printed)

    def _run_hour(self) -> None:
        hour = Hour.of(self.now).previous
        run = Run(HOURLY, hour.start)
        names: list[str] = []
        with self.task(run):
            names = [host.name for host in list_hosts(self.open_lake())]
        for name in names:
            with self.task(run):
                pull_host(self.open_lake(), find_host(self.open_lake(), name))
        due = [hour] * RED_TASKS
        with self.task(run):
            due = publish.hours_to_build(self.open_lake(), hour).hours * self._tasks
        for one in due:
            with self.task(run):
                self._build(one, run)
        with suppress(ClickstreamError):
            self._report(run)
            check_alerts(self.open_lake(), self.now)

    @property
    def _tasks(self) -> int:
        return RED_TASKS if self.unbalanced else 1

    def _build(self, hour: Hour, run: Run) -> None:
        if self.unbalanced:
            raise UnbalancedHour(f"The line balance of hour {hour} does not close.")
        cleaned = clean_hits(self.open_lake(), hour)
        checked = check_hour(self.lake, build_sessions(self.lake, cleaned))
        publish.register_tables(self.lake, checked, str(run.at))

    def _run_sales(self) -> None:
        run = Run(SALES, self.now)
        with self.task(run):
            pull_sales(self.open_lake(), self.now)
        with suppress(ClickstreamError):
            self._report(run)

    def _report(self, run: Run) -> None:
        if not run.is_red:
            report_run_succeeded(self.open_lake(), self.now, run.dag_id, run.at)


def outage_of_s3(night: Night) -> None:
    """The callbacks of the tasks that fail last run when S3 answers again."""
    night.failures.clear()
    night.aws.stop()
    try:
        night.pass_time(HOUR)
    finally:
        night.aws.start()
    assert len(night.failures) >= RED_TASKS
    for error in night.failures:
        assert isinstance(error, AwsUnavailable)
        night.report(Run(HOURLY, night.now), error)
    night.pass_time(HOUR)


def dead_host(night: Night) -> None:
    mounted = night.directory("web-2")
    away = mounted.rename(mounted.with_suffix(".away"))
    night.pass_time(2 * HOUR)
    away.rename(mounted)


def bad_settings(night: Night) -> None:
    """One deployment adds an unknown setting, one removes the file, and one changes a limit."""
    good = night.file.read_text(encoding="utf-8")
    night.file.write_text(f"{good}\n[allerts]\ndirectory = 1\n", encoding="utf-8")
    night.pass_time(HOUR / 2)
    night.file.unlink()
    night.pass_time(HOUR / 2)
    night.file.write_text(f"{good}\nhours_behind = 4\n", encoding="utf-8")
    night.pass_time(HOUR)
    assert night.watch.settings.alerts.hours_behind == 4


def wave_of_errors(night: Night) -> None:
    night.failing = True
    night.pass_time(HOUR)
    night.failing = False


def silent_scheduler(night: Night) -> None:
    night.silent = True
    night.pass_time(HOUR)
    night.silent = False
    night.pass_time(HOUR)


def red_run(night: Night) -> None:
    night.unbalanced = True
    night.pass_time(HOUR)
    night.unbalanced = False
    night.pass_time(HOUR)


def backfill_and_rerun(night: Night) -> None:
    """An old log with failures is built, while all published hours are built again."""
    lines, old = [], [*hour_range(LONG_AGO, LONG_AGO.plus(night.old_hours - 1))]
    for hour in old:
        stamp = f"{hour}:20:00"
        people = [Client(f"203.0.113.{n}") for n in range(25)]
        lines += [one.get(stamp, "/order", 503) for one in people]
        lines += [Client("203.0.113.99", BOT).get(stamp, "/robots.txt"), *["no line"] * 9]
    append(night.directory("web-1") / "access.log.1", lines)
    night.pass_time(HOUR)
    lake = night.open_lake()
    newest = Hour.of(night.now).previous
    backfill = plan_backfill(lake, old[0], old[-1], "backfill").run()
    rerun = plan_backfill(lake, FIRST, newest, "rerun").run()
    for number, _ in enumerate(zip_longest(backfill, rerun)):
        if number % 12 == 0:
            check_alerts(lake, night.now)
            night.watch.check(night.now)


EVENTS: dict[Callable[[Night], None], list[tuple[Rule, str]]] = {
    outage_of_s3: [(Rule.AWS_UNREACHABLE, "lake")],
    dead_host: [(Rule.HOST_UNREACHABLE, "web-2")],
    bad_settings: [(Rule.SETTINGS, "clickstream.toml")],
    wave_of_errors: [(Rule.ERROR_SHARE, "/order")],
    silent_scheduler: [(Rule.AIRFLOW_SILENT, "lake")],
    red_run: [(Rule.FAILED_RUN, HOURLY)],
    backfill_and_rerun: [],
}
"""What happens in a night, and the incidents of which a person hears."""
