"""AWS fails: once, and a run does not notice; for long, and it says so in one sentence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle

import pytest
from tests.support import faults_children as children
from tests.support.faults_lakes import (
    FIRST,
    assert_same,
    built_calmly,
    log_an_hour,
    through,
)
from tests.support.faults_proxy import (
    Exchange,
    Fault,
    FaultsProxy,
    answers,
    breaks_off,
    hangs,
    loses_the_answer,
    passes,
    resets,
    throttles,
)
from tests.support.lakes import beside
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import AwsRefused, AwsUnavailable
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour, refresh_views
from clickstream.settings import Settings

SILENCE_SECONDS = 1
LAST = FIRST.next


class OnceForEach:
    """A plan by which each kind of request meets a fault once, one of some by turns."""

    def __init__(self, *faults: Fault, only_writes: bool = False) -> None:
        self.faults = cycle(faults)
        self.only_writes = only_writes
        self.met: set[str] = set()

    def __call__(self, exchange: Exchange) -> Fault:
        if exchange.name in self.met or (self.only_writes and not exchange.is_write):
            return passes
        self.met.add(exchange.name)
        return next(self.faults)


def two_hours(settings: Settings) -> None:
    lake = children.open_lake(settings)
    for hour in (FIRST, LAST):
        children.run_an_hour(lake, str(hour))
    build_hour(lake, FIRST, "again")


@pytest.mark.deep
def test_each_request_may_fail_once_and_nothing_comes_of_it(
    lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    """Three lakes side by side, for most of the time is spent in waiting before the next attempt.

    A lost answer is the worst fault: what was asked for is done, and is asked for again.
    """
    plans = {
        "lost": OnceForEach(loses_the_answer, only_writes=True),
        "broken": OnceForEach(breaks_off, throttles, hangs(SILENCE_SECONDS * 2)),
        "refused": OnceForEach(resets, answers(500, "InternalError"), throttles, breaks_off),
    }
    log_an_hour(lake_settings, FIRST)
    log_an_hour(lake_settings, LAST)
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        runs = []
        for name, plan in plans.items():
            proxy = stack.enter_context(FaultsProxy(local_aws.endpoint, plan))
            disturbed = through(beside(lake_settings, name), proxy, SILENCE_SECONDS)
            runs.append(threads.submit(two_hours, disturbed))
        for run in runs:
            run.result()
    calm = built_calmly(lake_settings, LAST)
    for name, plan in plans.items():
        assert len(plan.met) >= 30, plan.met
        assert_same(children.open_lake(beside(lake_settings, name)), calm)


@pytest.mark.parametrize("name", ["PUT raw", "PUT hits data file", "GetSecretValue"])
def test_a_refusal_is_told_at_once(
    lake_settings: Settings, local_aws: LocalAwsProcess, name: str
) -> None:
    """By boto3 and by pyarrow, which have their own words for it."""
    log_an_hour(lake_settings, FIRST)
    asked = []

    def plan(exchange: Exchange) -> Fault:
        asked.append(exchange.name)
        return answers(403, "AccessDenied") if exchange.name == name else passes

    with FaultsProxy(local_aws.endpoint, plan) as proxy:
        lake = children.open_lake(through(lake_settings, proxy))
        with pytest.raises(AwsRefused, match="AWS refused: "):
            children.run_an_hour(lake, str(FIRST))
    assert asked.count(name) == 1


DONE_ALL_THE_SAME = {"UpdateTable hour_ledger"}
"""Faults that last, of what is known to be done although no answer ever comes."""

LASTING = {
    "PUT raw": throttles,
    "GET raw": breaks_off,
    "GetSecretValue": throttles,
    "PUT staged hits": resets,
    "PUT hits data file": throttles,
    "PUT session_parts metadata": answers(500, "InternalError"),
    "UpdateTable hits": answers(500, "InternalServiceException"),
    "UpdateTable session_parts": resets,
    "UpdateTable hour_ledger": loses_the_answer,
    "DELETE pending": resets,
    "StartQueryExecution": answers(500, "InternalServerException"),
}


@pytest.mark.lake
def test_lasting_faults_are_told_in_a_sentence_and_the_next_run_mends_all(
    lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    log_an_hour(lake_settings, FIRST)

    def fails(number: int, name: str) -> tuple[str, Exception | None]:
        def plan(exchange: Exchange) -> Fault:
            return LASTING[name] if exchange.name == name else passes

        own = beside(lake_settings, str(number))
        with FaultsProxy(local_aws.endpoint, plan) as proxy:
            try:
                lake = children.open_lake(through(own, proxy))
                children.pull_and_build(lake, str(FIRST))
                if name == "StartQueryExecution":
                    refresh_views(lake)
            except Exception as error:
                return name, error
        return name, None

    with ThreadPoolExecutor(len(LASTING)) as threads:
        outcomes = list(threads.map(fails, range(len(LASTING)), LASTING))
    for number, (name, error) in enumerate(outcomes):
        lake = children.open_lake(beside(lake_settings, str(number)))
        if name not in DONE_ALL_THE_SAME:
            assert isinstance(error, AwsUnavailable), (name, error)
            assert "Nothing is lost: when AWS answers again, clear the task" in str(error)
            children.pull_and_build(lake, str(FIRST))
        assert verify(lake).is_proven, name
    assert {name for name, error in outcomes if error is None} == DONE_ALL_THE_SAME
