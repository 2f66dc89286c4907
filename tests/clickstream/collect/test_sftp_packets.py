"""Packets that no SFTP server may send end in an error of this library, never in another one."""

from __future__ import annotations

import struct
from pathlib import Path

import asyncssh
import pytest
from tests.support.ssh_server import ssh_server

from clickstream.collect import sftp
from clickstream.core.errors import ClickstreamError

INIT, VERSION, OPENDIR, REALPATH = 1, 2, 11, 16
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105
SIZED = 1
"""The flag of attributes with a size."""


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def packet(kind: int, *fields: bytes) -> bytes:
    return text(bytes([kind]) + b"".join(fields))


def one_name(name: bytes, attributes: bytes = number(0)) -> bytes:
    return number(1) + text(name) + text(b"") + attributes


ANSWERS = {
    "no name": {REALPATH: (NAME, number(0))},
    "more names than the packet has": {REALPATH: (NAME, number(2**32 - 1))},
    "two names": {REALPATH: (NAME, number(2) + one_name(b"/a")[4:] + one_name(b"/b")[4:])},
    "a text that is longer than the packet": {REALPATH: (NAME, number(1) + number(2**31))},
    "bytes behind the end": {REALPATH: (NAME, one_name(b"/logs") + b"more")},
    "attributes that end early": {REALPATH: (NAME, one_name(b"/logs", number(SIZED)))},
    "another type": {REALPATH: (ATTRS, number(0))},
    "an unknown type": {REALPATH: (77, b"")},
    "success without an answer": {REALPATH: (STATUS, number(0) + text(b"") + text(b""))},
    "a message that is not UTF-8": {REALPATH: (STATUS, number(4) + text(b"\xff") + text(b""))},
    "an unknown status": {REALPATH: (STATUS, number(4_000) + text(b"") + text(b""))},
    "nothing": {REALPATH: (STATUS, b"")},
    "a directory that fails": {OPENDIR: (STATUS, number(4) + text(b"no") + text(b""))},
    "a handle that ends early": {OPENDIR: (HANDLE, number(9))},
    "a listing that is data": {OPENDIR: (HANDLE, text(b"1")), 12: (DATA, text(b"x"))},
    "a listing with a broken name": {OPENDIR: (HANDLE, text(b"1")), 12: (NAME, number(1))},
    "another version": {INIT: (VERSION, number(99))},
    "an extension that ends early": {INIT: (VERSION, number(3) + number(50))},
}


@pytest.mark.parametrize("name", [*ANSWERS, "another id", "an endless packet"])
def test_a_packet_that_breaks_the_protocol_is_an_error_with_a_sentence(
    tmp_path: Path, name: str
) -> None:
    answers = {INIT: (VERSION, number(3)), REALPATH: (NAME, one_name(b"/logs"))}
    answers |= ANSWERS.get(name, {})

    async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
        while size := await process.stdin.read(4):
            asked = await process.stdin.readexactly(int.from_bytes(size, "big"))
            kind, fields = answers.get(asked[0], (STATUS, number(8) + text(b"") + text(b"")))
            own = b"" if asked[0] == INIT else asked[1:5]
            if name == "another id" and own:
                own = number(12_345)
            sent = packet(kind, own, fields)
            if name == "an endless packet" and own:
                sent = number(2**32 - 1) + sent
            process.stdout.write(sent)

    listen = {"sftp_factory": None, "process_factory": serve, "encoding": None}
    with ssh_server(tmp_path / "ssh", **listen) as server:
        host = server.host(Path("/logs"))
        with (
            pytest.raises(ClickstreamError) as caught,
            sftp.connect(host, server.login, server.known_hosts, connect_seconds=10) as source,
        ):
            source.list()
    assert host.name in str(caught.value)
