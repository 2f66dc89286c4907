from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clickstream.core.errors import InputError
from clickstream.demo.stack.dotenv import PLACEHOLDER, fill, make_dotenv
from clickstream.demo.stack.layout import Secrets

EXAMPLE = Path(__file__).parents[4] / ".env.example"


def values(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_placeholder_gets_a_secret_of_its_own_and_nothing_else_changes() -> None:
    before = values(EXAMPLE.read_text())
    after = values(fill(EXAMPLE.read_text(), Secrets.new()))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name, value in before.items() if value == PLACEHOLDER}
    assert len({after[name] for name in changed}) == len(changed) == 5


def test_the_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text(EXAMPLE.read_text())
    made = make_dotenv(tmp_path)
    text = made.read_text()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="exists already"):
        make_dotenv(tmp_path)
    assert made.read_text() == text
