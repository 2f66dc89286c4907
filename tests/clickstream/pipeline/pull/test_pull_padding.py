"""NULs and a byte-order mark at the head of a log are no part of its lines, and are counted."""

from __future__ import annotations

import gzip
import resource
import uuid
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.web_server import WebServer, raw_lines

from clickstream.lake import Lake, objects, raw
from clickstream.parse import parse
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

W3C = (
    b"#Software: IIS\r\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\r\n"
    b"2026-11-20 05:50:00 192.0.2.7 GET / 200\r\n"
)
GIGABYTE = 1 << 30

PADDINGS = (
    st.sampled_from([0, 1, 1_023, 1_024, 65_535, 65_536, 66_000, 300_000]).map(bytes)
    | st.just(BOM_UTF8)
    | st.integers(0, 2_000).map(lambda size: bytes(size) + BOM_UTF8)
)


def ranges(lake: Lake, host: str) -> list[tuple[int, int]]:
    """The ranges of bytes that raw objects of a host are named after."""
    names = (key.split("/")[2] for key, _ in objects.listing(lake, raw.RAW))
    spans = (name.split(".")[0].split("-")[-2:] for name in names if name.startswith(f"{host}-"))
    return sorted({(int(start), int(end)) for start, end in spans})


@given(padding=PADDINGS, packs=st.booleans(), first=st.integers(1, 3), more=st.integers(0, 3))
def test_padding_is_left_out_and_offsets_stay_exact(
    lake: Lake, tmp_path: Path, padding: bytes, packs: bool, first: int, more: int
) -> None:
    name = f"host-{uuid.uuid4().hex}"
    server = WebServer(tmp_path / name)
    source = SourceSettings(name=name, path=str(server.directory))
    begun = padding + b"".join(server.line() for _ in range(first))
    server.log.write_bytes(begun)
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.refused) == (first, [])
    assert (pulled.padding_bytes, pulled.padded_files) == (len(padding), bool(padding))
    whole = begun + b"".join(server.line() for _ in range(more))
    server.log.unlink()
    path = server.directory / "access.log.1"
    path.write_bytes(gzip.compress(whole) if packs else whole)
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.padded_files) == (more, 0)
    assert raw_lines(lake, name) == server.lines_by_hour()
    ends = [(len(padding), len(begun)), (len(begun), len(whole))]
    assert ranges(lake, name) == ends[: 1 + bool(more)]


def test_the_sentence_says_what_was_left_out(lake: Lake, tmp_path: Path) -> None:
    server = WebServer(tmp_path / "logs")
    server.log.write_bytes(bytes(66_000) + server.line())
    pulled = pull_source(lake, lake.settings.sources[0])
    said = "; left out 66,000 bytes of NULs or a byte-order mark at the head of 1 file"
    assert said in pulled.sentence


def test_the_first_directive_behind_a_byte_order_mark_is_read(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "logs" / "u_access.log").write_bytes(BOM_UTF8 + W3C)
    assert pull_source(lake, lake.settings.sources[0]).lines == 1
    [(key, size)] = objects.listing(lake, raw.RAW)
    stored = raw.RawObject(key, size)
    parsed = parse(raw.read(lake, stored), stored.log_format)
    assert (len(parsed.requests), len(parsed.rejects)) == (1, 0)


@pytest.mark.parametrize("packs", [False, True])
def test_a_hole_of_gigabytes_takes_no_memory(lake: Lake, tmp_path: Path, packs: bool) -> None:
    server = WebServer(tmp_path / "logs")
    hole = GIGABYTE // 4 if packs else 3 * GIGABYTE  # gzip needs its time for each byte
    path = tmp_path / "logs" / "access.log.1"
    if packs:
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(hole >> 20):
                file.write(bytes(1 << 20))
            file.write(server.line())
    else:
        with path.open("wb") as log:
            log.seek(hole)
            log.write(server.line())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pulled = pull_source(lake, lake.settings.sources[0])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (pulled.lines, pulled.padding_bytes) == (1, hole)
    assert grown < 100_000, "kilobytes"
    assert raw_lines(lake) == server.lines_by_hour()
