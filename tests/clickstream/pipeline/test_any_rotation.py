"""Whatever happens to a host's logs, each line that a pull could read is collected once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.fault_schedules import FAULTS, Run, Step, any_schedules, schedules
from tests.support.log_host import LogHost

from clickstream.collect import DirectorySource
from clickstream.lake import Lake
from clickstream.settings import Source

BANNER = b'127.0.0.1 - - [20/Nov/2026:05:50:00 +0000] "GET /start HTTP/1.1" 200 1 "-" "-"\n'

HOSTS = st.fixed_dictionaries(
    {
        "banner": st.sampled_from([b"", BANNER]),
        "appends": st.booleans(),
        "clock": st.sampled_from([None, 1_763_618_400]),
    }
)


@pytest.fixture
def play(lake: Lake, tmp_path: Path) -> Callable[..., Run]:
    """Plays a schedule on a host of its own."""

    def play_on_new_host(steps: list[Step], **how: object) -> Run:
        name = f"host-{uuid.uuid4().hex}"
        host = LogHost(tmp_path / name, **how)
        source = Source(name=name, path=str(host.directory))
        run = Run(lake, host, source, lambda: DirectorySource(host.directory, source.pattern))
        try:
            run.play(steps)
        finally:
            host.close()
        return run

    return play_on_new_host


@examples(25)
@given(steps=any_schedules(), how=HOSTS)
def test_every_readable_line_is_collected_once(
    play: Callable[..., Run], steps: list[Step], how: dict[str, object]
) -> None:
    run = play(steps, **how)
    event(f"lines destroyed: {bool(run.collected.destroyed)}")


@pytest.mark.deep
@pytest.mark.parametrize("fault", FAULTS)
@examples(5)
@given(data=st.data(), how=HOSTS)
def test_every_readable_line_is_collected_once_through_500_steps_of_one_fault(
    play: Callable[..., Run], data: st.DataObject, fault: str, how: dict[str, object]
) -> None:
    play(data.draw(schedules(fault, min_size=500, max_size=500)), **how)
