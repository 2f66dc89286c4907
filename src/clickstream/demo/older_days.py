"""The weeks before the demo's newest hours: their logs, the run that pulls, the runs that build.

What has been done is read from the directory, from the lake and from Airflow, so a demo that was
stopped at any point continues here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from more_itertools import split_when
from rich.console import Console
from rich.markup import escape

from clickstream import pipeline
from clickstream.demo.backfill import DAG as PULLING_DAG
from clickstream.demo.backfill import FINISHED, failure_of
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.progress import CountedProgress
from clickstream.demo.stack import AirflowApi, Stack
from clickstream.hours import Hour, by_day, hour_range
from clickstream.lake import Lake, hour_ledger
from clickstream.wording import quantity

BUILDING_DAG = "clickstream_reprocess"
REASON = "The demo builds the weeks before its newest hours."
DAYS_OF_RUNS = (1, 2, 4, 7)
"""The days of each run, newest first; further runs have as many as the last.

A run builds its days in order. The dashboard gets them when the run is done, so the first runs are
short. Every border between two runs costs a second build of the hours after it: devices that are
always on have sessions that cross it. One day is built at a time, and Airflow prefers the tasks of
the hourly runs.
"""

POLL_SECONDS = 2.0

Day = tuple[Hour, Hour]
"""The first and the last hour of a UTC date that are to be built."""


@dataclass(frozen=True)
class OlderDays:
    """The hours before the newest ones, and where their logs come from."""

    stack: Stack
    lake: Lake
    logs: CafeLogs
    last: Hour
    console: Console

    def show(self, newest: Hour, only_one_day: bool) -> int:
        """Build the days, or one of them, check all hours up to `newest`; returns the exit status.

        Prints what is built, what is wrong, and what is left for the next start.
        """
        self._say_what_is_built(only_one_day)
        failed = self.build(days=1 if only_one_day else None)
        left = self.unbuilt_days()
        first = left[0][1].next if left else self.logs.first
        failures = [*failed, *pipeline.verify(self.lake, first, newest).failures]
        for failure in failures:
            self._print(f"[red]✗[/] {escape(failure)}")
        if not failures:
            late = ", late lines included" if self.logs.late_hours else ""
            self._print(
                f"[green]✓[/] {first} to {newest}: every hour adds up and follows on{late}."
            )
        if left:
            self._print(f"Left for the next start: {quantity(len(left), 'day')} before {first}.")
        return 1 if failures else 0

    def _say_what_is_built(self, only_one_day: bool) -> None:
        if not (days := len(self.unbuilt_days())):
            return
        which = "the newest" if only_one_day else "them, newest first, while the dashboard fills"
        self._print(
            f"\nThe café has {quantity(days, 'day')} before these hours that are not built yet. "
            f"Airflow builds {which}."
        )

    def _print(self, line: str) -> None:
        self.console.print(line, soft_wrap=True)

    def build(self, days: int | None = None) -> list[str]:
        """Write the logs, have Airflow pull them, and build the days that are not built yet.

        Builds the newest `days` of them, or all. Returns why runs failed, a sentence for each.
        """
        self._finish_last_start()
        is_written, todo = self._write_logs(), self.unbuilt_days()
        if (is_written or todo) and (failed := self._pull()):
            return [failed]
        runs = list(split_into_runs(todo[:days]))
        with CountedProgress(self.console, len(todo[:days]), "days", shows_left=True) as progress:
            for number, of_run in enumerate(runs):
                done = sum(map(len, runs[:number]))
                if failed := self._build_days(of_run, done, progress):
                    return [failed]
        return []

    def unbuilt_days(self) -> list[Day]:
        """The days with hours that are not published yet, newest first."""
        published = hour_ledger.published_hours(self.lake, self.logs.first, self.last)
        days = by_day(self.logs.first, self.last)
        unbuilt = [day for day in days if not published.issuperset(hour_range(*day))]
        return unbuilt[::-1]

    def _write_logs(self) -> bool:
        """Write the logs that are missing; returns whether there were any."""
        with self.console.status("Writing the café's logs of the four weeks before"):
            files = len(list(self.logs.write_older()))
        if files:
            sentence = f"{quantity(files, 'file')} of older lines in {self.logs.directory}"
            self._print(f"[green]✓[/] {escape(sentence)}")
        return files > 0

    def _pull(self) -> str:
        """Have a run of the hourly DAG pull the logs; returns why it failed, empty if it did not.

        The same run builds the late lines into hours that are published.
        """
        with self.stack.airflow() as api:
            run_id = api.trigger(PULLING_DAG)
            with self.console.status("Airflow pulls the older lines, and builds the late ones in"):
                failed = self._wait_for(api, PULLING_DAG, run_id)
        if not failed:
            self._print("[green]✓[/] Airflow has pulled the older lines")
        return failed

    def _build_days(self, days: Sequence[Day], done: int, progress: CountedProgress) -> str:
        """Have one run build some days, newest first as given; returns why it failed, if it did."""
        first, last = days[-1][0], days[0][1]
        progress.show_phase(f"Building {first} to {last}")
        conf = {"from": str(first), "to": str(last), "reason": REASON, "only_outdated": True}
        with self.stack.airflow() as api:
            run_id = api.trigger(BUILDING_DAG, conf)

            def show() -> None:
                tasks = api.tasks(BUILDING_DAG, run_id)
                built = [t for t in tasks if t["task_id"] == "rebuild_day"]
                progress.show_done(done + sum(t["state"] == "success" for t in built))

            return self._wait_for(api, BUILDING_DAG, run_id, show)

    def _finish_last_start(self) -> None:
        """Wait for the runs of a demo that was stopped: Airflow continues them."""
        with self.stack.airflow() as api, self.console.status("Airflow finishes earlier runs"):

            def is_none_left() -> bool:
                return not api.count_runs(BUILDING_DAG, "queued", "running")

            self.stack.wait(_every(POLL_SECONDS, is_none_left))

    def _wait_for(
        self, api: AirflowApi, dag_id: str, run_id: str, show: Callable[[], None] = lambda: None
    ) -> str:
        """Wait for the end of a run; returns why it failed, empty if it did not."""

        def is_over() -> bool:
            show()
            return api.run_state(dag_id, run_id) in FINISHED

        self.stack.wait(_every(POLL_SECONDS, is_over))
        if api.run_state(dag_id, run_id) == "success":
            return ""
        return f"The run {run_id} of {dag_id} failed. {failure_of(api, dag_id, run_id)}"


def split_into_runs(days: Sequence[Day]) -> Iterator[Sequence[Day]]:
    """Split days, newest first, into those of each run; a run has no gap between its days."""
    for follow in split_when(days, lambda day, before: before[1].next != day[0]):
        left = follow
        for length in chain(DAYS_OF_RUNS, repeat(DAYS_OF_RUNS[-1])):
            if not left:
                break
            yield left[:length]
            left = left[length:]


def _every(seconds: float, condition: Callable[[], bool]) -> Callable[[], bool]:
    """Ask for a condition at most so often; in between it does not hold."""
    asked_at = -seconds

    def is_true() -> bool:
        nonlocal asked_at
        if time.monotonic() - asked_at < seconds:
            return False
        asked_at = time.monotonic()
        return condition()

    return is_true
