"""Whatever an SFTP server answers, its pull ends, and an honest host beside it is pulled whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.hostile_server import CASES, CONTENT, Case, check_pulls
from tests.support.ssh_server import ssh_server

from clickstream.lake import Lake


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.server.__name__)
def test_a_hostile_host_ends_and_an_honest_one_is_pulled_whole(
    lake: Lake, tmp_path: Path, case: Case
) -> None:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "access.log").write_bytes(CONTENT)
    with ssh_server(tmp_path / "honest") as server:
        source = server.source(tmp_path / "logs", key_file=str(server.user_key))
        honest = source.model_copy(update={"name": "honest"})
        keys = server.known_hosts.read_text()
        check_pulls(lake, tmp_path / "hostile", case, honest, keys, CONTENT)
