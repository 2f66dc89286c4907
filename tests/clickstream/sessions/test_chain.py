"""Hours in any order, with any gap and over a change of keys, make the sessions of the whole log.

The lake is a dictionary here; cutting, stitching, carries and links are those of the library.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.sessions.builders import Session, sessions_of

from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour
from clickstream.sessions import (
    SessionRules,
    cache_digests,
    carry_digest,
    carry_out,
    carry_rows,
    changes,
    drop_hours,
    no_carry,
    stitch,
)
from clickstream.sessions.carry import ChainLink

HOUR = 3600
UNSTITCHED = pa.schema(
    {
        **dict.fromkeys(("visitor_id", "carried_as", "part_id"), dictionary_encoding.TEXT),
        **dict.fromkeys(("first_hit_at", "last_hit_at"), pa.timestamp("us")),
        "requests": pa.int64(),
    }
)
FIRST = Hour(datetime(2026, 11, 20, 20, tzinfo=UTC))
LONGEST = 8

Hit = tuple[str, int]
"""A person, and seconds after FIRST."""


@dataclass(frozen=True)
class World:
    """Hits, rules, the hour that a new key holds from, and a schedule of builds.

    The lines of `late` hits come when half of the schedule is done. The `closed` hours have a key
    that no other hour has, which is destroyed when they are published; `renewals` counts how often
    they were given another one since.
    """

    hits: list[Hit]
    late: list[Hit]
    rules: SessionRules
    new_key_from: int
    schedule: list[int]
    closed: frozenset[int] = frozenset()
    renewals: int = 0


@st.composite
def worlds(draw: st.DrawFn) -> World:
    gap = draw(st.sampled_from([300, 1800, 3599, 3600, 3601, 7200, 9000, 28_800]))
    cap = draw(st.sampled_from([1, 3, 12]))
    pauses = st.sampled_from([0, 60, 900, gap - 1, gap, gap + 1, HOUR, 3 * HOUR])
    hits = []
    for person in draw(st.sets(st.sampled_from("ab"), min_size=1)):
        at = draw(st.integers(0, 4 * HOUR))
        for pause in draw(st.lists(pauses, max_size=10)):
            hits.append((person, at))
            at += pause
    last = max((at // HOUR for _, at in hits), default=0)
    late = [hit for hit in hits if draw(st.booleans())] if draw(st.booleans()) else []
    # Hours without lines need not be built.
    filled = st.sampled_from(sorted({at // HOUR for _, at in hits}) or [0])
    schedule = draw(st.lists(filled, max_size=8))
    return World(hits, late, SessionRules(gap, cap), draw(st.integers(0, last + 1)), schedule)


def visitor(person: str, hour: int, world: World) -> str:
    if hour in world.closed:
        return f"{person}-gone{world.renewals}"
    return f"{person}-{'new' if hour >= world.new_key_from else 'old'}"


def known_before(person: str, hour: int, world: World) -> str:
    """The id under the key before, if a session may still be open under that."""
    reach = FIRST.plus(hour).reaching_back(world.rules.timeout_seconds)
    earliest = int((reach.start - FIRST.start).total_seconds()) // HOUR
    closed = frozenset({earliest}) if hour in world.closed else frozenset()
    return visitor(person, earliest, replace(world, closed=closed))


def unstitched(hits: list[Hit], hour: int, world: World) -> pa.Table:
    """The parts of an hour, cut by hand."""
    parts: list[dict[str, object]] = []
    for person, at in sorted(hit for hit in hits if hit[1] // HOUR == hour):
        moment = FIRST.naive + timedelta(seconds=at)
        last = parts[-1] if parts else None
        name = visitor(person, hour, world)
        if last and last["visitor_id"] == name and at - last["at"] <= world.rules.timeout_seconds:
            last |= {"last_hit_at": moment, "at": at, "requests": last["requests"] + 1}
            continue
        moments = {"first_hit_at": moment, "last_hit_at": moment, "at": at, "requests": 1}
        ids = {"visitor_id": name, "carried_as": known_before(person, hour, world)}
        parts.append({**ids, **moments, "part_id": f"{name}@{at}"})
    return pa.Table.from_pylist(parts, UNSTITCHED)


@dataclass
class Lake:
    """Published parts and links by hour; raw hits that the hours are built from."""

    world: World
    raw: list[Hit]
    parts: dict[int, pa.Table] = field(default_factory=dict)
    links: dict[int, ChainLink] = field(default_factory=dict)
    built: list[int] = field(default_factory=list)

    def all_parts(self) -> pa.Table:
        """All published parts, with the columns of a carry-out."""
        return pa.concat_tables([no_carry(), *map(carry_rows, self.parts.values())])

    def build(self, number: int) -> None:
        """Publish an hour, and what it leaves astray, as `pipeline/order.py` does."""
        self.built.append(number)
        hour, rules = FIRST.plus(number), self.world.rules
        known = drop_hours(self.all_parts(), self.unknown_to(number))
        carry = carry_out(known, hour.previous, rules)
        made = stitch(unstitched(self.raw, number, self.world), carry, rules)
        rows = pa.concat_tables([carry, carry_rows(made)])
        digests = carry_digest(carry), carry_digest(carry_out(rows, hour, rules))
        self.parts[number] = made
        self.links[number] = ChainLink(hour, rules, *digests)
        if (astray := next(self.astray(number), None)) is not None:
            self.build(astray)

    def astray(self, number: int) -> Iterator[int]:
        parts = self.all_parts()
        for other in range(number, number + LONGEST + 1):
            link = self.link(other)
            if link and link.reach <= FIRST.plus(number) and not link.follows(cache_digests(parts)):
                yield other

    def link(self, number: int) -> ChainLink | None:
        """An hour's link, with what its neighbours are now."""
        if (link := self.links.get(number)) is None:
            return None
        near, unknown = self.reach(number), self.unknown_to(number)
        is_past_window = number in self.world.closed
        return replace(
            link,
            left_out=unknown,
            recognizes_none=len(near) == len(unknown),
            is_past_window=is_past_window,
        )

    def reach(self, number: int) -> list[int]:
        """The published hours that an hour may take over sessions from."""
        first = FIRST.plus(number).reaching_back(self.world.rules.timeout_seconds)
        return [other for other in self.parts if first <= FIRST.plus(other) < FIRST.plus(number)]

    def unknown_to(self, number: int) -> frozenset[Hour]:
        """The published hours in an hour's reach that have a key which it does not know."""
        closed = self.world.closed
        return frozenset(
            FIRST.plus(other)
            for other in self.reach(number)
            if (other in closed) != (number in closed)
        )

    def sessions(self) -> set[Session]:
        """(person, first, last, requests), the parts merged by session_id."""
        return sessions_of(self.parts.values(), FIRST)


def whole_log(world: World) -> set[Session]:
    """The same from the whole log at once, which knows only that long sessions end at midnight."""
    sessions: list[list] = []
    for person, at in sorted(world.hits):
        last = sessions[-1] if sessions else None
        if last and last[0] == person and at - last[2] <= world.rules.timeout_seconds:
            midnight = (at - 4 * HOUR) // (24 * HOUR) * 24 * HOUR + 4 * HOUR
            if midnight - last[1] < world.rules.cap_hours * HOUR:
                last[2:] = at, last[3] + 1
                continue
        sessions.append([person, at, at, 1])
    return {tuple(session) for session in sessions}


def carried_out(world: World) -> Lake:
    """A lake after the schedule, and a last build of the hours that got lines since."""
    half = len(world.schedule) // 2
    lake = Lake(world, [hit for hit in world.hits if hit not in world.late])
    for number in world.schedule[:half]:
        lake.build(number)
    lake.raw = world.hits
    for number in world.schedule[half:]:
        lake.build(number)
    waiting = {at // HOUR for _, at in world.hits} - {*world.schedule[half:]}
    for number in sorted(waiting, reverse=True):
        lake.build(number)
    return lake


@given(worlds())
def test_any_order_with_any_gap_makes_the_sessions_of_the_whole_log(world: World) -> None:
    lake = carried_out(world)
    assert lake.sessions() == whole_log(world)
    digests = cache_digests(lake.all_parts())
    assert all(link.follows(digests) and link.leads(digests) for link in lake.links.values())


@given(worlds(), st.sets(st.integers(0, 12)))
def test_hours_of_another_key_are_to_an_hour_as_if_they_were_not_there(
    world: World, closed: set[int]
) -> None:
    """Neither changes the other's sessions, in whatever order the open hours are built.

    Nor is an open hour built again when the closed ones are given new visitor ids.
    """
    hours = sorted({at // HOUR for _, at in world.hits})
    world = replace(world, closed=frozenset(closed), late=[])
    open_hits = [hit for hit in world.hits if hit[1] // HOUR not in closed]
    lake = Lake(world, world.hits)
    for number in closed.intersection(hours):
        lake.build(number)
    before = {**lake.parts}
    for number in [*world.schedule, *reversed(hours)]:
        if number not in closed:
            lake.build(number)
    assert all(lake.parts[number].equals(parts) for number, parts in before.items())
    alone = carried_out(replace(world, hits=open_hits, closed=frozenset(), schedule=[]))
    assert all(lake.parts[number].equals(parts) for number, parts in alone.parts.items())
    lake.world, lake.built = replace(world, renewals=1), []
    for number in before:
        lake.build(number)
    assert {*lake.built} <= closed
    assert all(lake.parts[number].equals(parts) for number, parts in alone.parts.items())
    digests = cache_digests(lake.all_parts())
    links = [link for number in lake.parts if (link := lake.link(number))]
    assert all(link.follows(digests) and link.leads(digests) for link in links)


def test_a_gap_reaches_back_over_hours_without_a_line() -> None:
    hits = [("a", 100), ("a", 100 + 2 * HOUR), ("a", 101 + 4 * HOUR)]
    world = World(hits, [], SessionRules(timeout_seconds=2 * HOUR, cap_hours=12), 1, [4, 2, 0])
    assert carried_out(world).sessions() == {
        ("a", 100, 100 + 2 * HOUR, 2),
        ("a", 101 + 4 * HOUR, 101 + 4 * HOUR, 1),
    }


def ids_of_hits(lake: Lake) -> dict[tuple[int, Hit], tuple[str, int]]:
    """For each hit the session it lies in, and how many requests that has in the hit's hour."""
    found = {}
    for number, parts in lake.parts.items():
        for part in parts.to_pylist():
            person = part["visitor_id"].partition("-")[0]
            for hit in lake.raw:
                moment = FIRST.naive + timedelta(seconds=hit[1])
                if hit[0] == person and part["first_hit_at"] <= moment <= part["last_hit_at"]:
                    found[number, hit] = part["session_id"], part["requests"]
    return found


def changed(before: pa.Table, after: pa.Table) -> pd.DataFrame:
    """The changes of one hour, whichever it is."""
    old, new = before.to_pandas(), after.to_pandas()
    return changes(old.assign(hour_at=FIRST.naive), new).drop(columns="hour_at")


@given(worlds())
def test_changes_are_what_became_of_the_sessions_of_every_request(world: World) -> None:
    early = [hit for hit in world.hits if hit not in world.late]
    before = carried_out(replace(world, hits=early, late=[]))
    after = carried_out(replace(world, late=[]))
    was, now = ids_of_hits(before), ids_of_hits(after)
    for number, parts in before.parts.items():
        told = changed(parts, after.parts[number])
        expected = {
            (was[number, hit][0], now[number, hit][0])
            for hit in early
            if hit[1] // HOUR == number and was[number, hit] != now[number, hit]
        }
        assert {*zip(told["old_session_id"], told["new_session_id"], strict=True)} == expected
        assert set(told["change"]) <= {"extended", "merged", "split", "renamed"}
    if early:
        whole = pa.concat_tables(before.parts.values())
        assert len(changed(whole, whole)) == 0


def test_a_late_line_between_two_sessions_merges_them() -> None:
    sides, between = [("a", 0), ("a", 3000)], ("a", 1500)
    world = World(sides, [], SessionRules(1800, 12), 1, [0])
    before = carried_out(world).parts[0]
    after = carried_out(replace(world, hits=[*sides, between])).parts[0]
    assert changed(before, after).to_dict("records") == [
        {"change": "extended", "old_session_id": "a-old@0", "new_session_id": "a-old@0"},
        {"change": "merged", "old_session_id": "a-old@3000", "new_session_id": "a-old@0"},
    ]


@st.composite
def changed_logs(draw: st.DrawFn) -> tuple[list[Hit], list[Hit], int, SessionRules]:
    """A log of three days, the same with some hours changed, the last of those, and the rules."""
    gap = draw(st.sampled_from([300, 1800, 7200, 28_800]))
    cap = draw(st.integers(1, 24 - -(-gap // HOUR)))
    log: list[Hit] = []
    for person in "ab":
        at = draw(st.integers(0, 20 * HOUR))
        steps = draw(
            st.lists(st.sampled_from([600, gap - 1, gap, gap + 1]), min_size=1, max_size=4)
        )
        while at < 3 * 24 * HOUR:
            log.append((person, at))
            at += steps[len(log) % len(steps)]
    changed = draw(st.sets(st.integers(0, 27), min_size=1, max_size=4))
    kept = [hit for hit in log if hit[1] // HOUR not in changed]
    added = [
        (person, number * HOUR + draw(st.integers(0, HOUR - 1)))
        for number in sorted(changed)
        for person in draw(st.sets(st.sampled_from("ab")))
    ]
    return log, kept + added, max(changed), SessionRules(gap, cap)


@given(changed_logs())
def test_a_change_ends_at_the_second_midnight_after_it(
    change: tuple[list[Hit], list[Hit], int, SessionRules],
) -> None:
    """Whatever lines some hours gain or lose, all hours after that midnight stay as they were."""
    log, other, last, rules = change
    second_midnight = 4 + 24 * ((last + 20) // 24 + 1)
    before, after = (sessions_by_hour(hits, rules) for hits in (log, other))
    later = [number for number in before if number >= second_midnight]
    assert {n: before[n] for n in later} == {n: after[n] for n in later}


def sessions_by_hour(hits: list[Hit], rules: SessionRules) -> dict[int, list[dict[str, object]]]:
    """The stitched parts of every hour, built one after the other."""
    world = World(hits, [], rules, 10_000, [])
    by_hour: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_hour[hit[1] // HOUR].append(hit)
    carry, found = no_carry(), {}
    for number in range(max(at for _, at in hits) // HOUR + 1):
        hour = FIRST.plus(number)
        made = stitch(unstitched(by_hour[number], number, world), carry, rules)
        carry = carry_out(pa.concat_tables([carry, carry_rows(made)]), hour, rules)
        found[number] = made.to_pylist()
    return found


@st.composite
def keyed_logs(draw: st.DrawFn) -> tuple[pa.Table, SessionRules, int]:
    """Draw the unstitched parts of some days in any order, the rules, and an hour of the log.

    Visitors have a new key after some hours, and are known by the key before as far as sessions
    reach, as in `known_before`.
    """
    gap, cap = draw(st.sampled_from([(600, 1), (1800, 12), (3 * HOUR, 18), (14_040, 3)]))
    key_hours = draw(st.sampled_from([4, 24, 10_000]))
    pauses = st.sampled_from([60, gap - 1, gap, gap + 1, gap // 2, 5 * HOUR])
    world = World([], [], SessionRules(gap, cap), 10_000, [])
    parts = []
    for person in "ab":
        at, hits = draw(st.integers(0, 4 * HOUR)), []
        for pause in draw(st.lists(pauses, max_size=40)):
            hits.append((person, at))
            at += pause
        for number in sorted({at // HOUR for _, at in hits}):
            hour = FIRST.plus(number)
            reach = hour.reaching_back(gap)
            for part in unstitched(hits, number, world).to_pylist():
                ids = {
                    "visitor_id": f"{person}-{hour.number // key_hours}",
                    "carried_as": f"{person}-{reach.number // key_hours}",
                }
                parts.append(part | ids)
    in_any_order = pa.Table.from_pylist(draw(st.permutations(parts)), UNSTITCHED)
    return in_any_order, world.rules, draw(st.integers(0, 60))


@given(keyed_logs())
def test_hours_that_are_stitched_together_have_the_sessions_of_hour_after_hour(
    log: tuple[pa.Table, SessionRules, int],
) -> None:
    """The parts of the hours from any one on are also stitched at once, to the same carry-in."""
    parts, rules, first_together = log
    of_parts = parts["first_hit_at"].to_numpy().astype("M8[h]").astype(int) - FIRST.number
    carry, alone = no_carry(), []
    for number in range(max(of_parts, default=0) + 1):
        if number == first_together:
            carry_in, alone = carry, []
        made = stitch(parts.filter(pa.array(of_parts == number)), carry, rules)
        alone += made.to_pylist()
        rows = pa.concat_tables([carry, carry_rows(made)])
        carry = carry_out(rows, FIRST.plus(number), rules)
    if first_together > max(of_parts, default=0):
        first_together, carry_in = 0, no_carry()
    together = stitch(parts.filter(pa.array(of_parts >= first_together)), carry_in, rules)
    by_part = operator.itemgetter("part_id")
    assert sorted(together.to_pylist(), key=by_part) == sorted(alone, key=by_part)
    rows = pa.concat_tables([carry_in, carry_rows(together)])
    last = FIRST.plus(max(of_parts, default=0))
    assert carry_digest(carry_out(rows, last, rules)) == carry_digest(carry)
