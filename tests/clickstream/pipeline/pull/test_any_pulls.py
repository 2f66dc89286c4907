"""However often and wherever a growing file is pulled, its lines land where one pull puts them."""

from __future__ import annotations

import uuid
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.traffic import HOUR, Request

from clickstream.lake import Lake, objects, raw
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

BROKEN = "cut in the mid"
MOMENTS = st.integers(0, 3 * HOUR)
LINES = st.lists(MOMENTS | st.just(BROKEN), max_size=12)


def lines_of(first: int, others: list[int | str]) -> list[bytes]:
    """A log that begins with a request; without one nobody knows yet where a line belongs."""
    lines = [
        one if isinstance(one, str) else Request(one, "192.0.2.1", "agent", "GET / 200", size).line
        for size, one in enumerate([first, *others])
    ]
    return [f"{line}\n".encode() for line in lines]


def landed(lake: Lake, host: str) -> dict[str, bytes]:
    """The lines of each hour, in the order in which a build reads them."""
    found: dict[str, bytes] = {}
    for key, size in objects.listing(lake, raw.RAW):
        _, hour, name = key.split("/")
        if name.startswith(f"{host}-"):
            found[hour] = found.get(hour, b"") + raw.read(lake, raw.RawObject(key, size))
    return found


@example(first=HOUR - 1, others=[BROKEN, HOUR, BROKEN], cuts={1: 0, 3: 5})
@given(
    first=MOMENTS,
    others=LINES,
    cuts=st.dictionaries(st.integers(1, 12), st.integers(0, 20), min_size=1, max_size=4),
)
def test_cuts_between_pulls_change_nothing(
    lake: Lake, tmp_path: Path, first: int, others: list[int | str], cuts: dict[int, int]
) -> None:
    """A cut is behind so many lines and some bytes of the next."""
    lines = lines_of(first, others)
    whole = b"".join(lines)
    found = []
    for ends in ([], [len(b"".join(lines[:n])) + more for n, more in sorted(cuts.items())]):
        name = uuid.uuid4().hex
        directory = tmp_path / name
        directory.mkdir()
        for end in [*ends, len(whole)]:
            (directory / "access.log").write_bytes(whole[:end])
            pull_source(lake, SourceSettings(name=name, path=str(directory), format="combined"))
        found.append(landed(lake, name))
    assert found[0] == found[1]
    assert sum(map(len, found[0].values())) == len(whole)
