from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from clickstream.demo.stack import Ports, StackError, StackLayout
from clickstream.demo.stack.layout import HOST, Secrets, write_private


@pytest.mark.parametrize("name", ["airflow", "aws", "dashboard"])
def test_a_taken_port_is_named_with_its_holder_and_the_flag_that_changes_it(name: str) -> None:
    free = dict.fromkeys(("airflow", "aws", "dashboard"), 0)
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(StackError) as caught:
            Ports(**{**free, name: taken}).check_free()
    message = str(caught.value)
    assert f"Port {taken} on {HOST} is used by " in message
    assert f"(process {os.getpid()})" in message
    assert f"--{name}-port" in message


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path)
    layout.create()
    first = Secrets.of(layout)
    assert Secrets.of(layout) == first
    assert Secrets.new() != Secrets.new()
    for file in (layout.secrets_file, layout.passwords_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.password in layout.passwords_file.read_text()


def test_a_private_file_replaces_a_public_one(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)
