"""An SSH server in this process, for the tests of sources over SFTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.ssh_server import SshServer, ssh_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "ssh") as running:
        yield running


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The directory of the logs on the host."""
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory
