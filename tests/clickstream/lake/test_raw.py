"""All lines of a raw object are read, whichever program compressed them."""

from __future__ import annotations

import gzip
import random
import re
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.damage import flipped, flips
from tests.support.faults_children import open_lake
from tests.support.faults_lakes import through
from tests.support.faults_proxy import FaultsProxy, breaks_off, passes
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, objects, raw
from clickstream.lake.raw import RawObject, RawRange
from clickstream.pipeline.hour import batch
from clickstream.pipeline.hour.build import clean_hits
from clickstream.settings import Settings

HOUR = Hour.parse("2026-11-20T00")
KEY = "raw/2026-11-20T00/by-others.combined.gz"


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_files_put_together_are_read_whole(lake: Lake, members: list[bytes]) -> None:
    objects.put(lake, KEY, b"".join(map(gzip.compress, members)))
    assert raw.read(lake, RawObject(KEY, 0)) == b"".join(members)


def test_what_is_stored_is_read(lake: Lake) -> None:
    raw.store(lake, HOUR, RawRange("web-1", "file", 0, 8, "combined"), b"a line\n" * 100_000)
    [stored] = raw.list_raw(lake, HOUR)
    assert raw.read(lake, stored) == b"a line\n" * 100_000


def test_a_range_of_hours_has_both_its_ends(lake: Lake) -> None:
    hours = [*hour_range(HOUR.minus(2), HOUR.plus(2))]
    for hour in hours:
        raw.store(lake, hour, RawRange("web-1", "file", 0, 8, "combined"), b"a line\n")
    for first, last in product([None, *hours], repeat=2):
        within = [h for h in hours if (not first or h >= first) and (not last or h <= last)]
        assert [*raw.raw_by_hour(lake, first, last)] == within, (first, last)


def test_a_read_that_breaks_off_starts_again(
    lake: Lake, lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    lines = random.Random(3).randbytes(5 << 20)
    raw.store(lake, HOUR, RawRange("web-1", "file", 0, len(lines), "combined"), lines)
    [stored] = raw.list_raw(lake, HOUR)
    faults = iter([breaks_off, breaks_off])
    with FaultsProxy(local_aws.endpoint, lambda _: next(faults, passes)) as proxy:
        assert raw.read(open_lake(through(lake_settings, proxy)), stored) == lines
    assert next(faults, None) is None


@pytest.mark.parametrize("cut", [slice(5), slice(-5), slice(1, None)])
def test_what_is_no_whole_file_is_refused(lake: Lake, cut: slice) -> None:
    objects.put(lake, KEY, gzip.compress(b"a line\n" * 100)[cut])
    with pytest.raises(DamagedObject):
        raw.read(lake, RawObject(KEY, 0))


def test_a_flipped_byte_is_refused_or_changes_no_line(lake: Lake) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(2000))
    body = gzip.compress(lines, mtime=0)
    for wrong in flips(body, 60):
        objects.put(lake, KEY, wrong)
        with suppress(DamagedObject):
            assert raw.read(lake, RawObject(KEY, 0)) == lines


def test_a_damaged_object_is_named_with_hour_readable_lines_and_remedy(lake: Lake) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(200_000))
    body = gzip.compress(lines, mtime=0)
    objects.put(lake, KEY, flipped(body, len(body) // 2))
    with pytest.raises(DamagedObject) as refused:
        raw.read(lake, RawObject(KEY, 0))
    said = str(refused.value)
    assert said.startswith(f"The stored bytes of {lake.uri(KEY)} are damaged")
    assert f"clickstream build {HOUR} {HOUR}" in said
    found = re.search(r"([\d,]+) lines can still be unpacked", said)
    assert found is not None
    assert 50_000 < int(found[1].replace(",", "")) <= 200_000


def test_a_damaged_length_takes_no_memory(lake: Lake) -> None:
    objects.put(lake, KEY, gzip.compress(b"a line\n")[:-4] + b"\xff\xff\xff\xff")
    with pytest.raises(DamagedObject):
        raw.read(lake, RawObject(KEY, 0))


def test_an_hour_with_a_damaged_object_is_not_built_and_builds_once_it_is_restored(
    lake: Lake,
) -> None:
    raw.store(lake, HOUR, RawRange("web-1", "file", 0, 8, "combined"), b"a line\n" * 1000)
    [item] = raw.list_raw(lake, HOUR)
    right = objects.get(lake, item.key)
    assert right is not None
    objects.put(lake, item.key, flipped(right.body, 20))
    for build in (clean_hits, lambda lake, hour: batch.build_hours(lake, [hour])):
        with pytest.raises(DamagedObject, match=item.key):
            build(lake, HOUR)
    objects.put(lake, item.key, right.body)
    assert clean_hits(lake, HOUR).lines == 1000
