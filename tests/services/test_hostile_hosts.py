"""Whatever an SFTP server answers, its pull ends, and a real sshd beside it is pulled whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from tests.support.hostile_server import CASES, CONTENT, Case, check_pulls
from tests.support.sshd import running_sshd

from clickstream.lake import Lake

PEAK_BYTES = 128 << 20
"""Limit of the memory of both pulls and of the hostile server, which is in this process."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.server.__name__)
def test_a_hostile_host_ends_and_an_honest_one_is_pulled_whole(
    lake: Lake, tmp_path: Path, case: Case
) -> None:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "access.log").write_bytes(CONTENT)
    with running_sshd(tmp_path / "sshd") as sshd:
        tracemalloc.start()
        try:
            check_pulls(
                lake,
                tmp_path / "hostile",
                case,
                sshd.source("honest", tmp_path / "logs"),
                sshd.known_hosts.read_text(),
                CONTENT,
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < PEAK_BYTES
