"""The lines of a raw object are all there, whoever has packed them."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickstream.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.lake.raw import RawObject, RawRange

HOUR = Hour.parse("2026-11-20T00")
KEY = "raw/2026-11-20T00/by-others.combined.gz"


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_files_put_together_are_read_whole(lake: Lake, members: list[bytes]) -> None:
    objects.put(lake, KEY, b"".join(map(gzip.compress, members)))
    assert raw.read(lake, RawObject(KEY, 0)) == b"".join(members)


def test_what_is_stored_is_read(lake: Lake) -> None:
    raw.store(lake, HOUR, RawRange("web-1", "file", 0, 8, "combined"), b"a line\n" * 100_000)
    [stored] = raw.list_raw(lake, HOUR)
    assert raw.read(lake, stored) == b"a line\n" * 100_000


@pytest.mark.parametrize("cut", [slice(5), slice(-5), slice(1, None)])
def test_what_is_no_whole_file_is_refused(lake: Lake, cut: slice) -> None:
    objects.put(lake, KEY, gzip.compress(b"a line\n" * 100)[cut])
    with pytest.raises((EOFError, OSError)):
        raw.read(lake, RawObject(KEY, 0))
