"""What `verify` reports: what it looked at, what is wrong, and which hours are not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.hours import Hour, HourSpan, describe_hours, group_hours
from clickstream.wording import quantity

Remedy = Literal["build again", "drop marks", "close period", "none"]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong with an hour, and what `repair` does about it.

    Where that is nothing, `what` says why, and what to do instead.
    """

    hour: Hour
    what: str
    remedy: Remedy = "build again"

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        mend = "" if self.remedy == "none" else f" To mend it: clickstream mend {self.hour}"
        return f"Hour {self.hour}: {self.what}.{mend}"


@dataclass(frozen=True)
class VerifyReport:
    """The result of `verify` for a range of hours.

    `span` is the range looked at; None is a lake without any hour and no range asked for. `hours`
    are the published hours in it, and `lines` their raw lines. Every other hour of the range is in
    one of three groups: `waiting` hours have raw lines and are over, so they should be published;
    `gaps` are over, have no raw lines and were never built; `unfinished` hours are not over yet.
    `late_past_window` are published hours whose late lines wait, because their visitor key is
    destroyed. At the start of `edges` sessions end, because the hours before have another key.
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

    @property
    def is_proven(self) -> bool:
        """Whether hours are published, nothing is wrong with them, and no line waits."""
        return self.hours > 0 and not self.findings and not self.waiting

    @property
    def sentence(self) -> str:
        """What was looked at."""
        if self.span is None:
            return "Looked at all hours: there are no published ones and no raw lines."
        published = f"{self.hours:,} of {quantity(len(self.span), 'hour')} published"
        lines = f", {quantity(self.lines, 'line')}" if self.hours else ""
        return f"Looked at {self.span.first} to {self.span.last}: {published}{lines}."

    @property
    def failures(self) -> list[str]:
        """A sentence for everything that keeps the range from being proven."""
        failures = [finding.sentence for finding in self.findings]
        if self.waiting:
            commands = [f"clickstream build {s.first} {s.last}" for s in group_hours(self.waiting)]
            more = ", and so on" if len(commands) > 1 else ""
            failures.append(
                f"{quantity(len(self.waiting), 'hour')} with raw lines not published: "
                f"{describe_hours(self.waiting)}. To build: {commands[0]}{more}"
            )
        if not self.hours:
            failures.append(
                "No published hour to verify, so nothing is proven. To build hours: clickstream "
                "build FROM TO"
            )
        return failures

    @property
    def notes(self) -> list[str]:
        """A sentence for each group of hours that is not published and need not be."""
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
            hour = self.late_past_window[0]
            notes.append(
                f"{quantity(len(self.late_past_window), 'hour')} past the replay window with late "
                f"lines that wait in raw: {describe_hours(self.late_past_window)}. To build them "
                f"in: clickstream build {hour} {hour} --new-visitor-ids"
            )
        if self.edges:
            notes.append(
                f"Sessions end at the start of {quantity(len(self.edges), 'hour')}, because the "
                f"hours before have another visitor key: {describe_hours(self.edges)}."
            )
        return notes
