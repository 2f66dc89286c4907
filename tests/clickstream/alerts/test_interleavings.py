"""Messages of incidents with two evaluators, any order of their steps, kills and faults."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.alerts.interleaving import (
    Evaluator,
    OneObject,
    Step,
    SteppedS3,
    run_interleaved,
)
from tests.support.examples import examples
from tests.support.faults import Killed
from tests.support.lakes import aws_session

from clickstream.alerts.deliver import change_and_send
from clickstream.alerts.incidents import (
    ALERT,
    CLAIM_LIMIT,
    CLEAR_AFTER,
    RECOVERY,
    Conditions,
    Incidents,
    Rule,
)
from clickstream.alerts.store import LakeStore
from clickstream.alerts.texts import Alert
from clickstream.core.errors import WebhookFailed
from clickstream.lake import Lake
from clickstream.settings import LakeSettings, Settings

START = datetime(2026, 11, 20, 5, tzinfo=UTC)
CHANNELS = ("mail", "webhook")
SETTINGS = Settings(lake=LakeSettings(bucket="lake"))
HOURLY = "clickstream_hourly"
SESSION = aws_session()


@dataclass(frozen=True)
class Round:
    """Two checks at about the same time, and a run of a DAG that one of them reports.

    Hosts are down, channels fail, and the steps have an order. The run fails, succeeds or is
    missing.
    """

    minutes: int
    down: frozenset[str]
    run: Literal["red", "green", ""]
    failing: frozenset[str]
    schedule: tuple[int, ...]
    killed_at: tuple[int | None, int | None]


ROUNDS = st.lists(
    st.builds(
        Round,
        st.integers(0, 20),
        st.frozensets(st.sampled_from(["web-1", "web-2"])),
        st.sampled_from(["red", "green", ""]),
        st.frozensets(st.sampled_from(CHANNELS)),
        st.lists(st.integers(0, 1), max_size=24).map(tuple),
        st.tuples(*[st.none() | st.integers(1, 16)] * 2),
    ),
    min_size=1,
    max_size=5,
)
QUIET = Round(20, frozenset(), "green", frozenset(), (), (None, None))


@dataclass
class Night:
    """The lake's object, and the messages by incident and channel in order."""

    stored: OneObject = field(default_factory=OneObject)
    sent: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    now: datetime = START
    was_killed: bool = False

    def play(self, one: Round) -> None:
        self.now += timedelta(minutes=one.minutes)
        clocks = (self.now, self.now + timedelta(seconds=20))
        evaluators = [
            Evaluator(lambda step, now=now: self._check(one, now, step), killed_at)
            for now, killed_at in zip(clocks, one.killed_at, strict=True)
        ]
        run_interleaved(evaluators, one.schedule)
        self.was_killed |= any(isinstance(one.error, Killed) for one in evaluators)

    def _check(self, one: Round, now: datetime, step: Step) -> None:
        lake = Lake(SETTINGS, SESSION)
        lake.__dict__["s3"] = SteppedS3(self.stored, step)
        texts = {host: f"Host {host} is down. (CS-202)" for host in one.down}
        verdicts = [Conditions(Rule.HOST_UNREACHABLE, texts)]

        def send(channel: str, alert: Alert) -> None:
            step()
            if channel in one.failing:
                raise WebhookFailed("It answered 500.")
            incident, _, kind = alert.id.rpartition(".")
            self.sent[incident, channel].append(kind)
            step()

        channels = {name: lambda alert, name=name: send(name, alert) for name in CHANNELS}
        change_and_send(
            SETTINGS,
            LakeStore(lake),
            channels,
            lambda before: self._report_run(one, before.observe(verdicts, now, channels), now),
            now,
        )

    def _report_run(self, one: Round, before: Incidents, now: datetime) -> Incidents:
        """Report the run, as `runs` does: a success closes the incident at once."""
        if now != self.now or not one.run:
            return before
        if one.run == "red":
            return before.hold(Rule.FAILED_RUN, HOURLY, "No. (CS-901)", now, now)
        known = before.find(Rule.FAILED_RUN, HOURLY)
        return before.close(known, now, CHANNELS) if known else before

    @property
    def incidents(self) -> Incidents:
        lake = Lake(SETTINGS, SESSION)
        lake.__dict__["s3"] = SteppedS3(self.stored, lambda: None)
        return LakeStore(lake).read()


@examples(times=10)
@given(ROUNDS)
def test_each_incident_sends_an_alert_then_a_recovery_and_each_once_without_kills(
    rounds: list[Round],
) -> None:
    night = Night()
    for one in (*rounds, *[QUIET] * 3):
        night.play(one)
    found = night.incidents
    assert not found.open
    assert not any(one.is_owed for one in found.closed)
    assert len(night.sent) == len(found.closed) * len(CHANNELS)
    for kinds in night.sent.values():
        assert sorted(set(kinds)) == [ALERT, RECOVERY]
        assert kinds.index(ALERT) < kinds.index(RECOVERY)
        assert kinds == [ALERT, RECOVERY] or night.was_killed


def test_the_quiet_rounds_outlast_claims_and_flapping() -> None:
    assert timedelta(minutes=QUIET.minutes) > max(CLAIM_LIMIT, CLEAR_AFTER)
