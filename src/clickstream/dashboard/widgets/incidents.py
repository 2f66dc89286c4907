"""The open incidents and the mutes that the Trust page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clickstream.alerts.incidents import Incident, Mute
from clickstream.alerts.store import LakeStore
from clickstream.errors import ClickstreamError
from clickstream.lake import Lake
from clickstream.text_digests import digest_texts


@dataclass(frozen=True)
class ShownIncidents:
    """What the dashboard read last; `problem` says why it can't be read now."""

    open: tuple[Incident, ...] = ()
    mutes: tuple[Mute, ...] = ()
    problem: str = ""

    @property
    def version(self) -> str:
        """Changes with what the page shows; empty if it shows nothing."""
        shown = [f"{one.opened_at} {one.text}" for one in self.open]
        shown += [f"{one.until} {one.why}" for one in self.mutes]
        shown += [self.problem] if self.problem else []
        return f"-{digest_texts(shown, 4)}" if shown else ""


NO_INCIDENTS = ShownIncidents()


def read_incidents(lake: Lake, now: datetime) -> ShownIncidents:
    """Read the incidents of a lake."""
    try:
        found = LakeStore(lake).read()
    except ClickstreamError as error:
        return ShownIncidents(problem=error.printed)
    return ShownIncidents(found.open, tuple(found.active_mutes(now)))
