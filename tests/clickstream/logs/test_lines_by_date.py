"""Parsed lines are the same by date, however files and memory are cut."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.logs.lines_by_date import LinesByDate, log_name
from clickstream.logs.log_file import SmallFile, TrialFile
from clickstream.logs.read_logs import Read, SmallFiles
from clickstream.parse import parse

START = datetime(2026, 11, 20, 21, tzinfo=UTC)
DAY = 86_400
GARBAGE = b"no line\n"

seconds = st.lists(st.none() | st.integers(0, 3 * DAY), min_size=1, max_size=12)
"""Lines by their seconds since START; None is a line without a time."""


def line(second: int | None, host: str = "a.example") -> bytes:
    if second is None:
        return GARBAGE
    at = START + timedelta(seconds=second)
    time = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
    return f'{host} 192.0.2.7 - - [{time}] "GET /{second} HTTP/1.1" 200 5\n'.encode()


def collected(files: list[list[int | None]], most_bytes: int, together: int) -> LinesByDate:
    """Add files one by one, or several at once as small files."""
    lines = LinesByDate(most_bytes=most_bytes)
    small = SmallFiles(lines, 1 << 20, Read())
    for number, file in enumerate(files):
        data = b"".join(map(line, file))
        if number % 3 < together:
            small_file = TrialFile(f"access.log.{number}")
            small.add(SmallFile(small_file, data, "common_vhost", may_change=False))
        else:
            small.flush()
            lines.add(parse(data, "common_vhost"), f"access.log.{number}")
    small.flush()
    return lines


def content(lines: LinesByDate) -> dict[int, tuple[list[str], list[int], Counter[tuple[str, int]]]]:
    found = {}
    for day in lines.days:
        pieces = [*lines.of_day(day)]
        targets = [text for piece in pieces for text in piece.requests["target"].to_pylist()]
        hours = [hour for piece in pieces for hour in piece.rejects["hour"].to_pylist()]
        counts: Counter[tuple[str, int]] = Counter()
        for piece in pieces:
            counts += piece.lines
        found[day] = targets, hours, counts
    return found


@given(st.lists(seconds, min_size=1, max_size=4), st.sampled_from([0, 1 << 30]), st.integers(0, 3))
def test_memory_and_small_files_change_nothing(
    files: list[list[int | None]], most_bytes: int, together: int
) -> None:
    if all(second is None for file in files for second in file):
        files = [[0], *files]
    found, plain = collected(files, most_bytes, together), collected(files, 1 << 30, 0)
    try:
        assert content(found) == content(plain)
        assert found.first_and_last_hour == plain.first_and_last_hour
        assert found.lines == sum(map(len, files))
    finally:
        found.close()


def test_lines_on_disk_take_no_memory() -> None:
    before = pa.total_allocated_bytes()
    lines = collected([[*range(20_000)]], 0, 0)
    taken = pa.total_allocated_bytes() - before
    read = sum(piece.requests.nbytes for day in lines.days for piece in lines.of_day(day))
    lines.close()
    assert taken < read / 10


def test_a_reject_has_the_hour_of_the_line_before_it_in_its_file() -> None:
    lines = collected([[None, 7200, None, 3600], [DAY * 2], [None, 10]], 1 << 30, 0)
    hour = int(START.timestamp()) // 3600
    rejects = [hours for _, hours, _ in content(lines).values() if hours]
    assert rejects == [[hour + 2, hour + 2, hour]]


def test_requests_to_other_hosts_are_counted_and_left_out() -> None:
    lines = LinesByDate(("a.example",))
    data = line(0) + line(5, "other.example") + line(7200, "other.example")
    lines.add(parse(data, "common_vhost"), "access.log")
    hour = int(START.timestamp()) // 3600
    (piece,) = lines.of_day(hour // 24)
    assert piece.requests["target"].to_pylist() == ["/0"]
    assert piece.other_hosts == {hour: 1, hour + 2: 1}
    assert piece.lines == {("access.log", hour): 2, ("access.log", hour + 2): 1}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/var/log/nginx/access.log", "access.log"),
        ("access.log.1", "access.log"),
        ("access.log.12.gz", "access.log"),
        ("access.log-20261120.zst", "access.log"),
        ("shop_access_2026-11-20.log", "shop_access.log"),
        ("u_ex261120.log", "u_ex.log"),
        ("1.log", "1.log"),
        ("-", "-"),
    ],
)
def test_rotated_files_have_one_name(path: str, name: str) -> None:
    assert log_name(path) == name
