"""What may not be read is named with what to do; it never counts as an empty directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.other_user import as_nobody

from clickstream.collect import DirectorySource
from clickstream.core.errors import InputError

ADM = 4

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take its own rights away")


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """Like /var/log/nginx: for its owner and the group adm."""
    directory = tmp_path / "nginx"
    directory.mkdir()
    (directory / "access.log").write_bytes(b"line\n")
    if os.geteuid() == 0:
        os.chown(directory, 0, ADM)
    directory.chmod(0o750)
    with as_nobody(tmp_path):
        yield directory
    directory.chmod(0o755)


def test_the_error_names_directory_user_and_the_group_to_join(logs: Path) -> None:
    with pytest.raises(InputError) as failed:
        DirectorySource(logs, "*access*").list()
    assert str(failed.value) == (
        f"Can't list {logs}: the user nobody may not read {logs} (owner root, group adm, mode "
        "750): add the user to the group by `sudo usermod -aG adm nobody`, and start what runs as "
        "nobody again."
    )


@pytest.mark.parametrize("pattern", ["*access*", "**/*access*", "nginx/*access*"])
def test_a_directory_above_is_named_if_it_refuses(logs: Path, pattern: str) -> None:
    outer = logs.parent
    os.seteuid(0)
    outer.chmod(0o700)
    os.seteuid(65_534)
    with pytest.raises(InputError, match=r"may not read /\S+ \(owner root, group root, mode 700\)"):
        DirectorySource(logs, pattern).list()


def test_a_directory_below_that_may_not_be_listed_is_left_out_by_name(logs: Path) -> None:
    os.seteuid(0)
    (logs.parent / "access.log").write_bytes(b"line\n")
    logs.parent.chmod(0o755)
    os.seteuid(65_534)
    source = DirectorySource(logs.parent, "**/*access*")
    assert [file.name for file in source.list()] == ["access.log"]
    [refused] = source.list_left_out()
    assert (refused.name, refused.is_refused) == ("nginx", True)
    assert "sudo usermod -aG adm nobody" in refused.reason


def test_files_of_a_directory_that_may_be_listed_but_not_entered_are_left_out(logs: Path) -> None:
    os.seteuid(0)
    logs.chmod(0o754)
    os.seteuid(65_534)
    source = DirectorySource(logs, "*")
    assert source.list() == []
    [refused] = source.list_left_out()
    assert (refused.name, refused.is_refused) == ("access.log", True)


def test_without_a_group_that_may_read_one_user_is_let_in(logs: Path) -> None:
    os.seteuid(0)
    logs.chmod(0o700)
    os.seteuid(65_534)
    with pytest.raises(InputError, match=r"let that user read it by `sudo setfacl -m u:nobody:rx "):
        DirectorySource(logs, "*").list()
