"""A directory here and one on another host give the same files: by pattern, and behind links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from tests.support.ssh_server import SshServer

from clickstream.collect import DirectorySource, LogSource, sftp
from clickstream.collect.kinds import KINDS
from clickstream.collect.patterns import Pattern
from clickstream.core.errors import InputError
from clickstream.settings import SourceSettings

HOSTILE = [
    "access log.1",
    "access'\"log",
    "access\nlog",
    "access$(touch owned)log",
    "access`touch owned`log",
    "-rf access.log",
    "access\x1b[31mlog",
    "access;touch owned;.log",
    "äccess-access.log",
    os.fsdecode(b"access-\xff\xfe.log"),
    "access*log",
    ".access.log",
]

PATTERNS = [
    *("*access*log*", "*", "access.log", "?.log", "[ab].log", "*/access.log", "sub*/*", "**/*.log"),
    *("**/access*", "sub/**/x.log", "**/sub/*.log", "*/*/*", "./a.log", "**/**/x.log", "a//b.log"),
    *("no such/*", ".hidden*", "[!a].log", "sub1/deeper/x.log", "**/deeper/**/*", "*/x.log"),
]


@pytest.fixture(params=["directory", "sftp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(kind: str, logs: Path, server: SshServer) -> Iterator[LogSource]:
    """A source of every file of `logs`, here or over SFTP."""
    if kind == "directory":
        yield DirectorySource(logs, "*")
        return
    host = server.host(logs, "*")
    with sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as files:
        yield files


def names(source: LogSource) -> list[str]:
    return [file.name for file in source.list()]


def left_out(source: LogSource) -> dict[str, str]:
    return {one.name: one.reason for one in source.list_left_out()}


def content(source: LogSource, name: str) -> bytes:
    with source.open(name) as file:
        return file.read(0, 1_000)


@pytest.fixture
def tree(logs: Path) -> Path:
    for name in (
        *("access.log", "a.log", "b.log", ".hidden.log", "sub1/access.log", "sub1/x.log"),
        *("sub1/deeper/x.log", "sub1/deeper/more/access.log", "sub2/sub/a.log", "a/b.log"),
    ):
        path = logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (logs / "linked").symlink_to("sub1")
    (logs / "sub2" / "up").symlink_to("..")
    return logs


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_finds_the_same_files_over_sftp(
    pattern: str, tree: Path, server: SshServer
) -> None:
    host = server.host(tree, pattern)
    with sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as source:
        found = names(source)
    assert found == names(DirectorySource(tree, pattern))


def test_some_pattern_finds_each_file(tree: Path) -> None:
    found = {name for pattern in PATTERNS for name in names(DirectorySource(tree, pattern))}
    assert {"access.log", "sub1/deeper/more/access.log", "linked/x.log", ".hidden.log"} <= found


def test_any_depth_may_be_no_directory_at_all() -> None:
    pattern = Pattern.parse("**/a/**/b.log")
    inside = pattern.below("a", is_link=False)
    assert inside
    assert inside.matches("b.log")
    assert not pattern.matches("b.log")
    behind_link = pattern.below("x", is_link=True)
    assert behind_link is None


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name(source: LogSource, logs: Path, name: str) -> None:
    (logs / name).write_bytes(b"content")
    assert names(source) == [name]
    assert content(source, name) == b"content"
    assert os.listdir(logs) == [name]  # noqa: PTH208 - surrogates as they are


def test_a_link_counts_if_its_target_is_a_file_of_the_directory(
    source: LogSource, logs: Path, tmp_path: Path
) -> None:
    (logs / "file").write_bytes(b"1")
    (tmp_path / "secret").write_bytes(b"secret")
    (logs / "inside").symlink_to("file")
    (logs / "absolute").symlink_to(logs / "file")
    (logs / "out").symlink_to("../secret")
    (logs / "out-absolute").symlink_to("/etc/passwd")
    (logs / "two-steps").symlink_to("out")
    (logs / "broken").symlink_to("nowhere")
    (logs / "loop").symlink_to("loop")
    (logs / "directory").symlink_to("..")
    os.mkfifo(logs / "pipe")
    (logs / "to-pipe").symlink_to("pipe")
    assert names(source) == ["absolute", "file", "inside"]
    reasons = left_out(source)
    assert {name for name, why in reasons.items() if "out of the directory" in why} >= {
        *("out", "out-absolute", "two-steps")
    }
    assert {name for name, why in reasons.items() if "to no file" in why} == {"broken", "loop"}
    for name in ("out", "out-absolute", "two-steps"):
        with pytest.raises(FileNotFoundError):
            content(source, name)
    assert content(source, "inside") == b"1"


def test_a_file_that_became_a_link_since_the_listing_is_not_read(
    source: LogSource, logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (logs / "access.log").write_bytes(b"1")
    assert names(source) == ["access.log"]
    (logs / "access.log").unlink()
    (logs / "access.log").symlink_to(tmp_path / "secret")
    with pytest.raises(FileNotFoundError):
        content(source, "access.log")


@pytest.mark.parametrize("name", ["../secret", "sub/../../secret", "/etc/passwd"])
def test_a_name_that_leads_out_is_not_read(
    source: LogSource, logs: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (logs / "sub").mkdir()
    with pytest.raises(FileNotFoundError):
        content(source, name)


def test_the_directory_itself_may_be_a_link(server: SshServer, logs: Path, tmp_path: Path) -> None:
    (logs / "access.log").write_bytes(b"1")
    (logs / "out").symlink_to("/etc/passwd")
    (tmp_path / "current").symlink_to("logs")
    assert names(DirectorySource(tmp_path / "current", "*")) == ["access.log"]
    host = server.host(tmp_path / "current", "*")
    with sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as source:
        assert names(source) == ["access.log"]
        assert content(source, "access.log") == b"1"


def test_a_directory_behind_a_link_out_is_not_searched(
    server: SshServer, logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "access.log").write_bytes(b"other")
    (logs / "linked").symlink_to("../other")
    local = DirectorySource(logs, "*/access.log")
    assert names(local) == []
    assert left_out(local) == {"linked/access.log": "is a link that leads out of the directory"}
    host = server.host(logs, "*/access.log")
    with sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as source:
        assert names(source) == []
        assert left_out(source) == {"linked": "is a link that leads out of the directory"}


def test_a_directory_that_does_not_exist_is_named(server: SshServer, tmp_path: Path) -> None:
    host = server.host(tmp_path / "nowhere")
    with (
        sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as source,
        pytest.raises(
            InputError, match=r"has no directory .*/nowhere, or logs can't see it: mount"
        ),
    ):
        source.list()


def test_the_settings_name_every_kind_of_source() -> None:
    assert set(KINDS) == set(get_args(SourceSettings.model_fields["kind"].annotation))
