"""A full disk: the error says so, and once there is room again the next run mends all.

A limit on the size of files stands for the end of the disk. It needs no rights and hits one process
only, and the system refuses the write just so: in its middle.
"""

from __future__ import annotations

from pathlib import Path

from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, assert_same, built_calmly, log_an_hour

from clickstream.pipeline.proof.verify import verify
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
