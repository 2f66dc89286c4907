"""The log of a failed task ends with cause, remedy and code; only temporary errors are retried."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.access_log import Client, append
from tests.support.faults_proxy import (
    Fault,
    FaultsProxy,
    answers,
    throttles,
)
from tests.support.task_calls import build_run, call_task

from clickstream.core.errors import RefusedFiles, StaleHour, UnbalancedHour

pytestmark = pytest.mark.airflow

HOURLY = "clickstream_hourly"
DUE = datetime(2026, 11, 20, 6, tzinfo=UTC)
MAX_FRAME_LINES = 25
"""Lines between the message of Airflow's own exception and ours; a chain of botocore's takes 60."""


def assert_short(made: Any, code: str) -> None:
    """Expect one exception without its causes, and a last line with its message and its code."""
    assert len(made.errors) == 1, made.errors
    message = " ".join(made.errors[0].split()).removesuffix(f" ({code})")
    assert made.last_line == f"{message} ({code})"
    assert len(made.shown) < MAX_FRAME_LINES, "\n".join(made.shown)
    assert "clear the task" in made.last_line


def reach_aws_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"conn_type": "aws", "login": "test", "password": "test"}
    extra = {"region_name": "eu-west-1", "endpoint_url": endpoint}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(facts | {"extra": extra}))


def test_a_worker_retries_only_temporary_errors_of_aws(
    airflow_home, home, local_aws, tmp_path, monkeypatch
) -> None:
    from tests.support.airflow_worker import attempt, create_run, sync_dags

    sync_dags()

    def attempt_with(fault: Fault, run: Any) -> Any:
        with FaultsProxy(local_aws.endpoint, lambda _exchange: fault) as proxy:
            reach_aws_at(proxy.endpoint, monkeypatch)
            return attempt(run, "hours_to_build", tmp_path)

    run, refused_run = (create_run(HOURLY, DUE + timedelta(minutes=n)) for n in (0, 1))
    refused = attempt_with(answers(403, "AccessDeniedException"), refused_run)
    assert (refused.state, refused.try_number) == ("failed", 1)
    assert refused.last_line.startswith("AWS refused: ")
    assert_short(refused, "CS-402")

    throttled = attempt_with(throttles, run)
    assert (throttled.state, throttled.try_number) == ("up_for_retry", 1)
    assert throttled.last_line.startswith("AWS request failed: ")
    assert_short(throttled, "CS-401")

    reach_aws_at(local_aws.endpoint, monkeypatch)
    made = attempt(run, "hours_to_build", tmp_path)
    assert (made.state, made.try_number) == ("success", 2)
    assert "Hours to build: 2026-11-20T05." in made.shown


def test_a_broken_setting_fails_at_once(bag, home) -> None:
    settings = home / "clickstream.toml"
    settings.write_text(f"{settings.read_text()}[sessions]\nno_such_setting = 5\nnor_this = 6\n")
    made = call_task(bag.dags[HOURLY].get_task("list_hosts"), build_run())
    assert made.state == "failed"
    assert "there is no setting sessions.no_such_setting" in made.last_line
    assert "clear the task" in made.last_line
    assert made.last_line.endswith("(CS-101)")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    from clickstream_airflow.failures import translate_errors

    unexpected = KeyError("no such column")

    @translate_errors
    def task() -> None:
        raise unexpected

    with pytest.raises(KeyError) as caught:
        task()
    assert caught.value is unexpected
    assert caught.traceback[-1].name == "task"


def test_every_kind_of_failure_has_a_last_line_with_a_remedy(airflow_home) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException
    from airflow.sdk.exceptions import AirflowTaskTimeout

    from clickstream_airflow.failures import describe_failure

    context = {"task": SimpleNamespace(execution_timeout=timedelta(hours=1))}
    refusal = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    for error, part, code in (
        (AirflowTaskTimeout("Timeout, PID: 5"), "longer than its limit of 1:00:00", "CS-902"),
        (ClientError(refusal, "StartJobRun"), "AWS refused: An error occurred", "CS-402"),
        (KeyError("no such column"), "Unexpected KeyError: 'no such column'.", "CS-901"),
        (AirflowFailException("The operator failed."), "The operator failed.", "CS-901"),
        (StaleHour("Another run published it."), "Another run published it.", "CS-303"),
        (UnbalancedHour("It has no balance; report this."), "no balance; report this.", "CS-302"),
    ):
        line = describe_failure(error, context)
        assert part in line
        assert line.endswith(f" ({code})")
        assert line.count("CS-") == 1
        if not isinstance(error, AirflowFailException):  # an operator's own message may have none
            assert "clear the task" in line or "report this" in line


def test_many_reasons_are_counted_in_the_last_line(caplog) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException

    from clickstream_airflow.failures import REASONS_LOGGED, give_up

    reasons = [f"access-{number}.log has lines in no known format." for number in range(1420)]
    with pytest.raises(AirflowFailException) as caught:
        give_up(reasons, "Set the source's format.", RefusedFiles.code)
    assert str(caught.value) == (
        "access-0.log has lines in no known format. And 1,419 more like it. Set the source's "
        "format. (CS-207)"
    )
    assert len(caplog.records) == REASONS_LOGGED


def test_a_long_list_of_hours_is_short_in_the_log(bag, home, caplog) -> None:
    from clickstream.pipeline.pull.host import pull_source
    from clickstream_airflow.lake import open_lake

    caplog.set_level("INFO", logger="clickstream")
    first = datetime(2026, 11, 18)
    hours = [f"{first + timedelta(hours=hour):%Y-%m-%dT%H}" for hour in range(30)]
    append(
        home / "web-1" / "access.log", [Client("192.0.2.1").get(f"{h}:10:00", "/") for h in hours]
    )
    lake = open_lake()
    pull_source(lake, lake.settings.sources[0])
    call_task(bag.dags[HOURLY].get_task("hours_to_build"), build_run(run_after=DUE))
    assert "This run builds hour 2026-11-20T05, from 05:00 to 06:00 UTC." in caplog.text
    assert (
        "Earlier hours with lines that need a backfill: 2026-11-18T00, 2026-11-18T01, "
        "2026-11-18T02 and 27 more." in caplog.text
    )
