"""Whatever an SFTP server floods a pull with, it ends, and a real sshd beside it is pulled whole.

`tests/clickstream/pipeline/pull/test_hostile_hosts.py` has the servers that lie or stall.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from tests.support.hostile_server import CASES, Case, check_pulls, write_honest_log
from tests.support.sshd import running_sshd

from clickstream.lake import Lake

PEAK_BYTES = 128 << 20
"""Limit of the memory of both pulls and of the hostile server, which is in this process."""

FLOODS = [case for case in CASES if case.server.__name__.startswith("Endless")]


@pytest.mark.parametrize("case", FLOODS, ids=lambda case: case.server.__name__)
def test_a_hostile_host_ends_and_an_honest_one_is_pulled_whole(
    lake: Lake, tmp_path: Path, case: Case
) -> None:
    logs = write_honest_log(tmp_path / "logs")
    with running_sshd(tmp_path / "sshd") as sshd:
        tracemalloc.start()
        try:
            check_pulls(
                lake,
                tmp_path / "hostile",
                case,
                sshd.source("honest", logs),
                sshd.known_hosts.read_text(),
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < PEAK_BYTES
