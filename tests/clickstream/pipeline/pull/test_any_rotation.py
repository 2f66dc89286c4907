"""Whatever happens to a host's logs, each line that a pull could read is collected once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.fault_schedules import (
    ANY_SCHEDULES,
    AT_RANDOM,
    HERE,
    HOSTS,
    Pull,
    Run,
    Step,
    actions_of,
    schedules,
)
from tests.support.log_host import BANNER, LogHost

from clickstream.collect import Host
from clickstream.lake import Lake
from clickstream.settings import SourceSettings


@pytest.fixture
def play(lake: Lake, tmp_path: Path) -> Callable[..., Run]:
    """Plays a schedule on the directory of a new host."""

    def play_on_new_host(steps: list[Step], **how: Any) -> Run:
        name = f"host-{uuid.uuid4().hex}"
        with LogHost(tmp_path / name, **how) as logs:
            run = Run(lake, logs, Host(name, SourceSettings(name=name, path=str(logs.directory))))
            run.play(steps)
        return run

    return play_on_new_host


@example(
    ["write", Pull(), Pull(during=((5, "write"),), dies=(3, False)), "shrink"],
    {"banner": BANNER, "appends": True, "whole_seconds": False},
)
@given(steps=ANY_SCHEDULES, how=HOSTS)
def test_every_readable_line_is_collected_once(
    play: Callable[..., Run], steps: list[Step], how: dict[str, Any]
) -> None:
    run = play(steps, **how)
    event(f"lines destroyed: {bool(run.collected.destroyed)}")


@pytest.mark.deep
@examples(times=AT_RANDOM)
@given(data=st.data(), how=HOSTS)
def test_banners_in_every_file_are_no_obstacle_through_500_steps(
    play: Callable[..., Run], data: st.DataObject, how: dict[str, Any]
) -> None:
    """About 200 small files begin with the same line."""
    actions = actions_of("rename", "copytruncate", "dateext", "hourly", "half lines")
    steps = data.draw(schedules(actions, min_size=500, max_size=500))
    play(steps, **how | {"banner": BANNER})


@pytest.mark.deep
@pytest.mark.parametrize("fault", [*HERE, "all"])
@examples(times=AT_RANDOM)
@given(data=st.data(), how=HOSTS)
def test_every_readable_line_is_collected_once_through_500_steps(
    play: Callable[..., Run], data: st.DataObject, fault: str, how: dict[str, Any]
) -> None:
    actions = actions_of(*(HERE if fault == "all" else [fault]))
    play(data.draw(schedules(actions, min_size=500, max_size=500)), **how)
