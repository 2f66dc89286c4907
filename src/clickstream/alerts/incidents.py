"""Incidents, mutes, and which messages are due: pure functions of values and of the time.

`store` keeps the value `Incidents`. Each change is stored by compare-and-swap, so a change is a
function that can be applied again to what another process has stored meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

CLEAR_AFTER = timedelta(minutes=10)
"""An incident closes when its condition has not held for this time, so that it does not flap."""

CONFIRM_AFTER = timedelta(hours=1)
"""Age at which the text of an open incident is renewed; more often would cost a write per check."""

FORGET_AFTER = timedelta(days=1)
"""An incident that no check could confirm for this time is closed: its machine or rule is gone.
Messages that could not be sent for this time after the end of an incident are given up."""

CLAIM_LIMIT = timedelta(minutes=5)
"""A process sends what it has claimed within this time; an older claim is of a killed process."""

KEPT = 50
"""Number of closed incidents that are kept."""


class Rule(StrEnum):
    """What an incident is about."""

    HOURS_BEHIND = "hours_behind"
    HOST_UNREACHABLE = "host_unreachable"
    SHOP_UNREADABLE = "shop_unreadable"
    REJECT_SHARE = "reject_share"
    ERROR_SHARE = "error_share"
    BOT_SHARE = "bot_share"
    VERIFY_FINDINGS = "verify_findings"
    SALES_DIFFER = "sales_differ"
    DISK = "disk"
    EXPIRY = "expiry"
    FAILED_RUN = "failed_run"
    AIRFLOW_SILENT = "airflow_silent"
    AWS_UNREACHABLE = "aws_unreachable"
    SETTINGS = "settings"


LAKE = "lake"
"""The subject of incidents that concern the whole lake."""

Kind = Literal["alert", "recovery"]
ALERT: Kind = "alert"
RECOVERY: Kind = "recovery"


@dataclass(frozen=True)
class Conditions:
    """The conditions of a rule that hold, as text by subject.

    All other incidents of the rule are over; with `only`, those of these subjects. `watched` are
    all subjects of the rule: an incident of another one is not over, but no longer watched.
    """

    rule: Rule
    holds: Mapping[str, str]
    only: frozenset[str] | None = None
    watched: frozenset[str] | None = None

    def is_over(self, incident: Incident) -> bool:
        """Whether the condition of an incident does not hold any more."""
        subject = incident.subject
        in_scope = self.only is None or subject in self.only
        return incident.rule == self.rule and in_scope and subject not in self.holds

    def lacks(self, incident: Incident) -> bool:
        """Whether the subject of an incident is watched no more."""
        return self.watched is not None and incident.subject not in self.watched


@dataclass(frozen=True)
class Mark:
    """How far a message was sent over a channel; `by` is the process that claimed it."""

    state: Literal["sending", "sent", "failed"]
    at: datetime
    by: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Incident:
    """A condition of a subject from `opened_at` to `closed_at`; `text` ends with a code.

    `seen_at` is when a check confirmed it, at most CONFIRM_AFTER ago. `clear_since` is set while
    the condition does not hold and the incident is still open. `run_at` is the logical date of a
    DAG's newest failed run. `owed` are the channels that get messages after the end. `alerts` and
    `recoveries` have marks by channel. `is_unwatched` ones are closed because no check looks at
    their subject any more; whether their condition still holds is not known. All times are aware.
    """

    rule: str
    subject: str
    text: str
    opened_at: datetime
    seen_at: datetime
    clear_since: datetime | None = None
    closed_at: datetime | None = None
    run_at: datetime | None = None
    owed: tuple[str, ...] = ()
    alerts: dict[str, Mark] = field(default_factory=dict)
    recoveries: dict[str, Mark] = field(default_factory=dict)
    is_unwatched: bool = False

    @property
    def id(self) -> tuple[str, str, datetime]:
        """Distinguishes it from earlier and later incidents of its subject."""
        return self.rule, self.subject, self.opened_at

    def marks(self, kind: Kind) -> dict[str, Mark]:
        """Return the marks of its alerts or of its recoveries."""
        return self.alerts if kind == ALERT else self.recoveries

    def with_mark(self, kind: Kind, channel: str, mark: Mark) -> Incident:
        """Return the incident with a mark of a message."""
        name = "alerts" if kind == ALERT else "recoveries"
        return replace(self, **{name: self.marks(kind) | {channel: mark}})  # type: ignore[arg-type]

    def is_sent(self, kind: Kind, channel: str) -> bool:
        """Whether a message was sent over a channel."""
        mark = self.marks(kind).get(channel)
        return mark is not None and mark.state == "sent"

    def is_due(self, kind: Kind, channel: str, now: datetime) -> bool:
        """Whether a message is not sent over a channel yet, and no process is sending it."""
        mark = self.marks(kind).get(channel)
        if mark is None or mark.state == "failed":
            return True
        return mark.state == "sending" and now - mark.at > CLAIM_LIMIT

    @property
    def is_owed(self) -> bool:
        """Whether a message after its end is not sent yet."""
        return any(not self.is_sent(RECOVERY, channel) for channel in self.owed)


@dataclass(frozen=True)
class Mute:
    """No alert of a rule, or of any if it is empty, is sent before `until`."""

    rule: str
    until: datetime
    why: str


@dataclass(frozen=True)
class Notice:
    """An alert or a recovery of an incident for a channel."""

    incident: Incident
    kind: Kind
    channel: str


@dataclass(frozen=True)
class Attempt:
    """The result of sending a message; `problem` is empty if it was sent."""

    message: Notice
    problem: str = ""


@dataclass(frozen=True)
class Incidents:
    """The open incidents, the newest closed ones in order of their end, and the mutes."""

    open: tuple[Incident, ...] = ()
    closed: tuple[Incident, ...] = ()
    mutes: tuple[Mute, ...] = ()

    def find(self, rule: str, subject: str) -> Incident | None:
        """Return the open incident of a subject."""
        return next((i for i in self.open if (i.rule, i.subject) == (rule, subject)), None)

    def active_mutes(self, now: datetime) -> list[Mute]:
        """Return the mutes that have not ended."""
        return [mute for mute in self.mutes if now < mute.until]

    def is_muted(self, rule: str, now: datetime) -> bool:
        """Whether alerts of a rule are muted."""
        return any(mute.rule in ("", rule) for mute in self.active_mutes(now))

    def observe(
        self, verdicts: Iterable[Conditions], now: datetime, channels: Collection[str]
    ) -> Incidents:
        """Open, confirm and close incidents by the verdicts of a check at `now`."""
        changed = self
        for verdict in verdicts:
            for subject, text in verdict.holds.items():
                changed = changed.hold(verdict.rule, subject, text, now)
            for incident in (i for i in changed.open if verdict.is_over(i)):
                if incident.clear_since is None:
                    changed = changed._with(incident, replace(incident, clear_since=now))
                elif now - incident.clear_since >= CLEAR_AFTER:
                    changed = changed.close(
                        incident, now, channels, is_unwatched=verdict.lacks(incident)
                    )
        for incident in changed.open:
            if incident.rule != Rule.FAILED_RUN and now - incident.seen_at > FORGET_AFTER:
                changed = changed.close(incident, now, channels, is_unwatched=True)
        return changed

    def hold(
        self, rule: str, subject: str, text: str, now: datetime, run_at: datetime | None = None
    ) -> Incidents:
        """Open the incident of a subject, or confirm the open one."""
        existing = self.find(rule, subject)
        if existing is None:
            opened = Incident(rule, subject, text, now, now, run_at=run_at)
            return replace(self, open=(*self.open, opened))
        is_newer = run_at is not None and (existing.run_at is None or run_at > existing.run_at)
        if not is_newer and existing.clear_since is None and now - existing.seen_at < CONFIRM_AFTER:
            return self
        newest = run_at if is_newer else existing.run_at
        updated = replace(existing, text=text, seen_at=now, clear_since=None, run_at=newest)
        return self._with(existing, updated)

    def close(
        self,
        incident: Incident,
        now: datetime,
        channels: Collection[str],
        *,
        is_unwatched: bool = False,
    ) -> Incidents:
        """Close an open incident.

        All channels get its recovery, after its alert if this is not sent yet. If alerts are muted
        at its end, only the channels that got its alert, or perhaps got it.
        """
        alerted = {name for name, mark in incident.alerts.items() if mark.state != "failed"}
        owed = alerted if self.is_muted(incident.rule, now) else alerted | {*channels}
        closed = replace(
            incident, closed_at=now, owed=tuple(sorted(owed)), is_unwatched=is_unwatched
        )
        still_open = tuple(i for i in self.open if i.id != incident.id)
        return replace(self, open=still_open, closed=_keep([*self.closed, closed], now))

    def claim(
        self, now: datetime, by: str, channels: Collection[str]
    ) -> tuple[Incidents, list[Notice]]:
        """Claim all messages that are due on these channels, for the process `by`."""
        messages, changed = [*self._due(now, channels)], self
        for message in messages:
            changed = changed._mark(message, Mark("sending", now, by))
        return changed, messages

    def _due(self, now: datetime, channels: Collection[str]) -> Iterator[Notice]:
        for incident in (*self.open, *self.closed):
            if incident.closed_at is None:
                owed = () if self.is_muted(incident.rule, now) else channels
            else:
                is_old = now - incident.closed_at > FORGET_AFTER
                owed = () if is_old else [name for name in channels if name in incident.owed]
            for channel in owed:
                if not incident.is_sent(ALERT, channel):
                    if incident.is_due(ALERT, channel, now):
                        yield Notice(incident, ALERT, channel)
                elif incident.closed_at is not None and incident.is_due(RECOVERY, channel, now):
                    yield Notice(incident, RECOVERY, channel)

    def finish(self, attempts: Sequence[Attempt], now: datetime, by: str) -> Incidents:
        """Record the results of messages that the process `by` had claimed."""
        changed = self
        for attempt in attempts:
            mark = Mark("failed" if attempt.problem else "sent", now, problem=attempt.problem)
            changed = changed._mark(attempt.message, mark, by)
        return changed

    def _mark(self, message: Notice, mark: Mark, claimed_by: str = "") -> Incidents:
        """Mark a message, with `claimed_by` only if that process has claimed it last."""
        incident = next(
            (i for i in (*self.open, *self.closed) if i.id == message.incident.id), None
        )
        if incident is None:
            return self
        before = incident.marks(message.kind).get(message.channel)
        if claimed_by and (before is None or before.by != claimed_by):
            return self
        return self._with(incident, incident.with_mark(message.kind, message.channel, mark))

    def _with(self, before: Incident, after: Incident) -> Incidents:
        def changed(incidents: tuple[Incident, ...]) -> tuple[Incident, ...]:
            return tuple(after if incident.id == before.id else incident for incident in incidents)

        return replace(self, open=changed(self.open), closed=changed(self.closed))

    def mute(self, mute: Mute, now: datetime) -> Incidents:
        """Add a mute in place of an earlier one of the rule, and remove those that have ended."""
        mutes = [earlier for earlier in self.active_mutes(now) if earlier.rule != mute.rule]
        return replace(self, mutes=(*mutes, mute))

    def unmute(self, rule: str | None, now: datetime) -> Incidents:
        """Remove the mute of a rule; all mutes if it is None."""
        mutes = [
            active for active in self.active_mutes(now) if rule is not None and active.rule != rule
        ]
        return replace(self, mutes=tuple(mutes))


def _keep(closed: Sequence[Incident], now: datetime) -> tuple[Incident, ...]:
    """Return the last KEPT incidents, and others that still owe a message."""
    recent = {incident.id for incident in closed[-KEPT:]}

    def is_kept(incident: Incident) -> bool:
        is_new = incident.closed_at is not None and now - incident.closed_at <= FORGET_AFTER
        return incident.id in recent or (incident.is_owed and is_new)

    return tuple(incident for incident in closed if is_kept(incident))
