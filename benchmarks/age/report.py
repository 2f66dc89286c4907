"""Prints the figures of a lake as tables, and returns them for the JSON file."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.age.build import Built, Stretch
from benchmarks.age.measures import Measure
from benchmarks.age.plan import Plan, key_days, replay_days
from benchmarks.age.state import TableFiles
from benchmarks.age.views import DayOfView

MOST_GROWTH = 20
"""Aim: percent by which a publication may cost more at the end than at the start."""

DAYS_READ = 3
"""Aim: days that a question about one day may read."""

SHOWN_CHARACTERS = 90


@dataclass(frozen=True)
class Figures:
    """All measured figures of a lake."""

    plan: Plan
    built: Built
    files: Sequence[TableFiles]
    measures: Sequence[Measure]
    views: Sequence[DayOfView]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return {
            "python": platform.python_version(),
            "publication_growth_percent": self.growth,
            **asdict(self),
        }

    @property
    def growth(self) -> float:
        """Percent by which the CPU time of a publication grew from the start to the end."""
        start, end = (self.built.publication(when).cpu for when in ("start", "end"))
        return 100 * (end / start - 1)

    def print(self) -> None:
        """Print the tables, in Markdown."""
        plan, built = self.plan, self.built
        lines = sum(stretch.lines for stretch in built.stretches)
        kept = f"{key_days(plan.days)} days, replay for {replay_days(plan.days)} more"
        print(f"{plan.days} days, {plan.first_hour} to {plan.last_hour}, {lines:,} lines built in")
        print(f"ranges; visitor keys of {kept}.")
        self._print_build()
        self._print_publications()
        self._print_measures()
        self._print_views()
        self._print_files()

    def _print_build(self) -> None:
        head = ("stretch", "hours", "lines", "build, CPU ms per hour", "local AWS", "wall ms")
        _print_head("Building", *head, "maintenance, CPU ms per hour")
        for number, stretch in enumerate(self.built.stretches, 1):
            _print_row(str(number), *_of_stretch(stretch))

    def _print_publications(self) -> None:
        aim = f"aim: below {MOST_GROWTH} % more"
        _print_head("Publishing one hour", f"when ({aim})", "CPU ms", "local AWS", "requests")
        for when in ("start", "end"):
            cost = self.built.publication(when)
            _print_row(when, _ms(cost.cpu), _ms(cost.aws_cpu), str(cost.requests))
        _print_row("growth", f"{self.growth:+.0f} %", "", "")

    def _print_measures(self) -> None:
        head = ("command", "CPU s", "local AWS CPU s", "wall s", "exit code", "hours again")
        _print_head("Commands", *head, "proven after", "aim", "last line")
        for measure in self.measures:
            code = "stopped" if measure.exit_code is None else str(measure.exit_code)
            seconds = (
                f"{s:.1f}" for s in (measure.cost.cpu, measure.cost.aws_cpu, measure.cost.wall)
            )
            proven = {True: "yes", False: "NO", None: ""}[measure.is_proven]
            shown = (code, str(measure.hours_again), proven, measure.aim, _shown(measure.last_line))
            _print_row(measure.name, *seconds, *shown)

    def _print_views(self) -> None:
        aim = f"aim: {DAYS_READ} of {self.plan.days} days, {DAYS_READ / self.plan.days:.1%}"
        title = f"One day of each view, {self.plan.middle_day}"
        _print_head(title, "engine", "view", "filter", "KB read", f"share ({aim})", "s", "error")
        for view in self.views:
            read = "" if view.bytes is None else f"{view.bytes / 1000:,.0f}"
            share = "" if view.share is None else f"{view.share:.1%}"
            filtered = (view.engine, view.view, view.column)
            _print_row(*filtered, read, share, f"{view.seconds:.2f}", _shown(view.error))

    def _print_files(self) -> None:
        _print_head("Files", "table", "data files", "MB", "manifests", "snapshots")
        for table in self.files:
            numbers = (table.data_files, table.manifests, table.snapshots)
            data_files, manifests, snapshots = (f"{number:,}" for number in numbers)
            _print_row(table.table, data_files, f"{table.bytes / 1e6:,.1f}", manifests, snapshots)


def _of_stretch(stretch: Stretch) -> tuple[str, ...]:
    """The cells of a stretch; costs are of an hour."""
    counts = f"{stretch.hours:,}", f"{stretch.lines:,}"
    build = stretch.build
    costs = build.cpu, build.aws_cpu, build.wall, stretch.maintenance.cpu
    return (*counts, *(_ms(seconds / stretch.hours) for seconds in costs))


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def _shown(text: str) -> str:
    one_line = " ".join(text.split()).replace("|", "\\|")
    return one_line if len(one_line) <= SHOWN_CHARACTERS else f"{one_line[:SHOWN_CHARACTERS]} …"


def _print_head(title: str, *cells: str) -> None:
    """Print the title and the head of a table."""
    print(f"\n**{title}**\n")
    _print_row(*cells)
    _print_row(*("---" for _ in cells))


def _print_row(*cells: str) -> None:
    """Print a row of a table."""
    print("|", " | ".join(cells), "|")
