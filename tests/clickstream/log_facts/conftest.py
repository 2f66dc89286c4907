"""`clickstream open` with a cache and temporary files of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.open_command import OpenCommand


@pytest.fixture
def command(tmp_path: Path) -> OpenCommand:
    return OpenCommand(tmp_path / "open")
