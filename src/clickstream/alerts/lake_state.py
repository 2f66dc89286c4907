"""The state of a lake: up to when it is complete, what is missing or not known, and what is open.

`read_lake_state` is the only function that answers this. `clickstream status`, the Trust page, the
trust line of each page, the mail, the metrics and Airflow's log show its answer, each in its form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from clickstream.alerts.incidents import Incidents, Mute, Rule
from clickstream.alerts.store import LakeStore, describe_old_check
from clickstream.core.errors import ClickstreamError, OtherBucket
from clickstream.core.hours import Hour
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import quantity
from clickstream.lake import Lake

if TYPE_CHECKING:  # it imports pyiceberg, which the dashboard of log files does not need
    from clickstream.pipeline.proof.freshness import Freshness, FreshnessLimits, Problem

_RULES = {
    "newest hour": Rule.HOURS_BEHIND,
    "host": Rule.HOST_UNREACHABLE,
    "shop": Rule.SHOP_UNREADABLE,
}
"""The rules whose incidents report a problem of a kind. Only one of both is shown and counted."""


class Health(StrEnum):
    """Whether the lake is fresh and complete."""

    FRESH = "fresh"
    LATE = "late or incomplete"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LakeState:
    """What is known about a lake at the time of `freshness`.

    `old_check` says since when alerts are not checked; empty if they are. `unread` says why the
    state can't be read now; there is no freshness then. A state without any of these is that of a
    reader who may see none.
    """

    freshness: Freshness | None = None
    incidents: Incidents = field(default_factory=Incidents)
    old_check: str = ""
    unread: str = ""

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is late or missing, without what an open incident reports."""
        problems = self.freshness.problems if self.freshness else []
        return tuple(problem for problem in problems if not self._is_reported(problem))

    @cached_property
    def unknowns(self) -> tuple[Problem, ...]:
        """What can't be determined, without what an open incident reports."""
        unknowns = self.freshness.unknowns if self.freshness else []
        return tuple(unknown for unknown in unknowns if not self._is_reported(unknown))

    def _is_reported(self, problem: Problem) -> bool:
        rule = _RULES.get(problem.kind)
        return rule is not None and any(
            incident.rule == rule
            and (incident.subject == problem.subject or rule is Rule.HOURS_BEHIND)
            for incident in self.incidents.open
        )

    @property
    def doubts(self) -> list[str]:
        """A sentence for everything that can't be determined."""
        sentences = [unknown.sentence for unknown in self.unknowns]
        return [*sentences, *filter(None, [self.old_check, self.unread])]

    @property
    def sentences(self) -> list[str]:
        """A sentence for everything that is open or not known."""
        incidents = [incident.text for incident in self.incidents.open]
        return [*incidents, *(problem.sentence for problem in self.problems), *self.doubts]

    @property
    def mutes(self) -> list[Mute]:
        """The mutes of alerts that have not ended."""
        return self.incidents.active_mutes(self.freshness.now) if self.freshness else []

    @property
    def open(self) -> int:
        """The number of open problems: incidents, and what else is late or missing."""
        return len(self.incidents.open) + len(self.problems)

    @property
    def health(self) -> Health:
        """Whether the lake is fresh and complete. An incident may be about something else."""
        if self.freshness and self.freshness.problems:
            return Health.LATE
        return Health.UNKNOWN if self.doubts else Health.FRESH

    @property
    def exit_code(self) -> int:
        """What monitoring reads: 1 if anything is open, else 2 if anything is not known, else 0."""
        return 1 if self.open else 2 if self.doubts else 0

    @property
    def summary(self) -> list[str]:
        """Short texts that count what is open and not known; none if all is well."""
        if self.unread:
            return ["open problems are not known"]
        texts = [quantity(self.open, "open problem")] if self.open else []
        sources = sum(unknown.kind == "host" for unknown in self.unknowns)
        texts += [f"{quantity(sources, 'source')} not known"] if sources else []
        texts += ["no recent hour"] if sources < len(self.unknowns) else []
        return [*texts, "alerts are not checked"] if self.old_check else texts

    @property
    def verdict(self) -> str:
        """The answer in a few words, such as `Late or incomplete, 2 open problems`."""
        return ", ".join([self.health.capitalize(), *self.summary])

    @property
    def complete_to(self) -> Hour | None:
        """The newest published hour; None without one."""
        return self.freshness.newest if self.freshness else None

    @property
    def version(self) -> str:
        """Changes with what is shown, but not with the ages in sentences; empty for nothing."""
        shown = [f"{incident.opened_at} {incident.text}" for incident in self.incidents.open]
        shown += [f"{mute.until} {mute.why}" for mute in self.mutes]
        shown += [f"{problem[:2]}" for problem in (*self.problems, *self.unknowns)]
        sales = self.freshness.sales if self.freshness else ()
        shown += [f"{source.name} {source.compared} {source.changed}" for source in sales]
        shown += [*filter(None, [self.unread]), *(["old check"] if self.old_check else [])]
        return f"-{digest_texts(shown, 4)}" if shown else ""


UNSEEN = LakeState()
"""The state that a reader sees who may see none."""


def read_lake_state(
    lake: Lake,
    now: datetime,
    since: Hour | None = None,
    limits: FreshnessLimits | None = None,
    *,
    is_brief: bool = True,
) -> LakeState:
    """Read the state of a lake as of `now`, an aware time; `lake_freshness` has the arguments.

    Raises the errors of the lake.
    """
    from clickstream.pipeline.proof.freshness import lake_freshness

    return LakeState(
        lake_freshness(lake, now, since, limits, is_brief=is_brief),
        LakeStore(lake).read(),
        describe_old_check(lake, now),
    )


def read_state_to_show(lake: Lake, now: datetime) -> LakeState:
    """Read the state for a page or a mail, which is shown also if the state can't be read.

    Raises OtherBucket: nothing of this bucket belongs to the lake.
    """
    try:
        return read_lake_state(lake, now)
    except OtherBucket:
        raise
    except ClickstreamError as error:
        return LakeState(unread=error.printed)
