"""The process is killed inside and after everything that it writes, and the next run mends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, assert_same, built_calmly, log_an_hour, through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, kills, passes
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.settings import Settings

DEATHS_OF_THE_FIRST_HOUR = 20
"""There all is made that a lake needs: bucket, database, tables, keys."""

DEATHS_PER_HOUR = 6
MOST_DEATHS = 200
IN_EVERY_SAMPLE = ("PUT raw", "PUT bookmark move")
"""Writes of a pull: in the other order, a death between them would lose lines."""


class EachPointOnce:
    """A plan by which a run dies at a point at which none has died before.

    So the runs themselves find the points, one after the other, whatever the code comes to write.
    There are two for each kind of write, `inside` and `after`; before it is after the last one.
    A run dies only at one of `every` consecutive points, and at those of IN_EVERY_SAMPLE.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.known: list[str] = []
        self.deaths = 0
        self.victim = 0

    def __call__(self, exchange: Exchange) -> Fault:
        for moment in _moments(exchange):
            point = f"{moment} {exchange.name}"
            if point not in self.known:
                self.known.append(point)
                is_in_sample = exchange.name in IN_EVERY_SAMPLE
                if is_in_sample or len(self.known) % self.every == 0:
                    self.deaths += 1
                    return kills(self._pid, moment)
        return passes

    def _pid(self) -> int:
        return self.victim


def _moments(exchange: Exchange) -> Iterator[str]:
    if exchange.is_write and exchange.body:
        yield "inside"
    if exchange.is_write:
        yield "after"


@pytest.mark.lake
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.deep)])
def test_wherever_runs_are_killed_the_next_one_mends_it(
    lake_settings: Settings, local_aws: LocalAwsProcess, every: int
) -> None:
    """Real processes, since only the death of one takes threads, sockets and buffers along."""
    plan, hour = EachPointOnce(every), FIRST
    with FaultsProxy(local_aws.endpoint, plan) as proxy:
        disturbed = through(lake_settings, proxy)
        while _hour_of_deaths(plan, disturbed, hour):
            children.pull_and_build(children.open_lake(lake_settings), str(hour))
            hour = hour.next
    assert_same(children.open_lake(lake_settings), built_calmly(lake_settings, hour))
    assert len(plan.known) >= 80, plan.known
    assert plan.deaths >= len(plan.known) // every
    for kind in ("PUT bookmark intent", "PUT raw", "CreateSecret", "StartQueryExecution"):
        assert f"inside {kind}" in plan.known
    for table in ("hits", "session_parts", "rejects", "hour_ledger"):
        assert f"inside PUT {table} data file" in plan.known
        assert f"after UpdateTable {table}" in plan.known


def _hour_of_deaths(plan: EachPointOnce, disturbed: Settings, hour: Hour) -> bool:
    """Let an hour's run die some times; false when it gets through, for all points are known."""
    log_an_hour(disturbed, hour)
    for _ in range(DEATHS_OF_THE_FIRST_HOUR if hour == FIRST else DEATHS_PER_HOUR):
        deaths = plan.deaths
        run = children.start(children.run_an_hour, disturbed, str(hour))
        plan.victim = run.pid
        ended = children.finish(run)
        died = plan.deaths > deaths
        assert plan.deaths < MOST_DEATHS, f"keys of a new kind need a name: {plan.known[-5:]}"
        assert ended == (-signal.SIGKILL if died else children.FINISHED), plan.known[-1:]
        if not died:
            return False
    return True
