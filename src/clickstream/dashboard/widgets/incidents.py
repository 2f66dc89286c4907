"""The state of the lake that pages show beside their numbers: incidents, mutes, silent sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clickstream.alerts.incidents import Incident, Mute, Rule
from clickstream.alerts.store import LakeStore, describe_old_check
from clickstream.core.errors import ClickstreamError
from clickstream.core.text_digests import digest_texts
from clickstream.lake import Lake
from clickstream.pipeline.hosts.host_freshness import source_problems


@dataclass(frozen=True)
class ShownIncidents:
    """What the dashboard read last; `problem` says why it can't be read now.

    `sources` are sentences about hosts and shops that are late or can't be read, as in
    `clickstream status`; hosts with an open incident about this are left out. `unknown` are those
    about hosts that were never pulled, or that no source has any more. `old_check` says since when
    alerts are not checked; empty if they are.
    """

    open: tuple[Incident, ...] = ()
    mutes: tuple[Mute, ...] = ()
    problem: str = ""
    sources: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    old_check: str = ""

    @property
    def version(self) -> str:
        """Changes with what the page shows; empty if it shows nothing."""
        shown = [f"{incident.opened_at} {incident.text}" for incident in self.open]
        shown += [f"{mute.until} {mute.why}" for mute in self.mutes]
        shown += [*self.sources, *self.unknown, *filter(None, [self.problem, self.old_check])]
        return f"-{digest_texts(shown, 4)}" if shown else ""


NO_INCIDENTS = ShownIncidents()


def read_incidents(lake: Lake, now: datetime) -> ShownIncidents:
    """Read the incidents of a lake, and which sources are silent, as of `now` (aware)."""
    try:
        stored, problems = LakeStore(lake).read(), source_problems(lake, now)
        old_check = describe_old_check(lake, now)
    except ClickstreamError as error:
        return ShownIncidents(problem=error.printed)
    hosts = {incident.subject for incident in stored.open if incident.rule == Rule.HOST_UNREACHABLE}
    remaining = [problem for problem in problems if problem.name not in hosts]
    return ShownIncidents(
        stored.open,
        tuple(stored.active_mutes(now)),
        sources=tuple(problem.sentence for problem in remaining if problem.is_known),
        unknown=tuple(problem.sentence for problem in remaining if not problem.is_known),
        old_check=old_check,
    )
