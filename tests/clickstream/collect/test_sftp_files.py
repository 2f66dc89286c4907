"""Files of a host: ranges are exact, and one open handle stays the same file."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.ssh_server import SshServer

from clickstream.collect import FileHandle, FileStat, sftp
from clickstream.collect.sftp import SftpSource
from clickstream.core.errors import HostUnreachable, InputError

MIB = 1 << 20


@pytest.fixture
def connect(server: SshServer, logs: Path) -> Iterator[Callable[..., SftpSource]]:
    with ExitStack() as opened:

        def connected(**values: object) -> SftpSource:
            host = server.host(logs, **values)
            return opened.enter_context(
                sftp.connect(host, server.login, server.known_hosts, connect_seconds=10)
            )

        yield connected


@pytest.fixture
def source(connect: Callable[..., SftpSource]) -> SftpSource:
    return connect()


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


Open = Callable[[SftpSource], FileHandle]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens the access log of a source, after a listing as in a pull."""
    with ExitStack() as files:

        def open_log(source: SftpSource) -> FileHandle:
            source.list()
            return files.enter_context(source.open("access.log"))

        yield open_log


def test_stat_has_size_and_whole_seconds_and_no_inode(
    opened: Open, source: SftpSource, logs: Path
) -> None:
    (logs / "access.log").write_bytes(b"12345")
    os.utime(logs / "access.log", ns=(0, 1_700_000_000_987_654_321))
    expected = FileStat(5, 1_700_000_000_000_000_000, None)
    assert [file.stat for file in source.list()] == [expected]
    assert opened(source).stat() == expected


@pytest.mark.parametrize("largest_read", [1000, 1 << 20])
def test_any_range_has_the_bytes_of_the_file(
    opened: Open, source: SftpSource, server: SshServer, logs: Path, largest_read: int
) -> None:
    server.behaviour.largest_read = largest_read
    data = content(700_001)
    (logs / "access.log").write_bytes(data)
    file = opened(source)
    for at, size in [(0, 8), (5, 0), (699_999, 10), (700_001, 10), (900_000, 10), (0, 900_000)]:
        assert file.read(at, size) == data[at : at + size]


def test_a_file_that_grew_since_the_listing_is_read_to_its_end(
    opened: Open, source: SftpSource, logs: Path
) -> None:
    data = content(2 * MIB)
    (logs / "access.log").write_bytes(data[:1000])
    file = opened(source)
    (logs / "access.log").write_bytes(data)
    assert file.read(0, 32 * MIB) == data


def test_a_file_that_is_not_listed_can_be_read(source: SftpSource, logs: Path) -> None:
    data = content(2 * MIB)
    (logs / "access.log").write_bytes(data)
    with source.open("access.log") as file:
        assert file.read(0, 32 * MIB) == data


def test_a_handle_is_the_same_file_after_its_name_went_to_another(
    opened: Open, source: SftpSource, logs: Path
) -> None:
    (logs / "access.log").write_bytes(b"first\n")
    file = opened(source)
    (logs / "access.log").rename(logs / "access.log.1")
    (logs / "access.log").write_bytes(b"second, and longer\n")
    assert file.read(0, 100) == b"first\n"
    assert file.stat().size == 6


@pytest.mark.parametrize("ends_at", [MIB, MIB + 1_000], ids=["between blocks", "inside a block"])
def test_a_file_that_shrinks_and_grows_while_it_is_read_leaves_no_gap(
    opened: Open, source: SftpSource, server: SshServer, logs: Path, ends_at: int
) -> None:
    """Blocks behind the cut may have bytes again when they are read; those before it have none."""
    (logs / "access.log").write_bytes(data := content(3 * MIB))
    file = opened(source)
    server.behaviour.ends_at = ends_at
    assert file.read(0, 3 * MIB) == data[:ends_at]


def read_in_ranges(file: FileHandle, size: int) -> bytes:
    """Read as the pull does: each range begins a little before the end of the last."""
    whole, offset = b"", 0
    while True:
        begin = max(0, offset - 1_024)
        window = file.read(begin, offset - begin + size)
        rest = window[offset - begin :]
        if len(rest) < size:
            return whole + rest
        end = len(rest) - 100  # the last line is unfinished
        whole, offset = whole + rest[:end], offset + end


@pytest.mark.parametrize("size", [MIB - 1, MIB, 3 * MIB])
def test_ranges_that_overlap_give_the_file(
    opened: Open, source: SftpSource, logs: Path, size: int
) -> None:
    data = content(10 * MIB + 12_345)
    (logs / "access.log").write_bytes(data)
    assert read_in_ranges(opened(source), size) == data


def test_the_next_range_is_on_its_way_before_it_is_asked_for(
    opened: Open, source: SftpSource, server: SshServer, logs: Path
) -> None:
    (logs / "access.log").write_bytes(data := content(8 * MIB))
    file = opened(source)
    file.read(0, 2 * MIB)
    wait_until(lambda: reached(server) >= 4 * MIB)
    asked = len(server.behaviour.reads)
    assert file.read(2 * MIB - 1_500, 2 * MIB) == data[2 * MIB - 1_500 :][: 2 * MIB]
    ahead = [at for at, _ in server.behaviour.reads[asked:]]
    assert min(ahead, default=4 * MIB) >= 4 * MIB - (128 << 10)


def reached(server: SshServer) -> int:
    return max(at + size for at, size in server.behaviour.reads)


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("waited 10 seconds in vain")


def test_small_reads_see_a_change_that_large_ones_fetched_before(
    opened: Open, source: SftpSource, server: SshServer, logs: Path
) -> None:
    path = logs / "access.log"
    path.write_bytes(content(4 * MIB))
    file = opened(source)
    file.read(0, 2 * MIB)
    wait_until(lambda: reached(server) >= 4 * MIB)
    path.write_bytes(changed := content(4 * MIB, seed=2))
    assert file.read(0, 1_024) == changed[:1_024]
    assert file.read(2 * MIB, 1_024) == changed[2 * MIB :][:1_024]


def test_a_range_elsewhere_is_not_taken_from_the_one_fetched_ahead(
    opened: Open, source: SftpSource, logs: Path
) -> None:
    (logs / "access.log").write_bytes(data := content(6 * MIB))
    file = opened(source)
    for at in (0, 3 * MIB, 0, MIB, 5 * MIB):
        assert file.read(at, MIB) == data[at : at + MIB]


def test_a_file_that_is_gone_is_not_found(source: SftpSource) -> None:
    with pytest.raises(FileNotFoundError), source.open("access.log"):
        pass


def test_a_file_that_the_account_may_not_read_says_whom_to_let(
    source: SftpSource, server: SshServer, logs: Path
) -> None:
    (logs / "access.log").write_bytes(b"1")
    server.behaviour.refuses = True
    with pytest.raises(InputError, match="let the account logs read it"), source.open("access.log"):
        pass


def test_a_directory_that_the_account_may_not_list_says_whom_to_let(
    source: SftpSource, server: SshServer
) -> None:
    server.behaviour.refuses = True
    with pytest.raises(InputError, match=r"logs may not list .* usermod -aG adm logs"):
        source.list()


def test_a_server_that_hangs_while_its_host_answers_is_given_up(
    opened: Open,
    source: SftpSource,
    server: SshServer,
    logs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clickstream.collect.limits.ANSWER_SECONDS", 1)
    (logs / "access.log").write_bytes(content(2 * MIB))
    file = opened(source)
    server.behaviour.hang = True
    try:
        with pytest.raises(HostUnreachable, match="no complete answer"):
            file.read(0, 2 * MIB)
    finally:
        server.behaviour.hang = False


def test_reads_stay_below_the_rate_that_is_set(
    opened: Open, connect: Callable[..., SftpSource], logs: Path
) -> None:
    (logs / "access.log").write_bytes(data := content(2_000_000))
    file = opened(connect(max_kb_per_second=1_000))
    begin = time.monotonic()
    assert file.read(0, 1_500_000) + file.read(1_500_000, 500_000) == data
    assert time.monotonic() - begin >= 1.6
