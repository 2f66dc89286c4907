"""Steps of the demo on the console: one line each, with a bar in a terminal while one runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_SECONDS = 10
"""Without a terminal, a running step prints its state at most once in this time."""

SURE_SHARE = 0.05
"""The share of the work after which the remaining time is shown."""

LABEL, DETAIL = 24, 46
"""Widths of the columns of a step's line, which then has its duration."""


class DemoStep:
    """A running step. `detail` is printed with its duration when it is done."""

    def __init__(self, console: Console, label: str) -> None:
        self.detail = ""
        self._console, self._label = console, label
        self._is_plain = not console.is_terminal
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20))
        state_columns = (TextColumn("{task.fields[state]}"), TimeElapsedColumn())
        self._bar = Progress(
            *columns, *state_columns, console=console, transient=True, disable=self._is_plain
        )
        self._task = self._bar.add_task(escape(f"{label:<{LABEL - 2}}"), total=None, state="")
        self._started = self._printed_at = time.monotonic()

    @contextmanager
    def running(self) -> Iterator[DemoStep]:
        """Show the step while the block runs, then print its line unless the block raises."""
        with self._bar:
            yield self
        self.print(f"[green]✓[/] {escape(f'{self._label:<{LABEL}}{self.detail:<{DETAIL}}')}")

    def show(self, state: str) -> None:
        """Show the current state of the work."""
        self._bar.update(self._task, state=escape(state))
        if self._is_plain and time.monotonic() - self._printed_at >= PLAIN_SECONDS:
            self._printed_at = time.monotonic()
            self.print(escape(f"  {self._label:<{LABEL}}{state:<{DETAIL}}"))

    def show_done(
        self, done: int, total: int, unit: str, more: str = "", shows_left: bool = True
    ) -> None:
        """Show how much of a known total is done, and the time left, from the average so far."""
        self._bar.update(self._task, completed=done, total=max(total, 1))
        left = self._left(done, total) if shows_left else ""
        self.show(", ".join(filter(None, (f"{done:,} of {total:,} {unit}", more, left))))

    def _left(self, done: int, total: int) -> str:
        """Return the remaining time as text; empty if too little is done to estimate it."""
        if not SURE_SHARE <= done / max(total, 1) < 1:
            return ""
        left = self.seconds / done * (total - done)
        return f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left"

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def print(self, line: str) -> None:
        """Print a line of markup with the time since the step began."""
        self._console.print(
            f"{line}[dim]{self.seconds:>5.0f} s[/]", soft_wrap=True, highlight=False
        )


class DemoSteps:
    """The steps of the demo, one after the other."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._started = time.monotonic()

    def step(self, label: str) -> AbstractContextManager[DemoStep]:
        """Return a context manager that runs a step in its block."""
        return DemoStep(self.console, label).running()

    def fail(self, reason: str) -> None:
        """Print a failure."""
        self.console.print(f"[red]✗[/] {escape(reason)}", soft_wrap=True)

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._started
