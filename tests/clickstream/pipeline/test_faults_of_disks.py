"""A full disk: the error says so, and once there is room again the next run mends all.

A limit on the size of files stands for the end of the disk. It needs no rights and hits one process
only, and the system refuses the write just so: in its middle.
"""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, assert_same, built_calmly, log_an_hour
from tests.support.localaws_process import LocalAwsProcess

from clickstream.errors import AwsUnavailable
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

ROOM = 600
"""Bytes: less than the smallest staged file."""


def test_no_room_for_rows_on_their_way(lake_settings: Settings, tmp_path: Path) -> None:
    log_an_hour(lake_settings, FIRST)
    told = tmp_path / "told"
    run = children.start(children.run_with_little_room, lake_settings, str(FIRST), ROOM, told)
    assert children.finish(run) == children.FINISHED
    assert told.read_text().startswith("DiskFull: The disk is full: ")
    assert "free space there, or set TMPDIR, then clear the task" in told.read_text()
    lake = children.open_lake(lake_settings)
    report = verify(lake)
    assert (report.findings, report.waiting, report.is_proven) == ((), (FIRST,), False)
    children.run_an_hour(lake, str(FIRST))
    assert_same(lake, built_calmly(lake_settings, FIRST))


@pytest.mark.lake
def test_a_full_disk_of_the_local_aws_is_reported_and_the_next_run_completes(
    lake_settings: Settings, tmp_path: Path
) -> None:
    log_an_hour(lake_settings, FIRST)
    with LocalAwsProcess(tmp_path / "aws") as aws:
        own = lake_settings.aws.model_copy(update={"endpoint_url": aws.endpoint})
        settings = lake_settings.model_copy(update={"aws": own})
        lake = children.open_lake(settings)
        pull_source(lake, lake.settings.sources[0])
        resource.prlimit(aws.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        with pytest.raises(AwsUnavailable, match="The disk of localaws is full"):
            children.run_an_hour(lake, str(FIRST))
        resource.prlimit(
            aws.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        children.run_an_hour(lake, str(FIRST))
        assert_same(lake, built_calmly(settings, FIRST))
