"""Staged rows come back equal and typed, and an object is staged whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import build_rows

from clickstream.hours import Hour
from clickstream.lake import Lake, objects, staging
from clickstream.tables import REJECTS

HOUR = Hour.parse("2026-11-20T05")
KEY = "staging/2026-11-20T05/rejects.parquet"
FIRST = build_rows(REJECTS, HOUR, {"line": "café", "line_number": 2}, {"line": None})
SECOND = build_rows(REJECTS, HOUR, {"line": "", "reason": "no time"})
ROWS = pa.concat_tables([FIRST, SECOND])


@pytest.fixture
def staged(lake: Lake) -> Lake:
    """A lake with two pieces of rejects staged as one object."""
    stage(lake, KEY)
    return lake


def stage(lake: Lake, key: str) -> None:
    with staging.writing(lake, key, REJECTS, HOUR) as writer:
        writer.write(FIRST)
        writer.write(SECOND)


def plain(rows: pa.Table) -> pa.Table:
    """The rows with dictionary-encoded columns spelled out."""
    return rows.cast(REJECTS.arrow_schema())


def test_rows_come_back_equal_and_typed(staged: Lake, reopen: Callable[[], Lake]) -> None:
    for lake in (staged, reopen()):
        found = staging.read(lake, KEY)
        assert found.schema.equals(REJECTS.arrow_schema())
        assert found.equals(ROWS)
        assert staging.read(lake, KEY, ["line_number"]).to_pydict() == {"line_number": [2, 1, 1]}
        assert staging.count(lake, KEY) == 3


def test_texts_come_back_dictionary_encoded_on_request(staged: Lake) -> None:
    found = staging.read_coded(staged, KEY, REJECTS)
    encoded = {field.name for field in found.schema if pa.types.is_dictionary(field.type)}
    assert encoded == {column.name for column in REJECTS.columns if column.type == "string"}
    assert plain(found).equals(ROWS)


def test_pieces_come_back_as_they_were_written(staged: Lake) -> None:
    pieces = [plain(piece) for piece in staging.read_pieces(staged, KEY, REJECTS)]
    assert pieces == [FIRST, SECOND]


def test_the_same_rows_are_staged_as_the_same_bytes(staged: Lake) -> None:
    stage(staged, "staging/again")
    assert staging.get(staged, "staging/again") == staging.get(staged, KEY)


def test_nothing_is_staged_if_writing_fails_on_the_way(lake: Lake) -> None:
    def fail() -> None:
        with staging.writing(lake, KEY, REJECTS, HOUR) as writer:
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
    staging.put(lake, "staging/hour.json", b'{"lines": 3, "carry": ["caf\\u00e9"]}')
    assert staging.read_json(reopen(), "staging/hour.json") == {"lines": 3, "carry": ["café"]}


def test_a_staged_object_that_is_gone_is_named_with_the_remedy(lake: Lake) -> None:
    assert staging.get(lake, KEY) is None
    for read in (staging.read, staging.count, staging.read_json):
        with pytest.raises(FileNotFoundError, match=rf"s3://.*{KEY} is gone; clear the hour's"):
            read(lake, KEY)
