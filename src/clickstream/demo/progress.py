"""Progress of work that takes minutes: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_STEPS = 6
PLAIN_SECONDS = 20
"""Without a terminal, a line is printed every PLAIN_STEPS steps, or when PLAIN_SECONDS are over."""


class CountedProgress:
    """Shows how many of `total` hours or days (`unit`) are done.

    With `shows_left`, it also shows the remaining time, estimated from the average so far.
    """

    def __init__(
        self, console: Console, total: int, unit: str = "hours", shows_left: bool = False
    ) -> None:
        self._console, self._total, self._unit = console, total, unit
        self._is_plain, self._shows_left = not console.is_terminal, shows_left
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        more = (TextColumn("{task.fields[left]}"), TimeElapsedColumn())
        self._bar = Progress(*columns, *more, console=console, disable=self._is_plain)
        self._task = self._bar.add_task("", total=total, left="")
        self._phase = ""
        self._done = 0
        self._started = self._printed_at = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show_phase(self, phase: str) -> None:
        """Show the current phase of the work."""
        if phase != self._phase:
            self._phase = phase
            self._bar.update(self._task, description=phase)
            self._print(f"{phase} …")

    def show_done(self, done: int) -> None:
        """Show the number of hours or days that are done."""
        seconds = time.monotonic() - self._started
        left = self._left(done, seconds)
        self._bar.update(self._task, completed=done, left=left)
        is_due = time.monotonic() - self._printed_at >= PLAIN_SECONDS
        if is_due or done - self._done >= PLAIN_STEPS or self._done < done == self._total:
            self._done = done
            of_all = f"{done} of {self._total} {self._unit} done"
            self._print(f"{of_all} ({seconds:.0f} s{', ' + left if left else ''})")

    def _left(self, done: int, seconds: float) -> str:
        """Return the remaining time as text; empty if it is unknown."""
        if not self._shows_left or not 0 < done < self._total:
            return ""
        left = seconds / done * (self._total - done)
        return f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left"

    def _print(self, line: str) -> None:
        if self._is_plain:
            self._printed_at = time.monotonic()
            self._console.print(line, soft_wrap=True)
