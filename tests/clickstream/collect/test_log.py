"""The content of an open log is the same, compressed or not, in whatever order it is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from codecs import BOM_UTF8
from collections.abc import Callable
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from clickstream.collect import DirectorySource, OpenLog
from clickstream.collect.file_identity import TAIL_BYTES, checkpoint_offsets, checkpoints, digest
from clickstream.collect.padding import WithoutPadding, skip_padding

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}
CONTENT = b"".join(b"%d a line of a log\n" % number for number in range(60_000))


@cache
def compressed_content(suffix: str) -> bytes:
    """CONTENT as a file has it; xz takes seconds, so not once for each example."""
    return COMPRESSIONS[suffix](CONTENT)


def test_comments_do_not_identify_a_log(tmp_path: Path) -> None:
    comments, entries = b"#Version: 1.0\n#Fields: date\n", b"1\n2\n#Date: 3\n4\n5\n"
    (tmp_path / "a.log").write_bytes(comments + entries)
    with DirectorySource(tmp_path, "*").open("a.log") as handle:
        found = [head.removeprefix(comments) for head in OpenLog(handle).heads()]
    longest = b"1\n2\n#Date: 3\n4\n5\n"
    assert found == [b"1\n", b"1\n2\n", longest[:-2], longest]


offsets = st.integers(0, len(CONTENT) + 10) | st.sampled_from([0, 1 << 20, len(CONTENT)])
padded = st.binary(max_size=3) | st.just(b"\xef\xbb") | st.integers(0, 600_000).map(bytes)


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@given(ranges=st.lists(st.tuples(offsets, st.integers(0, 1 << 21)), min_size=1, max_size=6))
def test_any_ranges_are_read_in_any_order(
    tmp_path: Path, suffix: str, ranges: list[tuple[int, int]]
) -> None:
    (tmp_path / "log").write_bytes(compressed_content(suffix))
    with DirectorySource(tmp_path, "*").open("log") as handle:
        log = OpenLog(handle)
        for offset, size in ranges:
            assert log.read(offset, size) == CONTENT[offset : offset + size]
            assert log.size_up_to(offset) == min(offset, len(CONTENT)) or log.is_compressed
        assert log.damage is None


@given(head=padded, mark=st.sampled_from([b"", BOM_UTF8]), rest=st.sampled_from([b"", b"line\n"]))
def test_padding_is_nuls_and_then_a_mark(head: bytes, mark: bytes, rest: bytes) -> None:
    data = head + mark + rest
    expected = data.lstrip(b"\0").removeprefix(BOM_UTF8)
    for pieces in (1 << 20, 1):
        stream = io.BytesIO(data[-2_000:] if pieces == 1 else data)
        skipped, ahead = skip_padding(lambda size, s=stream, n=pieces: s.read(min(size, n)))
        assert ahead + stream.read() == expected
        assert skipped == len(stream.getvalue()) - len(expected)
    filtered = WithoutPadding(io.BytesIO(data))
    assert filtered.read() == expected
    assert filtered.padding == len(data) - len(expected)


def _between(first: int, last: int) -> bytes:
    return CONTENT[first:last]


@given(
    start=st.integers(0, 2_000),
    cuts=st.lists(st.integers(1, 200_000), min_size=1, max_size=5),
)
def test_checkpoints_are_the_same_however_a_log_is_cut(start: int, cuts: list[int]) -> None:
    ends = sorted({start + cut for cut in cuts})
    found: list[tuple[int, str]] = []
    at = start
    for end in ends:
        begin = max(0, at - TAIL_BYTES)
        new = [*checkpoints(start, begin, end, _between)]
        found += [pair for pair in new if pair[0] > at]
        at = end
    assert found == [*checkpoints(start, 0, ends[-1], _between)]
    assert all(one == digest(CONTENT[max(0, o - TAIL_BYTES) : o]) for o, one in found)
    reached = [offset - start for offset, _ in found]
    assert all(later <= earlier * 1.25 for earlier, later in pairwise(reached))


def test_a_terabyte_has_a_bounded_number_of_checkpoints() -> None:
    assert len([*takewhile(lambda offset: offset <= 1 << 40, checkpoint_offsets(0))]) < 150
