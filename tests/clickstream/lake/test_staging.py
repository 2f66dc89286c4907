"""Staged rows come back equal and typed, and an object is staged whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import build_rows
from tests.support.damage import flipped

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, staging
from clickstream.lake.staging import Staged
from clickstream.tables import REJECTS

HOUR = Hour.parse("2026-11-20T05")
KEY = "staging/2026-11-20T05/rejects.parquet"
FIRST = build_rows(REJECTS, HOUR, {"line": "café", "line_number": 2}, {"line": None})
SECOND = build_rows(REJECTS, HOUR, {"line": "", "reason": "no time"})
ROWS = pa.concat_tables([FIRST, SECOND])


@pytest.fixture
def rejects(lake: Lake) -> Staged:
    """Two pieces of rejects, staged as one object."""
    return stage(lake, KEY)


@pytest.fixture
def staged(lake: Lake, rejects: Staged) -> Lake:
    """The lake that holds them."""
    assert rejects.key == KEY
    return lake


def stage(lake: Lake, key: str) -> Staged:
    digests = staging.Digests()
    with staging.writing(lake, key, REJECTS, HOUR, digests) as writer:
        writer.write(FIRST)
        writer.write(SECOND)
    return Staged(key, digests.by_name[staging.name_of(key)])


def plain(rows: pa.Table) -> pa.Table:
    """The rows with dictionary-encoded columns spelled out."""
    return rows.cast(REJECTS.arrow_schema())


def test_rows_come_back_equal_and_typed(
    staged: Lake, rejects: Staged, reopen: Callable[[], Lake]
) -> None:
    for lake in (staged, reopen()):
        found = staging.read(lake, rejects)
        assert found.schema.equals(REJECTS.arrow_schema())
        assert found.equals(ROWS)
        assert staging.read(lake, rejects, ["line_number"]).to_pydict() == {
            "line_number": [2, 1, 1]
        }
        assert staging.count(lake, rejects) == 3


def test_texts_come_back_dictionary_encoded_on_request(staged: Lake, rejects: Staged) -> None:
    found = staging.read_coded(staged, rejects, REJECTS)
    encoded = {field.name for field in found.schema if pa.types.is_dictionary(field.type)}
    assert encoded == {column.name for column in REJECTS.columns if column.type == "string"}
    assert plain(found).equals(ROWS)


def test_pieces_come_back_as_they_were_written(staged: Lake, rejects: Staged) -> None:
    pieces = [plain(piece) for piece in staging.read_pieces(staged, rejects, REJECTS)]
    assert pieces == [FIRST, SECOND]


def test_the_same_rows_are_staged_as_the_same_bytes(staged: Lake) -> None:
    stage(staged, "staging/again")
    assert staging.get(staged, "staging/again") == staging.get(staged, KEY)


def test_nothing_is_staged_if_writing_fails_on_the_way(lake: Lake) -> None:
    def fail() -> None:
        with staging.writing(lake, KEY, REJECTS, HOUR, staging.Digests()) as writer:
            writer.write(FIRST)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert staging.get(lake, KEY) is None
    assert objects.get(lake, KEY) is None


def test_a_process_keeps_what_it_staged_and_others_ask_s3(
    staged: Lake, reopen: Callable[[], Lake]
) -> None:
    stored = objects.get(staged, KEY)
    assert stored is not None
    objects.delete(staged, [KEY])
    assert staging.get(staged, KEY) == stored.body
    assert staging.get(reopen(), KEY) is None


def test_json_is_read_as_it_was_staged(lake: Lake, reopen: Callable[[], Lake]) -> None:
    value = {"lines": 3, "carry": ["café"], "kinds": {"b": 1, "a": 2}}
    staging.put_json(lake, "staging/2026-11-20T05/counts.json", value)
    assert staging.read_json(reopen(), "staging/2026-11-20T05/counts.json") == value


def test_a_staged_object_that_is_gone_is_named_with_the_remedy(lake: Lake) -> None:
    assert staging.get(lake, KEY) is None
    gone = rf"s3://.*{KEY} is gone; clear the hour's"
    for read in (staging.read, staging.count, staging.check):
        with pytest.raises(FileNotFoundError, match=gone):
            read(lake, Staged(KEY, ""))
    with pytest.raises(FileNotFoundError, match=gone):
        staging.read_json(lake, KEY)


def test_no_flipped_byte_of_a_staged_object_is_read(
    staged: Lake, rejects: Staged, reopen: Callable[[], Lake]
) -> None:
    body = staging.get(staged, KEY)
    assert body is not None
    for at in range(0, len(body), 61):
        objects.put(staged, KEY, flipped(body, at))
        with pytest.raises(DamagedObject, match=rf"s3://.*{KEY} .* damaged.*hour {HOUR}"):
            staging.read(reopen(), rejects)


def test_no_flipped_byte_of_staged_json_changes_a_value(
    lake: Lake, reopen: Callable[[], Lake]
) -> None:
    key = f"staging/{HOUR}/counts.json"
    staging.put_json(lake, key, {"lines": 3, "hosts": {"web-1": 2.5}})
    body = staging.get(lake, key)
    assert body is not None
    for at in range(len(body)):
        objects.put(lake, key, flipped(body, at))
        with pytest.raises(DamagedObject, match=f"clear the task clean_hits of hour {HOUR}"):
            staging.read_json(reopen(), key)


def test_json_without_a_digest_is_refused(lake: Lake) -> None:
    for body in (b'{"lines": 3}', b"[]", b"3", b""):
        staging.put(lake, KEY, body)
        with pytest.raises((DamagedObject, FileNotFoundError)):
            staging.read_json(lake, KEY)
