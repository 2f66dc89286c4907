"""How the demo shows progress, in a terminal and without one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from clickstream.demo import progress
from clickstream.demo.progress import CountedProgress


def test_progress_without_a_terminal_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    out = io.StringIO()
    with CountedProgress(Console(file=out), 48) as shown:
        shown.show_phase("Starting")
        shown.show_phase("Starting")
        for done in range(1, 8):
            shown.show_done(done)
        now = 19.0
        shown.show_done(8)
        now = 21.0
        for _ in range(3):
            shown.show_done(8)
        shown.show_done(48)
        shown.show_done(48)
    assert out.getvalue().splitlines() == [
        "Starting …",
        "6 of 48 hours done (0 s)",
        "8 of 48 hours done (21 s)",
        "48 of 48 hours done (21 s)",
    ]


def test_time_that_is_left_follows_from_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    out = io.StringIO()
    with CountedProgress(Console(file=out), 27, "days", shows_left=True) as shown:
        for moment, done in ((30.0, 0), (60.0, 6), (240.0, 24), (270.0, 27)):
            now = moment
            shown.show_done(done)
    assert out.getvalue().splitlines() == [
        "0 of 27 days done (30 s)",
        "6 of 27 days done (60 s, 4 min left)",
        "24 of 27 days done (240 s, 30 s left)",
        "27 of 27 days done (270 s)",
    ]


def test_progress_in_a_terminal_is_a_bar() -> None:
    out = io.StringIO()
    with CountedProgress(Console(file=out, force_terminal=True, width=80), 48) as shown:
        shown.show_phase("Starting the backfill")
        shown.show_done(12)
    assert "Starting the backfill" in out.getvalue()
    assert "12/48" in out.getvalue()
    assert "hours done" not in out.getvalue()
