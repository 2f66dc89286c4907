"""A directory of logs whose names, links and special files try to do harm."""

from __future__ import annotations

import os
from pathlib import Path

NAMES = (
    b"access with spaces.log",
    b"access 'single' \"double\".log",
    b"access\nline two.log",
    b"access\r\x1b[31mred.log",
    b"access$(touch PWNED).log",
    b"access`touch PWNED`.log",
    b"access;touch PWNED;.log",
    b"access|touch PWNED.log",
    b"-rf access.log",
    b"--help=access.log",
    b"access\xff\xfe.log",
    b"access-\xe2\x80\xaegol.log",
    b"access*?[!a].log",
    b"access\\.log",
    b"access %s %d {0} {name}.log",
    b"~access.log",
    b"..access.log",
    b"access" + b"x" * 245 + b".log",
)
"""Names that shells, terminals, patterns and encodings might misread; at most 255 bytes."""

REFUSED = b"access\n\xff$(touch PWNED)refused.log"
UNFINISHED = b"access\n\x1b]0;title\x07unfinished.log"


def line(text: str) -> bytes:
    return (
        f'192.0.2.1 - - [20/Nov/2026:05:50:00 +0000] "GET /{text} HTTP/1.1" 200 1 "-" "-"\n'
    ).encode()


def make_hostile_directory(root: Path) -> set[bytes]:
    """Fill root/logs, beside root/outside; returns the lines of the regular files in it."""
    logs, outside = root / "logs", root / "outside"
    for directory in (logs, outside / "sub", logs / "inner"):
        directory.mkdir(parents=True)
    lines = {line(f"name/{number}") for number in range(len(NAMES))}
    for number, name in enumerate(NAMES):
        _write(logs, name, line(f"name/{number}"))
    _write(logs, REFUSED, b"no known format\n" * 5)
    _write(logs, UNFINISHED, line("unfinished") + line("half")[:30])
    for path in (outside / "secret.log", outside / "sub" / "access.log"):
        path.write_bytes(line("outside"))
    (logs / "inner" / "target").write_bytes(line("inside"))
    _make_links(logs, outside)
    os.mkfifo(logs / "access.fifo.log")
    (logs / "access.directory.log").mkdir()
    return lines | {line("unfinished"), line("inside")}


def _write(logs: Path, name: bytes, text: bytes) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(logs), name))).write_bytes(text)  # noqa: PTH118


def _make_links(logs: Path, outside: Path) -> None:
    links = {
        "access.absolute.log": outside / "secret.log",
        "access.relative.log": Path("../outside/secret.log"),
        "access.broken.log": Path("nowhere"),
        "access.circle.log": Path("access.circle.log"),
        "access.device.log": Path("/dev/zero"),
        "access.inside.log": Path("inner/target"),
        "access.subdirectory.log": outside / "sub",
        "sub": outside / "sub",
    }
    for name, target in links.items():
        (logs / name).symlink_to(target)
