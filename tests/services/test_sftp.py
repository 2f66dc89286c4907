"""Pulls from a real OpenSSH server: what it serves, and what happens when it goes away."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import psutil
import pytest
from tests.support.sshd import Sshd, running_sshd

from clickstream.collect import Host, HostLogin, sftp
from clickstream.collect.sftp import SftpSource
from clickstream.core.errors import HostKeyRefused, HostUnreachable, InputError
from clickstream.lake import Lake, objects, pull_states, raw
from clickstream.pipeline.hosts.access import ask_for_key, trust
from clickstream.pipeline.hosts.listing import list_hosts
from clickstream.pipeline.pull.host import pull_host
from clickstream.settings import SourceSettings
from clickstream.settings.sources import CollectSettings

MIB = 1 << 20
LINE = (
    b'203.0.113.7 - - [25/Nov/2026:08:00:%02d +0000] "GET /%d HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with running_sshd(tmp_path / "ssh") as server:
        yield server


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir(exist_ok=True)
    return directory


def source_of(sshd: Sshd, logs: Path, **values: object) -> SourceSettings:
    given = {"hosts": (sshd.address,), "user": sshd.user, "key_file": str(sshd.key_file)}
    return SourceSettings(name="web", kind="sftp", path=str(logs), **{**given, **values})  # type: ignore[arg-type]


def host_of(sshd: Sshd, logs: Path, **values: object) -> Host:
    source = source_of(sshd, logs, **values)
    name = f"web.127.0.0.1_{sshd.port}"
    return Host(name, source, "127.0.0.1", sshd.port, f"[127.0.0.1]:{sshd.port}")


def login_of(sshd: Sshd, key: Path | None = None) -> HostLogin:
    return HostLogin(sshd.user, key_file=str(key or sshd.key_file))


@pytest.fixture
def source(sshd: Sshd, logs: Path) -> Iterator[SftpSource]:
    with sftp.connect(host_of(sshd, logs), login_of(sshd), sshd.known_hosts, 10) as files:
        yield files


@pytest.fixture
def remote(lake: Lake, sshd: Sshd, logs: Path) -> Lake:
    """A lake whose one source is the directory `logs` of the server."""
    changes = {
        "sources": (source_of(sshd, logs),),
        "collect": CollectSettings(known_hosts=str(sshd.known_hosts)),
    }
    return replace(lake, settings=lake.settings.model_copy(update=changes))


def lines(first: int, last: int) -> bytes:
    return b"".join(LINE % (number % 60, number) for number in range(first, last))


def numbers(lake: Lake) -> list[int]:
    """The numbers of all lines in raw."""
    texts = (
        raw.read(lake, raw.RawObject(key, size)) for key, size in objects.listing(lake, raw.RAW)
    )
    return sorted(int(one) for text in texts for one in re.findall(rb'"GET /(\d+) ', text))


def test_ranges_of_a_large_file_are_exact(source: SftpSource, logs: Path) -> None:
    data = os.urandom(70 * MIB)
    (logs / "access.log").write_bytes(data)
    [listed] = source.list()
    assert source.session.client.limits.max_read_len == 261_120
    with source.open("access.log") as file:
        assert file.stat() == listed.stat
        offset, size = 0, 32 * MIB
        while True:
            begin = max(0, offset - 1_024)
            window = file.read(begin, offset - begin + size)
            assert window == data[begin : offset + size]
            if len(window) < offset - begin + size:
                break
            offset += size - 300
            assert file.read(0, 1_024) == data[:1_024]


def test_an_open_file_outlives_its_name(source: SftpSource, logs: Path) -> None:
    (logs / "access.log").write_bytes(b"1\n")
    with source.open("access.log") as file:
        (logs / "access.log").rename(logs / "access.log.1")
        (logs / "access.log").write_bytes(b"other\n")
        (logs / "access.log.1").unlink()
        assert file.read(0, 100) == b"1\n"


def test_names_and_links_are_only_names_and_links(source: SftpSource, logs: Path) -> None:
    names = ["-oProxyCommand=touch x-access.log", "access $(touch owned)\n`x`;'\".log"]
    for name in [*names, os.fsdecode(b"access-\xff.log")]:
        (logs / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    (logs / "out-access.log").symlink_to("/etc/passwd")
    (logs / "access.link").symlink_to("gone")
    found = [file.name for file in source.list()]
    assert sorted(found) == sorted([*names, os.fsdecode(b"access-\xff.log")])
    for name in found:
        with source.open(name) as file:
            assert file.read(0, 99) == name.encode("utf-8", "surrogateescape")
    assert {one.name for one in source.list_left_out()} == {"out-access.log"}
    with pytest.raises(FileNotFoundError), source.open("out-access.log"):
        pass
    assert not (logs / "owned").exists()


def test_a_replaced_host_key_stops_the_pull_until_it_is_trusted(
    remote: Lake, sshd: Sshd, logs: Path
) -> None:
    (logs / "access.log").write_bytes(lines(0, 100))
    [host] = list_hosts(remote)
    assert pull_host(remote, host).lines == 100
    sshd.replace_host_key()
    with pytest.raises(HostKeyRefused, match="is not the trusted one: it has SHA256:"):
        pull_host(remote, host)
    shown = ask_for_key(remote.settings, host)
    assert shown.trusted
    assert not shown.is_trusted
    trust(remote.settings, shown)
    with (logs / "access.log").open("ab") as file:
        file.write(lines(100, 110))
    assert pull_host(remote, host).lines == 10
    assert numbers(remote) == [*range(110)]


def test_a_key_with_a_passphrase_logs_in_with_it(sshd: Sshd, logs: Path) -> None:
    key = sshd.make_client_key("protected", passphrase="tiger-5")
    with pytest.raises(InputError, match="A passphrase protects"):
        sftp.connect(host_of(sshd, logs), login_of(sshd, key), sshd.known_hosts, 10).__enter__()
    login = HostLogin(sshd.user, private_key=key.read_text(), passphrase="tiger-5")
    with sftp.connect(host_of(sshd, logs), login, sshd.known_hosts, 10) as files:
        assert files.list() == []


def test_a_connection_that_dies_in_the_middle_loses_and_doubles_nothing(
    remote: Lake, sshd: Sshd, logs: Path
) -> None:
    number = 900_000
    (logs / "access.log").write_bytes(lines(0, number))
    [host] = list_hosts(remote)
    failures: list[bool] = []
    over = False

    def kill_now_and_then() -> None:
        while not over:
            time.sleep(0.7)
            sshd.kill_connections()

    killer = Thread(target=kill_now_and_then)
    killer.start()
    try:
        for _ in range(4):
            try:
                pull_host(remote, host)
            except HostUnreachable as error:
                failures.append(error.printed == pull_states.pull_state(remote, host.name).failure)
    finally:
        over = True
        killer.join()
    pull_host(remote, host)
    assert numbers(remote) == [*range(number)]
    assert failures
    assert all(failures)


def test_a_host_that_freezes_in_the_middle_is_given_up_in_half_a_minute(
    source: SftpSource, sshd: Sshd, logs: Path
) -> None:
    (logs / "access.log").write_bytes(bytes(8 * MIB))
    assert sshd.process
    with source.open("access.log") as file:
        file.read(0, 100)
        frozen = psutil.Process(sshd.process.pid).children(recursive=True)
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(HostUnreachable):
                file.read(0, 8 * MIB)
        finally:
            for process in frozen:
                process.send_signal(signal.SIGCONT)


def test_the_rate_that_is_set_holds_over_a_pull(sshd: Sshd, logs: Path) -> None:
    size, rate = 6_000_000, 1_000
    (logs / "access.log").write_bytes(bytes(size))
    host = host_of(sshd, logs, max_kb_per_second=rate)
    with (
        sftp.connect(host, login_of(sshd), sshd.known_hosts, 10) as source,
        source.open("access.log") as file,
    ):
        begin, offset = time.monotonic(), 0
        while data := file.read(offset, 2_000_000):
            offset += len(data)
        seconds = time.monotonic() - begin
    assert offset == size
    assert size / seconds < rate * 1_000 * 1.1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sshd logs another account in")
def test_what_another_account_may_not_read_is_named() -> None:
    with TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        logs = Path(public, "logs")
        logs.mkdir()
        (logs / "access.log").write_bytes(b"1\n")
        (logs / "access.log").chmod(0o600)
        with running_sshd(Path(public, "ssh")) as sshd:
            login = replace(login_of(sshd), user="nobody")
            host = host_of(sshd, logs, user="nobody")
            with sftp.connect(host, login, sshd.known_hosts, 10) as source:
                assert [file.name for file in source.list()] == ["access.log"]
                with (
                    pytest.raises(InputError, match=r"\(Permission denied\): let the account nob"),
                    source.open("access.log"),
                ):
                    pass
                logs.chmod(0o700)
                with pytest.raises(InputError, match="nobody may not list"):
                    source.list()
