"""Files that begin with the same lines are distinguished by the first line that differs."""

from __future__ import annotations

import gzip
import uuid
from collections import Counter
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.web_server import time_of

from clickstream.lake import Lake, objects, raw
from clickstream.pipeline.pull.host import Pulled, pull_source
from clickstream.settings import SourceSettings

MOST_FILES = 14


def line_of(file: str, number: int) -> bytes:
    stamp = time_of(number).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'192.0.2.1 - - [{stamp}] "GET /{file}/{number} HTTP/1.1" 200 1 "-" "agent"\n'.encode()


def stored(lake: Lake, host: str) -> Counter[bytes]:
    """Every raw line of a host."""
    keys = [(key, size) for key, size in objects.listing(lake, raw.RAW) if f"/{host}-" in key]
    texts = (raw.read(lake, raw.RawObject(key, size)) for key, size in keys)
    return Counter(line for text in texts for line in text.splitlines(keepends=True))


@example(shared=1, sizes=[[1]] * 8 + [[0, 1]], at_once=False)
@example(shared=2, sizes=[[1]] * MOST_FILES, at_once=False)
@example(shared=5, sizes=[[2, 9]] * MOST_FILES, at_once=True)
@examples(times=0.4)
@given(
    shared=st.integers(1, 9),
    sizes=st.lists(
        st.lists(st.integers(0, 12), min_size=1, max_size=3).map(sorted),
        min_size=1,
        max_size=MOST_FILES,
    ),
    at_once=st.booleans(),
)
def test_any_number_of_files_with_the_same_first_lines_are_pulled_whole(
    lake: Lake, tmp_path: Path, shared: int, sizes: list[list[int]], at_once: bool
) -> None:
    """`sizes` are the own lines of each file after the shared ones, at each of its pulls."""
    name = uuid.uuid4().hex
    directory = tmp_path / name
    directory.mkdir()
    source = SourceSettings(name=name, path=str(directory), format="combined")
    head = b"".join(line_of("banner", number) for number in range(shared))
    pulled: list[Pulled] = []
    for step in range(max(map(len, sizes))):
        for number, own in enumerate(sizes):
            lines = [line_of(f"{number}", 9 + one) for one in range(own[min(step, len(own) - 1)])]
            (directory / f"access.log-{number}").write_bytes(head + b"".join(lines))
            if not at_once:
                pulled.append(pull_source(lake, source))
        pulled.append(pull_source(lake, source))
    assert [one.refused for one in pulled if one.refused] == []
    whole = [own[-1] for own in sizes if own[-1]]
    expected = Counter(
        line_of(f"{number}", 9 + one) for number, own in enumerate(sizes) for one in range(own[-1])
    )
    found = stored(lake, name)
    banners = [found.pop(line_of("banner", number), 0) for number in range(shared)]
    assert found == expected
    assert banners == [max(len(whole), 1)] * shared


def test_unfinished_lines_after_a_banner_wait_until_the_file_is_compressed(
    lake: Lake, tmp_path: Path
) -> None:
    """A server that crashes may leave any number of files with a banner and half a line."""
    source = SourceSettings(name="half", path=str(tmp_path / "half"), format="combined")
    (tmp_path / "half").mkdir()
    banner, halves = line_of("banner", 0), [line_of(f"{n}", n)[:60] for n in range(12)]
    for number, half in enumerate(halves):
        (tmp_path / "half" / f"access.log-{number}").write_bytes(banner + half)
    pulled = pull_source(lake, source)
    assert (pulled.refused, len(pulled.unfinished)) == ([], len(halves))
    for path in (tmp_path / "half").iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert pull_source(lake, source).refused == []
    assert pull_source(lake, source).lines == 0
    assert stored(lake, "half") == Counter(halves + [banner] * len(halves))
