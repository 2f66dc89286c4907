"""What pulls observed about a host is stored and read as it was."""

from __future__ import annotations

from clickstream.lake import Lake, pull_states
from clickstream.lake.pull_states import (
    PULL_STATES,
    PullState,
    RefusedFile,
    SetAsideFile,
    WaitingFile,
)


def test_a_source_that_was_never_pulled_has_an_empty_state(lake: Lake) -> None:
    assert pull_states.pull_state(lake, "web-1") == PullState("web-1")
    assert pull_states.pull_states(lake) == []


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
        PULL_STATES.put(lake, state.host, state)
    assert pull_states.pull_states(lake) == states
    names = ["web-2", "web-3", "web-1"]
    assert pull_states.states_of(lake, names) == [states[1], PullState("web-3"), states[0]]


def test_a_failure_keeps_what_earlier_pulls_observed(lake: Lake) -> None:
    PULL_STATES.put(lake, "web-1", PullState("web-1", files=3))
    pull_states.record_failure(lake, "web-1", "unreachable (CS-202)")
    state = pull_states.pull_state(lake, "web-1")
    assert (state.files, state.failure) == (3, "unreachable (CS-202)")
    assert state.failed_at
