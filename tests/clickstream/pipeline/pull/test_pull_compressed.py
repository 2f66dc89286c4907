"""Rotated files in any compression are the files they were; a damaged one loses nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from backports import zstd
from tests.support.web_server import WebServer, raw_lines

from clickstream.collect.compression import Content
from clickstream.lake import Lake
from clickstream.pipeline.pull.host import pull_source

Compress = Callable[[bytes], bytes]


def zst(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: True})


COMPRESSIONS: dict[str, Compress] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}
every_compression = pytest.mark.parametrize("suffix", COMPRESSIONS)


def in_members(compress: Compress, data: bytes) -> bytes:
    """Compressed in three pieces, one after the other, as by appending to the file."""
    size = len(data) // 3 + 1
    return b"".join(compress(data[n : n + size]) for n in range(0, len(data), size))


@every_compression
def test_a_file_goes_on_where_it_stood_before_it_was_compressed(
    lake: Lake, tmp_path: Path, suffix: str
) -> None:
    server = WebServer(tmp_path / "logs")
    source = lake.settings.sources[0]
    for _ in range(5):
        server.write()
    assert pull_source(lake, source).lines == 5
    for _ in range(4):
        server.write()
    compressed = in_members(COMPRESSIONS[suffix], server.log.read_bytes())
    server.log.with_name(f"access.log.1.{suffix}").write_bytes(compressed)
    server.log.unlink()
    assert pull_source(lake, source).lines == 4
    assert pull_source(lake, source).lines == 0
    assert sum(lines.total() for lines in raw_lines(lake).values()) == 9


@every_compression
def test_what_tells_a_compressed_file_is_how_it_begins(
    lake: Lake, tmp_path: Path, suffix: str
) -> None:
    server = WebServer(tmp_path / "elsewhere")
    data = b"".join(server.line() for _ in range(3)).rstrip(b"\n")
    (tmp_path / "logs" / "access.log.1").write_bytes(COMPRESSIONS[suffix](data))
    assert pull_source(lake, lake.settings.sources[0]).lines == 3


@every_compression
def test_a_file_cut_in_half_is_named_and_its_whole_copy_gives_the_rest(
    lake: Lake, tmp_path: Path, suffix: str
) -> None:
    server = WebServer(tmp_path / "elsewhere", apart=timedelta(seconds=1))
    numbers = random.Random(1)
    lines = [server.line() for _ in range(3000)]
    lines = [line[:-2] + b"%x" % numbers.getrandbits(400) + line[-2:] for line in lines]
    whole = in_members(COMPRESSIONS[suffix], b"".join(lines))
    path = tmp_path / "logs" / f"access.log.1.{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    source = lake.settings.sources[0]
    first = pull_source(lake, source)
    assert 500 < first.lines < 2500
    (refusal,) = first.refused
    assert f"access.log.1.{suffix}: cut off or damaged" in refusal
    assert f"{sum(map(len, lines[: first.lines])):,} bytes" in refusal
    again = pull_source(lake, source)
    assert (again.lines, again.refused) == (0, first.refused)
    path.write_bytes(whole)
    second = pull_source(lake, source)
    assert (first.lines + second.lines, second.refused) == (3000, [])
    landed = [line for found in raw_lines(lake).values() for line in found.elements()]
    assert sorted(landed) == sorted(lines)


@every_compression
def test_any_byte_of_the_content_can_be_sought(tmp_path: Path, suffix: str) -> None:
    data = random.Random(2).randbytes(300_000)
    path = tmp_path / "file"
    path.write_bytes(in_members(COMPRESSIONS[suffix], data))
    with path.open("rb") as file:
        content = Content(file)
        for offset in (250_000, 10, 299_999, 300_000, 0):
            assert content.seek(offset) == content.tell() == offset
            piece = bytearray(100)
            size = content.readinto(memoryview(piece))
            assert piece[:size] == data[offset : offset + size]
            assert bool(size) == (offset < len(data))
        assert content.damage is None
