"""What `verify` found in a range of hours, and the sentences about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.core.hours import Hour, HourSpan, describe_hours, group_hours
from clickstream.core.wording import quantity

Remedy = Literal["build again", "drop marks", "close period", "none"]


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of an hour, and what `repair` does about it.

    If `repair` does nothing, `problem` gives the reason, and what to do instead.
    """

    hour: Hour
    problem: str
    remedy: Remedy = "build again"

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        remedy = "" if self.remedy == "none" else f" To repair it: clickstream repair {self.hour}"
        return f"Hour {self.hour}: {self.problem}.{remedy}"


@dataclass(frozen=True)
class VerifyReport:
    """The result of `verify` for a range of hours.

    `span` is the range that was checked; it is None for a lake without any hour when no range was
    given. `hours` is the number of published hours in it, and `lines` of their raw lines. Every
    other hour of the range is in one of three groups: `waiting` hours have raw lines and are over,
    so they should be published; `gaps` are over, have no raw lines and were never built;
    `unfinished` hours are not over yet. `late_past_window` are hours past their replay window whose
    late lines wait. At the start of `edges` sessions end, because the hours before have another
    visitor key. Raw lines before `raw_gone_before` are deleted, so those of earlier hours were not
    checked.
    """

    span: HourSpan | None
    hours: int = 0
    lines: int = 0
    findings: tuple[Finding, ...] = ()
    waiting: tuple[Hour, ...] = ()
    gaps: tuple[Hour, ...] = ()
    unfinished: tuple[Hour, ...] = ()
    late_past_window: tuple[Hour, ...] = ()
    edges: tuple[Hour, ...] = ()
    raw_gone_before: Hour | None = None

    @property
    def wrong_hours(self) -> list[Hour]:
        """The hours with a finding; what `repair` is about."""
        return sorted({finding.hour for finding in self.findings})

    @property
    def is_proven(self) -> bool:
        """Whether hours are published, none has a finding, and no line waits."""
        return self.hours > 0 and not (self.findings or self.waiting)

    @property
    def sentence(self) -> str:
        """What was checked."""
        if self.span is None:
            return "Checked all hours: none is published, and there are no raw lines."
        published = f"{self.hours:,} of {quantity(len(self.span), 'hour')} published"
        lines = f", {quantity(self.lines, 'line')}" if self.hours else ""
        return f"Checked {self.span.first} to {self.span.last}: {published}{lines}."

    @property
    def failures(self) -> list[str]:
        """A sentence for each reason why the range is not proven."""
        failures = [finding.sentence for finding in self.findings]
        if self.waiting:
            commands = [f"clickstream build {s.first} {s.last}" for s in group_hours(self.waiting)]
            ending = ", and so on" if len(commands) > 1 else ""
            failures.append(
                f"{quantity(len(self.waiting), 'hour')} with raw lines not published: "
                f"{describe_hours(self.waiting)}. To build: {commands[0]}{ending}"
            )
        if not self.hours:
            failures.append(
                "No published hour to verify, so nothing is proven. To build hours: clickstream "
                "build FROM TO"
            )
        return failures

    @property
    def _late_note(self) -> str:
        late, gone = self.late_past_window, self.raw_gone_before
        named = (
            f"{quantity(len(late), 'hour')} past the replay window with late lines that wait in "
            f"the raw store: {describe_hours(late)}."
        )
        can_be_built = [hour for hour in late if gone is None or hour >= gone]
        if not can_be_built:
            return f"{named} They can't be added, because other raw lines are deleted."
        hour = can_be_built[0]
        return f"{named} To add them: clickstream build {hour} {hour} --new-visitor-ids"

    @property
    def notes(self) -> list[str]:
        """A sentence for each group of hours that is no failure."""
        notes = []
        if self.gaps:
            notes.append(
                f"{quantity(len(self.gaps), 'hour')} without raw lines never built: "
                f"{describe_hours(self.gaps)}. If the servers had traffic then, their logs were "
                "not pulled."
            )
        if self.unfinished:
            named = describe_hours(self.unfinished)
            notes.append(f"{quantity(len(self.unfinished), 'hour')} not over yet: {named}.")
        if self.late_past_window:
            notes.append(self._late_note)
        if self.raw_gone_before:
            notes.append(
                f"Raw lines before {self.raw_gone_before} are deleted ([maintenance] raw_days), so "
                "the hours before it were not compared with them."
            )
        if self.edges:
            notes.append(
                f"Sessions end at the start of {quantity(len(self.edges), 'hour')}, because the "
                f"hours before have another visitor key: {describe_hours(self.edges)}."
            )
        return notes
