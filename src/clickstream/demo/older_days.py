"""Builds the weeks before the demo's newest hours: writes their logs, pulls them, builds days.

The directory, the lake and Airflow show what is already done, so that a demo that was stopped at
any point continues there.
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
"""The number of days of each run, newest first; further runs have as many as the last.

A run builds its days in order, and the dashboard gets them at its end, so the first runs are short.
Each border between two runs costs a second build of the hours after it, because the sessions of
devices that are always on cross it. One day is built at a time, and Airflow prefers the tasks of
hourly runs.
"""

POLL_SECONDS = 2.0

Day = tuple[Hour, Hour]
"""The first and the last hour of a UTC date that are to be built."""


@dataclass(frozen=True)
class OlderDays:
    """Builds the days of the café up to the hour `last`, which is before the newest hours."""

    stack: Stack
    lake: Lake
    logs: CafeLogs
    last: Hour
    console: Console

    def show(self, newest: Hour, only_one_day: bool) -> int:
        """Build all days or one of them, verify all hours up to `newest`, return the exit status.

        Prints the days to build, failures, and the days that are left for the next start.
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
                f"[green]✓[/] {first} to {newest}{late}: the line balance of every hour closes, "
                "and the session chain is intact."
            )
        if left:
            self._print(
                f"{quantity(len(left), 'day')} before {first} left; the next start builds them."
            )
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

        Build only the newest `days` of them, if given. Returns a sentence for each failed run.
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
        """Return the days with hours that are not published yet, newest first."""
        published = hour_ledger.published_hours(self.lake, self.logs.first, self.last)
        days = by_day(self.logs.first, self.last)
        unbuilt = [day for day in days if not published.issuperset(hour_range(*day))]
        return unbuilt[::-1]

    def _write_logs(self) -> bool:
        """Write missing logs, and return whether any was missing."""
        with self.console.status("Writing the café's logs of the four weeks before"):
            files = len(list(self.logs.write_older()))
        if files:
            sentence = f"{quantity(files, 'file')} of older lines in {self.logs.directory}"
            self._print(f"[green]✓[/] {escape(sentence)}")
        return files > 0

    def _pull(self) -> str:
        """Have a run of the hourly DAG pull the logs; return why it failed, empty if it did not.

        That run also builds the hours with late lines again.
        """
        with self.stack.airflow() as api:
            run_id = api.trigger(PULLING_DAG)
            with self.console.status(
                "Airflow pulls the older lines, and builds hours with late lines"
            ):
                failed = self._wait_for(api, PULLING_DAG, run_id)
        if not failed:
            self._print("[green]✓[/] Airflow has pulled the older lines")
        return failed

    def _build_days(self, days: Sequence[Day], done: int, progress: CountedProgress) -> str:
        """Have one run build days, given newest first; return why it failed, empty if not."""
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
        """Wait for runs of an interrupted demo, which Airflow continues."""
        with self.stack.airflow() as api, self.console.status("Airflow finishes earlier runs"):

            def is_none_left() -> bool:
                return not api.count_runs(BUILDING_DAG, "queued", "running")

            self.stack.wait(_every(POLL_SECONDS, is_none_left))

    def _wait_for(
        self, api: AirflowApi, dag_id: str, run_id: str, show: Callable[[], None] = lambda: None
    ) -> str:
        """Wait for the end of a run; return why it failed, empty if it did not."""

        def is_over() -> bool:
            show()
            return api.run_state(dag_id, run_id) in FINISHED

        self.stack.wait(_every(POLL_SECONDS, is_over))
        if api.run_state(dag_id, run_id) == "success":
            return ""
        return f"The run {run_id} of {dag_id} failed. {failure_of(api, dag_id, run_id)}"


def split_into_runs(days: Sequence[Day]) -> Iterator[Sequence[Day]]:
    """Split days, newest first, into the days of each run. The days of a run have no gap."""
    for follow in split_when(days, lambda day, before: before[1].next != day[0]):
        left = follow
        for length in chain(DAYS_OF_RUNS, repeat(DAYS_OF_RUNS[-1])):
            if not left:
                break
            yield left[:length]
            left = left[length:]


def _every(seconds: float, condition: Callable[[], bool]) -> Callable[[], bool]:
    """Wrap a condition so that it is evaluated at most once in `seconds`, else it is false."""
    asked_at = -seconds

    def is_true() -> bool:
        nonlocal asked_at
        if time.monotonic() - asked_at < seconds:
            return False
        asked_at = time.monotonic()
        return condition()

    return is_true
