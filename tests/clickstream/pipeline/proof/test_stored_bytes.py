"""The check of all stored bytes names each damaged object with its hours and a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.damage import blob_path, flipped, flips
from tests.support.lakes import built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.tiers import one_of_each

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import Lake, fact_files, objects, raw
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.stored_bytes import check_stored_bytes
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    OF_DATES,
    RAW_OBJECTS,
    SESSION_CHANGES,
    TABLES,
    Table,
)

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-20T23")
TABLES_WITH_ROWS = [table for table in TABLES if table not in (SESSION_CHANGES, *OF_DATES)]


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two hours of one day, built; every test leaves them as they were."""
    logs = tmp_path_factory.mktemp("bytes") / "logs"
    write(logs, log_lines(12, FIRST, LAST))
    return built(settings_of_a_lake(local_aws.endpoint, logs), FIRST, LAST)


def data_keys(lake: Lake, table: Table) -> list[str]:
    tasks = iceberg_tables.load(lake, table).iceberg.scan().plan_files()
    return [task.file.file_path.split("/", 3)[3] for task in tasks]


def body_of(lake: Lake, key: str) -> bytes:
    stored = objects.get(lake, key)
    assert stored is not None
    return stored.body


@contextmanager
def replaced(lake: Lake, key: str, body: bytes) -> Iterator[None]:
    """An object with other bytes, put as S3 keeps them: it notices nothing."""
    right = body_of(lake, key)
    objects.put(lake, key, body)
    try:
        yield
    finally:
        objects.put(lake, key, right)


@contextmanager
def spoiled(path: Path, spoil: Callable[[Path], None]) -> Iterator[None]:
    """A blob of the local S3 that is spoiled on disk."""
    right = path.read_bytes()
    spoil(path)
    try:
        yield
    finally:
        path.write_bytes(right)


def scramble(path: Path) -> None:
    """Invert the middle of a file: the reader does not use every single bit of a page's header."""
    body = path.read_bytes()
    third = len(body) // 3
    inverted = bytes(byte ^ 0xFF for byte in body[third : 2 * third])
    path.write_bytes(body[:third] + inverted + body[2 * third :])


def the_failure(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> str:
    report = check_stored_bytes(lake, first, last)
    [failure] = report.failures
    assert not report.is_whole
    return failure


def test_all_bytes_of_a_sound_lake_are_read(lake: Lake) -> None:
    looked: list[str] = []
    report = check_stored_bytes(lake, progress=looked.append)
    items = [item for some in raw.raw_by_hour(lake).values() for item in some]
    assert (report.failures, report.notes) == ([], [])
    assert report.raw_objects == len(items)
    assert report.raw_bytes == sum(item.size for item in items)
    assert report.files == sum(len(data_keys(lake, table)) for table in TABLES)
    assert report.lines == verify(lake).lines
    assert report.sentence.startswith("Read all stored bytes of all hours: ")
    assert looked[0].startswith("Bytes of hour_ledger: file 1 of ")
    assert looked[-1] == f"Bytes of raw lines: {LAST}"


def test_a_range_is_named_and_nothing_else_is_read(lake: Lake) -> None:
    report = check_stored_bytes(lake, LAST, LAST)
    assert report.sentence.startswith(f"Read all stored bytes of {LAST} to {LAST}: ")
    assert report.raw_objects == len(raw.list_raw(lake, LAST))
    with replaced(lake, raw.list_raw(lake, FIRST)[0].key, b"nonsense"):
        assert check_stored_bytes(lake, LAST, LAST).is_whole


@pytest.mark.lake
@pytest.mark.parametrize(
    ("table", "spoil"), one_of_each(3, product(TABLES_WITH_ROWS, (scramble, Path.unlink)))
)
def test_a_data_file_spoiled_on_disk_is_named(
    lake: Lake, local_aws: LocalAwsProcess, table: Table, spoil: Callable[[Path], None]
) -> None:
    key = data_keys(lake, table)[0]
    with spoiled(blob_path(local_aws.root, lake.bucket, key), spoil):
        failure = the_failure(lake)
    assert f"{lake.uri(key)} of the table {table.name} is damaged" in failure
    assert failure.startswith(("Hour 2026-11-20T2", f"Hours {FIRST} to {LAST}: "))
    assert "Restore the object from an earlier S3 version or a backup" in failure


@pytest.mark.lake
@pytest.mark.parametrize("table", one_of_each(3, TABLES_WITH_ROWS))
def test_damaged_pages_are_named_though_s3_sees_no_damage(lake: Lake, table: Table) -> None:
    key = data_keys(lake, table)[0]
    body = body_of(lake, key)
    footer = int.from_bytes(body[-8:-4], "little") + 8
    right, named = iceberg_tables.load(lake, table).read(FIRST, LAST), 0
    for pages in flips(body[:-footer], 6):
        with replaced(lake, key, pages + body[-footer:]):
            failures = check_stored_bytes(lake).failures
            if not failures:  # not every bit of a page's header is of use
                assert iceberg_tables.load(lake, table).read(FIRST, LAST) == right
        named += bool(failures)
        assert all(lake.uri(key) in failure for failure in failures)
    assert named


def test_a_deleted_data_file_is_named(lake: Lake) -> None:
    key = data_keys(lake, HITS)[0]
    right = body_of(lake, key)
    objects.delete(lake, [key])
    failure = the_failure(lake)
    objects.put(lake, key, right)
    assert f"{lake.uri(key)} of the table hits is damaged: the object is gone." in failure


@pytest.mark.lake
@pytest.mark.parametrize("spoil", [scramble, Path.unlink], ids=["scrambled", "gone"])
def test_a_raw_object_spoiled_on_disk_is_named(
    lake: Lake, local_aws: LocalAwsProcess, spoil: Callable[[Path], None]
) -> None:
    key = raw.list_raw(lake, FIRST)[0].key
    with spoiled(blob_path(local_aws.root, lake.bucket, key), spoil):
        failure = the_failure(lake)
    assert failure.startswith(f"Hour {FIRST}: The stored bytes of {lake.uri(key)} are ")


@pytest.mark.lake
def test_a_damaged_raw_object_is_named_though_s3_sees_no_damage(lake: Lake) -> None:
    key = raw.list_raw(lake, FIRST)[0].key
    body = body_of(lake, key)
    with replaced(lake, key, flipped(body, len(body) // 2)):
        assert lake.uri(key) in the_failure(lake)


def test_a_raw_object_with_other_lines_is_named(lake: Lake) -> None:
    [one, other] = (raw.list_raw(lake, hour)[0].key for hour in (FIRST, LAST))
    with replaced(lake, one, body_of(lake, other)):
        failure = the_failure(lake, FIRST, FIRST)
    assert "lines, and the hour was built from" in failure
    assert f"Hour {FIRST}: {lake.uri(one)} has " in failure


@pytest.mark.lake
def test_damage_to_several_objects_is_named_in_one_look(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    keys = [data_keys(lake, table)[0] for table in (HOUR_LEDGER, HITS, RAW_OBJECTS)]
    keys.append(raw.list_raw(lake, LAST)[0].key)
    one, two, three, four = (blob_path(local_aws.root, lake.bucket, key) for key in keys)
    with (
        spoiled(one, scramble),
        spoiled(two, scramble),
        spoiled(three, scramble),
        spoiled(four, scramble),
    ):
        failures = check_stored_bytes(lake).failures
    assert len(failures) == len(keys)
    for key in keys:
        assert sum(lake.uri(key) in failure for failure in failures) == 1


def test_a_build_of_its_hours_replaces_a_damaged_file_of_hits(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    key = data_keys(lake, HITS)[0]
    scramble(blob_path(local_aws.root, lake.bucket, key))
    remedy = the_failure(lake).rpartition("clickstream build ")[2].split()
    first, last = map(Hour.parse, remedy)
    hours = [hour for hour in (FIRST, LAST) if first <= hour <= last]
    assert len([*rebuild(lake, hours, "again")]) == len(hours)
    assert check_stored_bytes(lake).is_whole
    assert verify(lake).is_proven


def fact_keys(lake: Lake) -> list[str]:
    refresh_views(lake)
    refresh_facts(lake)
    stored = fact_files.read_manifest(lake)
    assert stored is not None
    return [file.key for days in stored.value.files.values() for file in days.values()]


@pytest.mark.lake
def test_fact_files_are_read_and_those_of_other_dates_are_not(lake: Lake) -> None:
    keys = fact_keys(lake)
    report = check_stored_bytes(lake)
    assert (report.failures, report.fact_files) == ([], len(keys))
    assert report.fact_bytes == sum(len(body_of(lake, key)) for key in keys)
    assert f", {len(keys)} fact files (" in report.sentence
    other = Hour.parse("2026-11-22T00")
    assert check_stored_bytes(lake, other, other).fact_files == 0


@pytest.mark.lake
def test_a_damaged_fact_file_is_named_never_shown_and_computed_again(lake: Lake) -> None:
    key = fact_keys(lake)[0]
    right = body_of(lake, key)
    for body in flips(right):
        with replaced(lake, key, body):
            failure = the_failure(lake)
            assert failure.startswith("Hours 2026-11-20T00 to 2026-11-20T23: ")
            assert lake.uri(key) in failure
            assert failure.endswith("clickstream facts --all")
            with pytest.raises(DamagedObject, match=re.escape(lake.uri(key))):
                fact_files.read_file(lake, fact_files.FactFile(key, 1, ""))
    objects.put(lake, key, flipped(right, 10))
    refresh_facts(lake, everything=True)
    assert body_of(lake, key) == right


@pytest.mark.lake
def test_a_missing_fact_file_and_a_damaged_manifest_are_named(lake: Lake) -> None:
    key = fact_keys(lake)[0]
    right = body_of(lake, key)
    objects.delete(lake, [key])
    failure = the_failure(lake)
    objects.put(lake, key, right)
    assert f"{lake.uri(key)} is missing" in failure
    with replaced(lake, fact_files.MANIFEST_KEY, b"{"):
        failure = the_failure(lake)
    assert failure.startswith("All hours: The stored bytes of facts/manifest.json are damaged")
