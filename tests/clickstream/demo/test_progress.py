"""How the demo shows its steps, in a terminal and without one."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from clickstream.demo import progress
from clickstream.demo.progress import DemoSteps


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress.time, "monotonic", found)
    return found


def test_a_step_is_one_aligned_line_with_its_duration(clock: Clock) -> None:
    out = io.StringIO()
    steps = DemoSteps(Console(file=out, width=100))
    for label, detail, seconds in (("Local AWS", "", 4.2), ("Older hours", "675 hours", 61.0)):
        with steps.step(label) as step:
            clock.now += seconds
            step.detail = detail
    first, second = out.getvalue().splitlines()
    assert first.split() == ["✓", "Local", "AWS", "4", "s"]
    assert re.split(r"  +", second) == ["✓ Older hours", "675 hours", "61 s"]
    assert len(first) == len(second) <= 79
    assert steps.seconds == clock.now


def test_a_long_step_without_a_terminal_says_every_ten_seconds_how_far_it_is(clock: Clock) -> None:
    out = io.StringIO()
    with DemoSteps(Console(file=out, width=100)).step("Hours") as step:
        for moment, done in ((5.0, 5), (12.0, 10), (15.0, 12), (60.0, 50), (119.0, 99)):
            clock.now = moment
            step.show_done(done, 100, "hours", f"{done} lines")
    shown = [re.split(r"  +", line.strip()) for line in out.getvalue().splitlines()]
    assert shown == [
        ["Hours", "10 of 100 hours, 10 lines, 2 min left", "12 s"],
        ["Hours", "50 of 100 hours, 50 lines, 60 s left", "60 s"],
        ["Hours", "99 of 100 hours, 99 lines, 1 s left", "119 s"],
        ["✓ Hours", "119 s"],
    ]


@pytest.mark.parametrize("done", [0, 4, 100])
def test_no_time_is_promised_with_little_done_or_nothing_left(clock: Clock, done: int) -> None:
    out = io.StringIO()
    with DemoSteps(Console(file=out, width=100)).step("Hours") as step:
        clock.now = 20.0
        step.show_done(done, 100, "hours")
    assert f"{done} of 100 hours " in out.getvalue()
    assert "left" not in out.getvalue()


def test_a_step_that_fails_is_not_ticked(clock: Clock) -> None:
    out = io.StringIO()
    steps = DemoSteps(Console(file=out, width=100))
    with pytest.raises(ValueError, match="no"), steps.step("Local AWS"):
        raise ValueError("no")
    assert "✓" not in out.getvalue()


def test_a_terminal_shows_a_bar(clock: Clock) -> None:
    out = io.StringIO()
    with DemoSteps(Console(file=out, force_terminal=True, width=120)).step("Hours") as step:
        step.show_done(12, 48, "hours")
        step._bar.refresh()
    assert "12 of 48 hours" in out.getvalue()
    assert "━" in out.getvalue()
