"""A record holds the change of each process, however many change it at the same time."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from clickstream.core.errors import AwsUnavailable
from clickstream.lake import Lake, objects
from clickstream.lake.pull_states import PULL_STATES, PullState, SetAsideFile
from clickstream.lake.records import ATTEMPTS, RecordStore, Stored

COUNTS = RecordStore("counts/", dict[str, int])


def test_a_record_is_written_only_over_the_version_that_was_read(lake: Lake) -> None:
    assert COUNTS.read(lake, "a/b") is None
    first = COUNTS.swap(lake, "a/b", {"lines": 1}, None)
    assert COUNTS.read(lake, "a/b") == Stored({"lines": 1}, first)
    assert COUNTS.swap(lake, "a/b", {"lines": 2}, None) is None
    second = COUNTS.swap(lake, "a/b", {"lines": 2}, first)
    assert first is not None
    assert second is not None
    assert not COUNTS.remove(lake, "a/b", first)
    assert COUNTS.remove(lake, "a/b", second)
    COUNTS.delete(lake, "a/b")
    assert objects.get(lake, "counts/a/b.json") is None


def test_names_of_files_that_are_not_utf8_are_stored(lake: Lake) -> None:
    name = b"access-\xff\x80.log".decode(errors="surrogateescape")
    state = PullState("web-1", set_aside=(SetAsideFile(name, "1 2"),))
    PULL_STATES.put(lake, "web-1", state)
    stored = PULL_STATES.read(lake, "web-1")
    assert stored
    assert stored.value == state


def test_an_update_that_is_overtaken_changes_what_the_other_process_stored(lake: Lake) -> None:
    overtaking = [{"lines": 10}, {"lines": 20}]

    def add_line(before: dict[str, int]) -> dict[str, int]:
        if overtaking:
            COUNTS.put(lake, "a", overtaking.pop(0))
        return {"lines": before.get("lines", 0) + 1}

    assert COUNTS.update(lake, "a", {}, add_line) == {"lines": 21}
    stored = COUNTS.read(lake, "a")
    assert stored is not None
    assert COUNTS.update(lake, "a", {}, lambda before: {**before}) == {"lines": 21}
    assert COUNTS.read(lake, "a") == stored, "an unchanged value was written"
    COUNTS.update(lake, "b", {}, lambda before: before)
    assert [*COUNTS.names(lake)] == ["a"]
    assert COUNTS.update(lake, "a", {}, lambda _: {}, stored) == {}
    assert [*COUNTS.names(lake)] == [], "an empty record was kept"


def test_an_update_that_is_always_overtaken_ends_with_a_remedy(lake: Lake) -> None:
    calls = []

    def change(before: dict[str, int]) -> dict[str, int]:
        calls.append(before)
        COUNTS.put(lake, "a", {"lines": len(calls)})
        return {"lines": -1}

    with pytest.raises(AwsUnavailable, match=r"counts/a\.json was changed by .*Nothing is lost: "):
        COUNTS.update(lake, "a", {}, change)
    assert len(calls) == ATTEMPTS


def test_records_are_listed_by_prefix_and_read_in_the_order_of_their_names(lake: Lake) -> None:
    for number, name in enumerate(["web/2", "web/1", "webshop/1"]):
        COUNTS.put(lake, name, {"lines": number})
    assert [*COUNTS.names(lake, "web/")] == ["web/1", "web/2"]
    names = ["webshop/1", "web/3", "web/2"]
    assert COUNTS.read_all(lake, names) == [{"lines": 2}, None, {"lines": 0}]
    assert COUNTS.read_all(lake, []) == []


def test_bytes_of_another_form_are_not_read(lake: Lake) -> None:
    for body in (b"{", b'{"lines": "many"}', b"[]"):
        objects.put(lake, "counts/a.json", body)
        with pytest.raises(ValidationError):
            COUNTS.read(lake, "a")
