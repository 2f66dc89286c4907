"""What pulls observed about a source is stored once, however many pulls end at the same time."""

from __future__ import annotations

from dataclasses import replace

from clickstream.lake import Lake, collection
from clickstream.lake.collection import PullState, RefusedFile, SetAsideFile, WaitingFile


def test_a_source_that_was_never_pulled_has_an_empty_state(lake: Lake) -> None:
    assert collection.pull_state(lake, "web-1") == PullState("web-1")
    assert collection.pull_states(lake) == []


def test_a_state_is_read_as_it_was_stored(lake: Lake) -> None:
    states = [
        PullState(
            "web-1",
            pulled_at=1_795_680_000,
            newest_line_at=1_795_679_000,
            files=4,
            set_aside=(SetAsideFile("error.log", "1-2-3"),),
            refused=(RefusedFile("odd-access.log", "4-5-6", "No line has a known format."),),
            waiting=(WaitingFile("access.log", "was cut"),),
            library_version="0.1.0",
        ),
        PullState("web-2"),
    ]
    for state in states:
        collection.update_pull_state(lake, PullState(state.host), lambda _, s=state: s)
    assert [replace(found, etag=None) for found in collection.pull_states(lake)] == states


def test_of_pulls_at_the_same_time_each_changes_what_the_other_stored(lake: Lake) -> None:
    before = collection.pull_state(lake, "web-1")
    for _ in range(3):
        collection.update_pull_state(lake, before, lambda s: replace(s, files=s.files + 1))
    assert collection.pull_state(lake, "web-1").files == 3
