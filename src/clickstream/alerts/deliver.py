"""Sends the messages that are due: claim them in the store, send them, and mark them.

A process that is killed after a message was sent and before it is marked leaves its claim. After
CLAIM_LIMIT another check sends that message again: each message is sent at least once, and exactly
once if no process is killed.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.alerts.incidents import Attempt, Incident, Incidents, Notice
from clickstream.alerts.senders import Send
from clickstream.alerts.store import IncidentStore
from clickstream.alerts.texts import build_alert
from clickstream.core.errors import ClickstreamError, with_code
from clickstream.core.wording import quantity
from clickstream.settings import Settings

SENDING_SECONDS = 240
"""A process begins no further message of a claim after this time. The claim ends a minute later, so
the clocks of two machines may differ by less than a minute."""

Claimed = tuple[list[Notice], tuple[Incident, ...]]
"""Messages that this process sends, and the open incidents."""

_log = logging.getLogger("clickstream")


@dataclass(frozen=True)
class Notified:
    """The attempts of one check, and the incidents that are open after it."""

    attempts: tuple[Attempt, ...] = ()
    open: tuple[Incident, ...] = ()

    @property
    def problems(self) -> list[str]:
        """A sentence for each message that could not be sent."""
        return [
            f"{attempt.message.channel}: {attempt.problem}"
            for attempt in self.attempts
            if attempt.problem
        ]

    @property
    def sentence(self) -> str:
        """What was sent."""
        sent = [attempt.message for attempt in self.attempts if not attempt.problem]
        alerts = quantity(sum(message.kind == "alert" for message in sent), "alert")
        recoveries = sum(message.kind == "recovery" for message in sent)
        failed = f"; {len(self.problems):,} failed" if self.problems else ""
        are_open = quantity(len(self.open), "open incident")
        recovered = quantity(recoveries, "recovery", "recoveries")
        return f"{are_open}; {alerts} and {recovered} sent{failed}."


def change_and_send(
    settings: Settings,
    store: IncidentStore,
    channels: Mapping[str, Send],
    change: Callable[[Incidents], Incidents],
    now: datetime,
) -> Notified:
    """Store a change of the incidents, and send what is due then. The texts are by the settings."""
    by, began = uuid.uuid4().hex, time.monotonic()
    usable, attempts = dict(channels), list[Attempt]()

    def moment() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    def change_and_claim(before: Incidents) -> tuple[Incidents, Claimed]:
        changed, messages = change(before).claim(moment(), by, usable)
        return changed, (messages, changed.open)

    while True:
        until = time.monotonic() + SENDING_SECONDS
        claimed, left_open = store.change(change_and_claim)
        if not claimed:
            return Notified(tuple(attempts), left_open)
        made = _send(settings, claimed, channels, now, until)

        def finish(before: Incidents, made: Sequence[Attempt] = made) -> tuple[Incidents, None]:
            return before.finish(made, moment(), by), None

        store.change(finish)
        attempts += made
        for attempt in made:
            if attempt.problem:
                usable.pop(attempt.message.channel, None)


def _send(
    settings: Settings,
    messages: Sequence[Notice],
    channels: Mapping[str, Send],
    now: datetime,
    until: float,
) -> list[Attempt]:
    """Send messages; after the first failure of a channel, do not try its others in this check."""
    failed: dict[str, str] = {}
    attempts = []
    for message in messages:
        if message.channel not in failed:
            is_late = time.monotonic() > until
            problem = "No time was left." if is_late else _try(settings, message, channels, now)
            if problem:
                failed[message.channel] = problem
        attempts.append(Attempt(message, failed.get(message.channel, "")))
    return attempts


def _try(settings: Settings, message: Notice, channels: Mapping[str, Send], now: datetime) -> str:
    """Send a message; return the reason if this fails. A fault in a sender stops no other one."""
    try:
        alert = build_alert(settings, message.incident, message.kind, now)
        channels[message.channel](alert)
    except ClickstreamError as error:
        return error.printed
    except Exception as error:
        _log.exception("An alert could not be sent.")
        return with_code(f"Unexpected {type(error).__name__}.", ClickstreamError.code)
    return ""
