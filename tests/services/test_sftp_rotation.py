"""Whatever happens to logs behind a real sshd, each readable line is collected once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.fault_schedules import (
    AT_RANDOM,
    COME_BACK,
    FAULTS,
    HOSTS,
    Run,
    Step,
    actions_of,
    schedules,
)
from tests.support.log_host import LogHost
from tests.support.sshd import Sshd, running_sshd
from tests.support.tiers import one_of_each

from clickstream.collect import hosts_of
from clickstream.lake import Lake
from clickstream.pipeline.pull.host import pull_host

ROTATIONS = 9
CONNECTION_FAULTS = ("lose connections", "go down", COME_BACK)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def play(sshd: Sshd, lake: Lake, tmp_path: Path) -> Callable[..., Run]:
    """Plays a schedule on the directory of a new host, which is read over SFTP."""
    acts = {
        "lose connections": sshd.kill_connections,
        "go down": sshd.stop,
        COME_BACK: sshd.start,
    }

    def play_on_new_host(steps: list[Step], **how: Any) -> Run:
        name = f"host-{uuid.uuid4().hex}"
        with LogHost(tmp_path / name, **how) as logs:
            source = sshd.source(name, logs.directory)
            run = Run(sshd.lake(lake), logs, hosts_of(source)[0], acts)
            run.play(steps)
        return run

    return play_on_new_host


def steps_of(fault: str, number: int) -> st.SearchStrategy[list[Step]]:
    """So many steps of a fault, or of all, and of a connection that may be lost."""
    faults = FAULTS if fault == "all" else [fault]
    return schedules([*actions_of(*faults), *CONNECTION_FAULTS], number, number)


def test_two_pulls_at_once_collect_each_line_of_a_rotating_log_once(
    sshd: Sshd, reopen: Callable[[], Lake], tmp_path: Path
) -> None:
    """No rotated file is deleted, so no line may be missing."""
    over, errors = Event(), []
    sshd.start()

    def pull_until_over(lake: Lake) -> None:
        while not over.is_set():
            try:
                pull_host(lake, host)
            except Exception as error:
                errors.append(error)

    with LogHost(tmp_path / "rotating") as logs:
        [host] = hosts_of(sshd.source("rotating", logs.directory))
        lakes = [sshd.lake(reopen()) for _ in range(3)]
        threads = [Thread(target=pull_until_over, args=(lake,)) for lake in lakes[1:]]
        for thread in threads:
            thread.start()
        for number in range(ROTATIONS * 10):
            logs.act("write")
            if number % 10 == 9:
                logs.act(("dateext", "copytruncate", "gzip")[number // 10 % 3])
            time.sleep(0.02)
        over.set()
        for thread in threads:
            thread.join()
        run = Run(lakes[0], logs, host)
        run.finish()
    assert errors == []
    assert logs.hours.keys() - run.collected.lines() == set()


@pytest.mark.parametrize("fault", one_of_each(3, ["all", *FAULTS]))
@examples(times=AT_RANDOM)
@given(data=st.data(), how=HOSTS)
def test_every_readable_line_is_collected_once_through_30_steps(
    play: Callable[..., Run], data: st.DataObject, fault: str, how: dict[str, Any]
) -> None:
    play(data.draw(steps_of(fault, 30)), **how)


@pytest.mark.deep
@pytest.mark.parametrize("fault", [*FAULTS, "all"])
@examples(times=AT_RANDOM)
@given(data=st.data(), how=HOSTS)
def test_every_readable_line_is_collected_once_through_500_steps(
    play: Callable[..., Run], data: st.DataObject, fault: str, how: dict[str, Any]
) -> None:
    play(data.draw(steps_of(fault, 500)), **how)
