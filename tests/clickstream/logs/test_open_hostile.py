"""`clickstream open` on logs and disks that fail: sentences, and whatever can be used is used."""

from __future__ import annotations

import gzip
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.access_log import BOT, Client
from tests.support.open_command import OpenCommand, file_limit, finish, lines, visits_of

from clickstream.core.errors import is_disk_full


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(lines(30)))
    return path


def test_bad_files_are_named_and_the_others_give_their_figures(
    command: OpenCommand, log: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    good = log.read_bytes().splitlines(keepends=True)
    (logs / "access.log").write_bytes(
        b"\0" * 2_000_000 + b"\n" + b"".join(good[:-2]) + b"\xff\n" + b"x" * 2_000_000 + b"\n"
    )
    (logs / "access.log.1").touch()
    (logs / "access.log.2.gz").write_bytes(gzip.compress(random.Random(1).randbytes(50_000)))
    cut = gzip.compress(b"".join(good[-2:]) + random.Random(3).randbytes(5_000).hex().encode())
    (logs / "access.log.3.gz").write_bytes(cut[:-1_000])
    (logs / "picture.jpg").write_bytes(b"\xff\xd8\0" + random.Random(2).randbytes(50_000))
    (logs / "access.log.4").symlink_to("missing")
    errors = command.run(logs, "--export", "all")
    for name, problem in [
        ("access.log.2.gz", "not a text file"),
        ("access.log.3.gz", "cut off or damaged"),
        ("picture.jpg", "set aside"),
    ]:
        assert name in errors
        assert problem in errors
    assert visits_of(command.work / "all") == visits_of(command.export(log, "good"))


def test_without_a_usable_line_each_start_names_the_reasons(
    command: OpenCommand, tmp_path: Path
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(random.Random(1).randbytes(5_000))
    names = ("directory", "empty", "binary", "missing")
    for _ in range(2):
        errors = command.run(*(tmp_path / name for name in names), "--export", "facts", status=1)
        assert all(str(tmp_path / name) in errors for name in names)
    assert not (command.work / "facts").exists()


@pytest.mark.lake
def test_a_log_may_shrink_and_another_vanish_while_they_are_read(
    command: OpenCommand, tmp_path: Path
) -> None:
    large, vanishing = tmp_path / "access.log", tmp_path / "access.log.1"
    crawler = Client("192.0.2.251", BOT).get("2026-11-20T12:00:00", "/") + "\n"
    large.write_text("".join(lines(30)) + crawler * 300_000)
    vanishing.write_text(crawler)
    process = command.start(large, vanishing, "--export", "facts")
    wait_until_open(process.pid, large)
    process.send_signal(signal.SIGSTOP)
    os.truncate(large, 100_000)
    vanishing.unlink()
    process.send_signal(signal.SIGCONT)
    _, errors = finish(process)
    assert f"{vanishing} does not exist" in errors
    assert len(visits_of(command.work / "facts")) == 30


def wait_until_open(pid: int, path: Path) -> None:
    """Wait until a process has opened a file."""
    while str(path) not in open_files(pid):
        time.sleep(0.002)


def open_files(pid: int) -> set[str]:
    """The files that a process has open; one that it closes meanwhile may be missing."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


@pytest.mark.deep
def test_two_processes_with_the_same_logs_have_equal_figures(
    command: OpenCommand, log: Path
) -> None:
    started = [command.start(log, "--export", name) for name in ("first", "second")]
    for process in started:
        finish(process)
    first, second = (visits_of(command.work / name) for name in ("first", "second"))
    assert len(first) == 30
    assert first == second
    assert command.leftovers == []


def test_a_full_disk_of_the_cache_is_named_and_the_next_start_works(
    command: OpenCommand, log: Path
) -> None:
    with file_limit(13_000):
        errors = command.run(log, "--export", "facts", status=1)
    assert "The disk is full: free space in" in errors
    assert f"{command.directory}/cache/clickstream/open/" in errors
    assert f"{command.temporary}, which has temporary files" in errors
    assert len(visits_of(command.export(log, "facts"))) == 30
    assert command.leftovers == []


def test_a_full_disk_of_a_result_keeps_the_result_before(command: OpenCommand, log: Path) -> None:
    before = visits_of(command.export(log, "facts"))
    (command.work / "overview.html").write_text("before")
    for arguments, file_bytes, message in (
        (("--export", "facts"), 4_000, "Can't write to facts: "),
        (("--html", "overview.html"), 20_000, "Can't write overview.html: "),
    ):
        with file_limit(file_bytes):
            errors = command.run(log, *arguments, status=1)
        assert message in errors
        assert "Free space there, or name another" in errors
    assert visits_of(command.work / "facts") == before
    assert (command.work / "overview.html").read_text() == "before"
    assert command.leftovers == []


def test_a_full_disk_is_recognized_in_an_error_of_arrow() -> None:
    with pytest.raises(OSError, match="space") as raised, pa.OSFile("/dev/full", "wb") as file:
        file.write(b"line")
    assert is_disk_full(raised.value)


def test_without_a_directory_for_the_cache_the_facts_are_temporary(
    command: OpenCommand, log: Path
) -> None:
    (command.directory / "cache").touch()
    assert len(visits_of(command.export(log, "facts"))) == 30
    assert command.leftovers == []
