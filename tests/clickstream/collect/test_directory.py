"""A directory keeps the contract of a source: a handle stays with its file, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream.collect import DirectorySource
from clickstream.core.errors import InputError

NOBODY = 65_534


@pytest.fixture
def log(tmp_path: Path) -> Path:
    log = tmp_path / "access.log"
    log.write_bytes(b"0123456789")
    return log


def test_a_handle_stays_with_its_file(tmp_path: Path, log: Path) -> None:
    source = DirectorySource(tmp_path, "*access*")
    [listed] = source.list()
    with source.open(listed.name) as handle:
        log.rename(tmp_path / "access.log.1")
        log.write_bytes(b"another")
        assert handle.stat().identity("access.log") == listed.identity
        assert handle.read(2, 3) == b"234"
        assert handle.read(8, 100) == b"89"
        assert handle.read(10, 100) == handle.read(3, 0) == b""
    names = {file.name: file.identity == listed.identity for file in source.list()}
    assert names == {"access.log": False, "access.log.1": True}


def test_a_write_changes_the_identity_of_handle_and_listing(tmp_path: Path, log: Path) -> None:
    source = DirectorySource(tmp_path, "*")
    [before] = source.list()
    with source.open(before.name) as handle, log.open("ab") as file:
        file.write(b"more")
        file.flush()
        [after] = source.list()
        assert before.identity != after.identity == handle.stat().identity(before.name)


def test_only_regular_files_are_listed_and_those_below_by_their_path(
    tmp_path: Path, log: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "access.log").write_bytes(b"")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    assert [file.name for file in DirectorySource(tmp_path, "*").list()] == ["access.log"]
    names = [file.name for file in DirectorySource(tmp_path, "**/*.log").list()]
    assert names == ["access.log", "site/access.log"]


def test_a_file_that_is_gone_and_one_that_is_locked_are_told_apart(
    tmp_path: Path, log: Path
) -> None:
    source = DirectorySource(tmp_path, "*")
    with pytest.raises(FileNotFoundError), source.open("gone"):
        pass
    log.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(
            InputError, match=r"can't be opened: the user nobody may not read /.*: "
        ):
            source.open("access.log").__enter__()
    finally:
        os.seteuid(user)


def test_a_hole_is_skipped_up_to_the_data(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"data")
    with DirectorySource(tmp_path, "*").open("sparse") as handle:
        data = handle.skip_hole(0)
        assert 0 <= data <= 1 << 30
        assert handle.read(data, (1 << 30) + 4 - data).lstrip(b"\0") == b"data"
        assert handle.skip_hole((1 << 30) + 4) == (1 << 30) + 4
