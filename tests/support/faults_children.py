"""Runs of the pipeline in processes of their own, which can be killed.

They are forked from a server that has imported everything once, as Airflow forks its tasks.
"""

from __future__ import annotations

import multiprocessing
import resource
import traceback
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import boto3
from tests.support.localaws_process import CREDENTIALS

from clickstream import lake as lakes
from clickstream.core.errors import ClickstreamError
from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, refresh_views
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

# One session, made before the fork: the descriptions of AWS's services take longest to load.
_session = boto3.Session(
    aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
)
for _service in ("s3", "glue", "athena", "secretsmanager"):
    _session.client(_service, region_name=CREDENTIALS["AWS_DEFAULT_REGION"])

FINISHED, FAILED = 0, 1
PATIENCE_SECONDS = 600

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])

Work = Callable[..., None]
"""What a process does with a lake: a function that it can import by name."""


def start(work: Work, settings: Settings, *arguments: Any) -> BaseProcess:
    """Begin some work on a lake in a process of its own."""
    process = _forks.Process(target=_run, args=(work, settings, arguments))
    process.start()
    return process


def finish(process: BaseProcess) -> int:
    """Wait for the process to end, and tell how: FINISHED, FAILED, or minus a signal."""
    process.join(PATIENCE_SECONDS)
    assert process.exitcode is not None, "the process goes on and on"
    return process.exitcode


def open_lake(settings: Settings) -> Lake:
    """The lake of the settings, reached with the local AWS's credentials."""
    return lakes.open_lake(settings, _session)


def run_an_hour(lake: Lake, hour: str) -> None:
    """What a run of the DAG does for an hour: pull, build what has to be built, refresh views."""
    pull_and_build(lake, hour)
    refresh_views(lake)


def pull_and_build(lake: Lake, hour: str) -> None:
    """The same without the views."""
    for source in lake.settings.sources:
        pull_source(lake, source)
    for each in hours_to_build(lake, Hour.parse(hour)).hours:
        build_hour(lake, each, f"run of {hour}")


def build_hours(lake: Lake, hours: list[str], run_id: str) -> None:
    """Build some hours, one after the other."""
    for hour in hours:
        build_hour(lake, Hour.parse(hour), run_id)


def run_with_little_room(lake: Lake, hour: str, file_bytes: int, told: Path) -> None:
    """The same on a disk that takes no file larger than so; the error is written down first."""
    with told.open("w") as note:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
        try:
            run_an_hour(lake, hour)
        except ClickstreamError as error:
            note.write(f"{type(error).__name__}: {error}"[:file_bytes])


def _run(work: Work, settings: Settings, arguments: tuple[Any, ...]) -> None:
    try:
        work(open_lake(settings), *arguments)
    except Exception:
        traceback.print_exc()
        raise SystemExit(FAILED) from None
