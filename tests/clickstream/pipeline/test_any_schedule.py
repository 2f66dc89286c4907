"""Pulls, builds, late lines, crashes and builds side by side, in any order: the same answers.

Every view and table answers as after one build of the whole range at once, and as the oracle says,
which reads the lines in plain SQL. What each rule of the order is worth is shown by breaking it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from tests.support import schedules as world_steps
from tests.support.answers import Answers, answers, assert_answers
from tests.support.examples import TIMES, examples
from tests.support.lakes import aws_session, beside, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.observed import ASKED_OF_LAKE, Facts, expected, facts
from tests.support.schedules import Build, Disturbed, Pull, Range, Run, Step, World
from tests.support.traffic import FIRST, HOSTS, Traffic, traffics

from clickstream import sessions
from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.lake.publication import Publication
from clickstream.pipeline.hour import batch
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish import publish
from clickstream.pipeline.publish.publish import Due
from clickstream.sessions import carry
from clickstream.settings import Settings
from clickstream.settings.labels import BotSettings
from clickstream.tables import SESSION_PARTS

HOURS = 3
ALL = [Pull(host) for host in HOSTS]

BACKWARDS: list[Step] = [*ALL, Build(2), Build(1), Build(0)]
"""Each hour is built without what the one before hands on, which comes after."""
NEIGHBOUR_MEANWHILE: list[Step] = [*ALL, Build(0), Disturbed(Build(2), 5, (Build(1),))]
"""An hour is about to be published and follows on, and then the one before it is published."""
SAME_MEANWHILE: list[Step] = [
    Pull("web-1"),
    Disturbed(Build(0), 3, (Pull("web-2"), Build(0))),
]
"""An hour has been read, and then it is published by someone else, with more lines."""
LATE: list[Step] = [Pull("web-1"), Run(0), Run(1), Run(2), Pull("web-2", 5), Run(2), Pull("web-2")]
"""The second server's lines come when all is built."""
KILLED: list[Step] = [
    *(Disturbed(Pull("web-1"), 3), Pull("web-1"), Build(0)),
    *(Disturbed(Build(1), 6), Pull("web-2"), Disturbed(Build(0), 8)),
]
"""Killed in a pull, in the middle of a publication, and before its last commit."""
RANGES: list[Step] = [
    *(Pull("web-1"), Build(1), Pull("web-2"), Disturbed(Range(0, 2), 8)),
    *(Pull("web-1", 5), Disturbed(Range(0, 1), 6, (Build(1), Build(2)))),
]
"""Hours in one go: killed between two commits, and some published by someone else meanwhile."""
SCHEDULES = (BACKWARDS, SAME_MEANWHILE, LATE, KILLED, RANGES)

_plain = st.one_of(
    st.builds(Pull, st.sampled_from(HOSTS), st.integers(1, 10)),
    st.builds(Build, st.integers(0, HOURS - 1)),
    st.builds(Range, st.integers(0, 1), st.integers(1, HOURS - 1)),
    st.builds(Run, st.integers(0, HOURS - 1)),
)
schedules = st.lists(
    _plain
    | st.builds(Disturbed, _plain, st.integers(0, 25), st.lists(_plain, max_size=2).map(tuple)),
    min_size=3,
    max_size=7,
)


class Worlds:
    """Lakes with the same visitor keys, and what they come to when all is built at once."""

    def __init__(self, base: Settings, directory: Path) -> None:
        self._base, self._directory, self._made = base, directory, 0
        self._traffics = some_traffics()
        self._at_once: dict[int, tuple[Traffic, Answers]] = {}

    def new(self, traffic: Traffic) -> World:
        """An empty lake, and servers that have logged nothing yet."""
        self._made += 1
        name = str(self._made)
        lake = open_lake(beside(self._base, name), aws_session())
        return World(lake, traffic, self._directory / name)

    def at_once(self, seed: int) -> tuple[Traffic, Answers]:
        """Some traffic, and what a lake answers in which the whole range was built in order."""
        if seed not in self._at_once:
            traffic = self._traffics[seed]
            self._at_once[seed] = traffic, self._built_in_order(self.new(traffic))
        return self._at_once[seed]

    def _built_in_order(self, world: World) -> Answers:
        for step in ALL:
            world.do(step, world.lake)
        build_all(world.lake, FIRST, world.traffic.last, "at once")
        found = dict(answers(world.lake))
        assert of_lake(world.lake) == expected(world.traffic)
        return found


def of_lake(lake: Lake) -> Facts:
    return facts(ASKED_OF_LAKE, lambda sql: athena.query(lake, sql).rows)


def some_traffics() -> list[Traffic]:
    """Generated traffic; first what has many lines on both servers."""
    found: list[Traffic] = []

    @examples(times=3, phases=[Phase.generate], database=None)
    @given(traffics(HOURS))
    def collect(traffic: Traffic) -> None:
        found.append(traffic)

    collect()
    return sorted(found, key=lambda one: min(map(len, one.logs.values())), reverse=True)


@pytest.fixture(scope="module")
def worlds(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    directory = tmp_path_factory.mktemp("worlds")
    base = settings_of_a_lake(local_aws.endpoint, directory)
    patient = BotSettings(
        pages_in_a_minute=10**6, pages_without_asset=10**6, pages_without_referrer=10**6
    )
    return Worlds(base.model_copy(update={"bots": patient}), directory)


def assert_ends_the_same(worlds: Worlds, schedule: list[Step], seed: int = 0) -> None:
    traffic, at_once = worlds.at_once(seed)
    world = worlds.new(traffic)
    world.carry_out(schedule)
    assert_answers(world.lake, at_once)
    assert verify(world.lake).is_proven


@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(NEIGHBOUR_MEANWHILE, marks=pytest.mark.lake),
        *(pytest.param(one, marks=pytest.mark.deep) for one in SCHEDULES),
    ],
)
def test_schedules_that_need_every_rule_end_with_the_same_answers(
    worlds: Worlds, schedule: list[Step]
) -> None:
    assert_ends_the_same(worlds, schedule)


@pytest.mark.lake
@examples(times=0.2)
@given(schedule=schedules, seed=st.integers(0, min(TIMES, 10) - 1))
def test_any_schedule_ends_with_the_same_answers(
    worlds: Worlds, schedule: list[Step], seed: int
) -> None:
    assert_ends_the_same(worlds, schedule, seed)


def each_hour_alone(_parts: pa.Table, _hour: Hour, _gap: int) -> pa.Table:
    return sessions.no_carry()


look_both_ways = publish.first_broken_hour
publish_hours = publish.publish_hours
build_rows = batch.build_rows


def no_session_of_a_range_continues(*requests_and_rules: Any) -> Any:
    tables = build_rows(*requests_and_rules)
    parts = tables[SESSION_PARTS]
    place = parts.schema.get_field_index("session_id")
    alone = parts.set_column(place, parts.schema.field(place), parts["part_id"])
    return {**tables, SESSION_PARTS: alone}


def late_lines_stay_out(_lake: Lake, hour: Hour) -> Due:
    return Due([hour], left_waiting=[])


def no_look_left(lake: Lake, first: Hour, last: Hour) -> Hour | None:
    found = look_both_ways(lake, first, last)
    return None if found == first else found


def no_look_right(lake: Lake, first: Hour, last: Hour) -> Hour | None:
    found = look_both_ways(lake, first, last)
    return found if found == first else None


def published_whatever_happened(lake: Lake, hours: Sequence[Publication], *more: Any) -> Any:
    now = {one.hour: hour_ledger.ledger_row(lake, one.hour).version for one in hours}
    return publish_hours(lake, [replace(one, version=now[one.hour]) for one in hours], *more)


WRONG: list[tuple[Any, str, Callable[..., Any], list[Step]]] = [
    (sessions, "carry_out", each_hour_alone, BACKWARDS),
    (publish, "first_broken_hour", no_look_left, NEIGHBOUR_MEANWHILE),
    (publish, "first_broken_hour", no_look_right, BACKWARDS),
    (world_steps, "hours_to_build", late_lines_stay_out, LATE),
    (publish, "publish_hours", published_whatever_happened, SAME_MEANWHILE),
    (batch, "build_rows", no_session_of_a_range_continues, [*ALL, Range(0, 2)]),
]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("room", "name", "wrong", "schedule"),
    WRONG,
    ids=[wrong.__name__ for _, _, wrong, _ in WRONG],
)
def test_the_property_fails_for_a_wrong_pipeline(
    worlds: Worlds,
    room: Any,
    name: str,
    wrong: Callable[..., Any],
    schedule: list[Step],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of the schedules above no longer ends as it must."""
    worlds.at_once(0)
    monkeypatch.setattr(room, name, wrong)
    if room is sessions:
        monkeypatch.setattr(carry, name, wrong)  # links are judged in there
    with pytest.raises(AssertionError):
        assert_ends_the_same(worlds, schedule)
