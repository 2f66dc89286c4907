"""Builds the hours before Airflow's runs in this process, as `clickstream build` does.

Meanwhile Airflow starts. Hours that are up to date are left out, so a demo that was stopped at any
point continues, and a later one builds the hours in which it did not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from clickstream.demo.progress import DemoStep
from clickstream.demo.traffic import Plan
from clickstream.hours import HourSpan
from clickstream.lake import Lake
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.wording import quantity

RUN = "the demo's first build"
"""The name under which the ledger records these publications."""


@dataclass
class OlderHours:
    """The build of the hours of a plan that Airflow does not build, and its progress."""

    lake: Lake
    plan: Plan
    step: DemoStep
    built: dict[str, int] = field(default_factory=dict)
    """Lines of each hour that this build has published."""

    def build(self, pulled: Iterable[HourSpan], after_first: Callable[[], None]) -> None:
        """Build the hours of each span that `pulled` yields and that are not up to date.

        Calls `after_first` once, when the first hours are built.
        """
        self._show()
        for number, complete in enumerate(pulled):
            for span in self.plan.older(complete):
                self._build_span(span)
            if number == 0 and self.built:
                after_first()
        self.step.detail = self._describe()

    def _build_span(self, span: HourSpan) -> None:
        backfill = plan_backfill(self.lake, span.first, span.last, RUN, only_outdated=True)
        for progress in backfill.run():
            self.built[progress.published.hour] = progress.published.lines
            self._show()

    def _show(self) -> None:
        total = sum(map(len, self.plan.older()))
        lines = quantity(sum(self.built.values()), "line") if self.built else ""
        self.step.show_done(len(self.built), total, "hours", lines)

    def _describe(self) -> str:
        total = sum(map(len, self.plan.older()))
        if not self.built:
            return f"{quantity(total, 'hour')}, all up to date"
        lines = sum(self.built.values())
        return f"{quantity(len(self.built), 'hour')}, {quantity(lines, 'line')}"
