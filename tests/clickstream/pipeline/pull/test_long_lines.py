"""A line that is too long is kept in raw with all its bytes, and is one reject of its hour."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lakes import build_all
from tests.support.long_lines import FILLINGS, combined_line, long_line, pieces_with_long_line
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena, hour_ledger, raw
from clickstream.parse import parse
from clickstream.parse.line_patterns import TOO_LONG
from clickstream.pipeline.pull import bookmark_search, file
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings
from clickstream.settings.labels import CleanSettings
from clickstream.step_config import log_format_of

HOUR = Hour.parse("2026-11-20T17")
RANGE = 150_000
"""Bytes of a range in these tests: few, so that a line of two ranges is no large one."""


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "CHUNK_BYTES", RANGE)
    monkeypatch.setattr(bookmark_search, "CHUNK_BYTES", RANGE)
    monkeypatch.setattr(bookmark_search, "BLOCK_BYTES", RANGE // 4)


def stored(lake: Lake, host: str = "web-1") -> bytes:
    """All bytes in raw of a host, in the order of their file; they are of one hour."""
    found = [one for one in raw.list_raw(lake, HOUR) if f"/{host}-" in one.key]
    ordered = sorted(found, key=lambda one: (one.key.split("-")[-2], "_" not in one.key))
    return b"".join(raw.read(lake, one) for one in ordered)


def counted(lake: Lake, host: str = "web-1") -> tuple[int, list[str]]:
    """The lines of a host's raw objects as a build reads them, and the reasons of the rejects."""
    lines, reasons = 0, []
    for one in raw.list_raw(lake, HOUR):
        if f"/{host}-" in one.key:
            log_format = log_format_of(lake.settings, one.log_format)
            parsed = parse(raw.read(lake, one), log_format)
            lines += parsed.lines
            reasons += parsed.rejects["reason"].tolist()
    return lines, reasons


@pytest.mark.parametrize(("filling", "packs"), first_in_make_test(product(FILLINGS, (False, True))))
def test_raw_keeps_every_byte_and_the_line_is_one_reject(
    lake: Lake, tmp_path: Path, filling: str, packs: bool
) -> None:
    data = b"".join(pieces_with_long_line(FILLINGS[filling], 1_000_000))
    log = tmp_path / "logs" / ("access.log.1.gz" if packs else "access.log")
    log.write_bytes(gzip.compress(data) if packs else data)
    assert pull_source(lake, lake.settings.sources[0]).lines == 21
    assert stored(lake) == data
    assert counted(lake) == (21, [TOO_LONG])


def test_the_balance_of_its_hour_closes_and_the_reject_keeps_its_first_bytes(
    lake: Lake, tmp_path: Path
) -> None:
    long = long_line(b"{", 1_000_000)
    (tmp_path / "logs" / "access.log").write_bytes(combined_line(1) + long + combined_line(2))
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, HOUR, HOUR, "tests")
    ledger = hour_ledger.ledger(lake).iloc[0]
    assert (ledger["lines"], ledger["rejected"], ledger["hits"]) == (3, 1, 2)
    found = athena.query(lake, "select reason, line_number, line from rejects").rows
    assert [tuple(map(str, one)) for one in found] == [(TOO_LONG, "2", long[:256].decode())]


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize(
    ("size", "packs"),
    first_in_make_test(
        product((RANGE + 1, RANGE - 1, RANGE, 2 * RANGE, 3 * RANGE + 7), (False, True))
    ),
)
def test_a_line_of_several_ranges_is_one_reject(
    lake: Lake, tmp_path: Path, size: int, packs: bool
) -> None:
    data = b"".join(pieces_with_long_line(b'"', size))
    log = tmp_path / "logs" / ("access.log.1.gz" if packs else "access.log")
    log.write_bytes(gzip.compress(data) if packs else data)
    assert pull_source(lake, lake.settings.sources[0]).lines == 21
    assert stored(lake) == data
    assert counted(lake) == (21, [TOO_LONG])
    build_all(lake, HOUR, HOUR, "tests")
    ledger = hour_ledger.ledger(lake).iloc[0]
    assert (ledger["lines"], ledger["rejected"], ledger["hits"]) == (21, 1, 20)


@pytest.mark.usefixtures("small_ranges")
@given(
    sizes=st.lists(st.sampled_from([0, 70_000, 149_999, 150_000, 400_000]), max_size=4),
    pulls=st.lists(st.floats(0, 1), max_size=5),
)
def test_the_times_of_pulls_change_nothing(
    lake: Lake, tmp_path: Path, sizes: Sequence[int], pulls: Sequence[float]
) -> None:
    name = uuid.uuid4().hex
    directory = tmp_path / name
    directory.mkdir()
    lines = [combined_line(0)]
    for number, size in enumerate(sizes, 1):
        lines += [long_line(b"{", size)] * (size > 0) + [combined_line(number)]
    data, source = b"".join(lines), SourceSettings(name=name, path=str(directory))
    with (directory / "access.log").open("wb", buffering=0) as log:
        at = 0
        for end in [*(int(part * len(data)) for part in sorted(pulls)), len(data)]:
            log.write(data[at:end])
            at = end
            pull_source(lake, source)
    assert stored(lake, name) == data
    long = sum(size > 0 for size in sizes)
    assert counted(lake, name) == (len(lines), [TOO_LONG] * long)


@pytest.mark.usefixtures("small_ranges")
def test_a_long_line_that_is_being_written_waits_until_it_fills_a_range(
    lake: Lake, tmp_path: Path
) -> None:
    source, log = lake.settings.sources[0], tmp_path / "logs" / "access.log"
    line = long_line(b"a", 2 * RANGE)
    log.write_bytes(combined_line(1) + line[: RANGE - 1])
    assert pull_source(lake, source).lines == 1
    log.write_bytes(combined_line(1) + line[: RANGE + 5])
    assert pull_source(lake, source).lines == 1, "the line is counted with its first range"
    log.write_bytes(combined_line(1) + line + combined_line(2))
    assert pull_source(lake, source).lines == 1, "the ordinary line behind it"
    assert stored(lake) == combined_line(1) + line + combined_line(2)
    assert counted(lake) == (3, [TOO_LONG])


@pytest.mark.parametrize("size", [70_000, 5_000_000])
def test_the_format_is_that_of_the_lines_behind_a_long_first_line(
    lake: Lake, tmp_path: Path, size: int
) -> None:
    data = b"x" * size + b"\n" + combined_line(1) + combined_line(2)
    (tmp_path / "logs" / "access.log").write_bytes(data)
    assert pull_source(lake, lake.settings.sources[0]).lines == 3
    assert [one.log_format for one in raw.list_raw(lake, HOUR)] == ["combined"]
    assert stored(lake) == data


def test_hours_and_headers_of_its_neighbours_stay(lake: Lake, tmp_path: Path) -> None:
    """The long line belongs to the hour of the line before it, as other rejects do."""
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    entry = b"2026-11-20 %02d:59:00 192.0.2.7 GET /menu 200\n"
    long = b"#Fields: " + b"a" * 100_000 + b"\n"
    data = header + entry % 17 + long + entry % 18 + entry % 19
    (tmp_path / "logs" / "access.log").write_bytes(data)
    assert pull_source(lake, lake.settings.sources[0]).lines == 4
    assert stored(lake) == header + entry % 17 + long
    others = [raw.list_raw(lake, Hour.parse(f"2026-11-20T{hour}")) for hour in (18, 19)]
    texts = [raw.read(lake, one) for found in others for one in found]
    assert texts == [header + entry % 18, header + entry % 19]


def test_three_long_lines_do_not_change_the_format(lake: Lake, tmp_path: Path) -> None:
    long = long_line(b" ", 80_000)
    data = combined_line(1) + long * 4 + combined_line(2)
    (tmp_path / "logs" / "access.log").write_bytes(data)
    pull_source(lake, lake.settings.sources[0])
    assert counted(lake) == (6, [TOO_LONG] * 4)
    assert stored(lake) == data


def test_the_limit_is_a_setting_that_shapes_results(lake: Lake) -> None:
    shorter = lake.settings.model_copy(update={"clean": CleanSettings(longest_line_bytes=4_096)})
    assert shorter.result_digest() != lake.settings.result_digest()


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize("size", [70_000, 400_000])
def test_a_file_cut_and_continued_behind_a_long_line_loses_nothing(
    lake: Lake, tmp_path: Path, size: int
) -> None:
    """The bookmark does not fit any more: the lines collected before are found in raw."""
    source, log = lake.settings.sources[0], tmp_path / "logs" / "access.log"
    shared = combined_line(1) + combined_line(2) + long_line(b"a", size)
    log.write_bytes(shared + combined_line(3))
    assert pull_source(lake, source).lines == 4
    log.write_bytes(shared + combined_line(4) + combined_line(5))
    assert pull_source(lake, source).lines == 2
    lines, reasons = counted(lake)
    assert (lines, reasons) == (6, [TOO_LONG])
