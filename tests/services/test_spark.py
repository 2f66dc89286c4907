"""Hours cleaned by Spark's workers are the same bytes as those cleaned here."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.clickstream.pipeline.builders import FIRST, log_lines, write
from tests.clickstream.pipeline.test_any_order import assert_same
from tests.support.localaws_process import LocalAwsProcess
from tests.support.required import require_program

from clickstream.core.hours import hour_range
from clickstream.lake import Lake, objects, raw
from clickstream.pipeline.backfill.backfill import Steps, rebuild
from clickstream.pipeline.build_settings import settings_of
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source

LAST = FIRST.next.next
HOURS = [*hour_range(FIRST, LAST.next)]
"""The last one has no lines."""


@pytest.fixture(scope="module")
def spark(local_aws: LocalAwsProcess) -> Iterator[object]:
    """A Spark of two workers, which inherit what the environment says of AWS."""
    from pyspark.sql import SparkSession

    require_program("java", "default-jre-headless")
    with pytest.MonkeyPatch.context() as patch:
        # A short run takes less CPU time without the optimizing compiler and parallel collection.
        java = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
        workers = {"PYSPARK_PYTHON": sys.executable, **java, **local_aws.environment()}
        for name, value in workers.items():
            patch.setenv(name, value)
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        session = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
        yield session
        session.stop()
        # At the interpreter's end py4j takes its leave, in a log that pytest has closed by then.
        logging.getLogger("py4j").setLevel(logging.WARNING)


@pytest.fixture
def lakes(make_lake: Callable[[str], Lake], tmp_path: Path) -> Callable[[str], Lake]:
    """Lakes side by side, into which the same logs were pulled."""
    write(tmp_path / "logs", log_lines(4, FIRST, LAST))

    def make(name: str) -> Lake:
        made = make_lake(name)
        pull_source(made, made.settings.sources[0])
        return made

    return make


def test_hours_cleaned_by_workers_are_those_of_one_process(
    spark, lakes: Callable[[str], Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clickstream import spark as engine

    monkeypatch.setattr(engine, "HOURS_PER_CORE", 1)  # two turns
    here, there, days = map(lakes, ("here", "there", "days"))
    for hour in HOURS:
        build_hour(here, hour, "test")
    published = list(engine.build_hours(spark, there, HOURS, "test"))
    assert {one.hour for one in published} == set(map(str, HOURS))
    assert staged(there) == staged(here)
    assert_same(there, here)

    engine.clean_hours(spark, settings_of(days), HOURS)
    assert cleaned(days) == cleaned(here)
    written = [*objects.listed(days, "staging/")]
    engine.clean_hours(spark, settings_of(days), HOURS)
    assert [*objects.listed(days, "staging/")] == written

    monkeypatch.setattr(raw, "read", no_line_is_read)
    published = [
        one
        for hour in reversed(HOURS)  # each makes the ones after it astray
        for one in rebuild(days, [hour], "test", Steps.SESSIONS)
    ]
    assert len(published) > len(HOURS)
    assert_same(days, here)


def no_line_is_read(*_: object) -> bytes:
    raise AssertionError("A line was read.")


def cleaned(lake: Lake) -> dict[str, bytes]:
    """What cleaning leaves in the staging area."""
    return {key: body for key, body in staged(lake).items() if "/session_parts-" not in key}


def staged(lake: Lake) -> dict[str, bytes]:
    """Everything in the staging area."""
    keys = [key for key, _ in objects.listing(lake, "staging/")]
    return {key: found.body for key in keys if (found := objects.get(lake, key))}
