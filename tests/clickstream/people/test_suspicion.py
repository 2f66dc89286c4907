"""A crowd of people proves some of its own; a fleet of machines proves none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.people.builders import (
    DATE,
    LEAVES,
    LOOKS,
    NOTHING,
    READS,
    crowd,
    some,
    usual_habit,
    usual_people,
)

from clickstream.people import Habit, Proof, Suspicion, find_suspects, learn_habit, suspicion
from clickstream.people.suspicion import may_have_cohort

HABIT, NO_HABIT = usual_habit(), learn_habit(NOTHING, DATE)
PEOPLE = usual_people()
SPAM = {"channel": "Referral", "referrer": "spam.example"}
FLEETS = {
    "no files": some(300, "fleet", **LEAVES, assets="none", landing_assets="none"),
    "invented referrer": some(300, "fleet", **LEAVES, **SPAM),
    "one network": some(300, "fleet", **LEAVES).assign(network="fleet"),
    "one operator": some(300, "fleet", **LEAVES).assign(operator="host"),
    "one agent": some(300, "fleet", **LEAVES).assign(agent="old"),
    "direct, like people": some(300, "fleet", **LEAVES),
    "few, no header fields": some(60, "fleet", **LEAVES, header_fields=""),
    "two pages at once": some(300, "fleet", **LOOKS | {"rhythm": "2"}),
}
READERS = {"channel": "Referral", "referrer": "herald.example"}


def suspects(*groups: pd.DataFrame, **options: frozenset[str]) -> Suspicion:
    return find_suspects(pd.concat(groups), HABIT, **options)


def test_usual_people_are_not_suspected() -> None:
    found = suspects(PEOPLE)
    assert found.cohorts == ()
    assert found.people.kept == found.people.counted == len(PEOPLE)
    assert (found.visitors["share"] == 1).all()


@pytest.mark.parametrize("name", FLEETS)
def test_a_fleet_beside_usual_people_is_suspected(name: str) -> None:
    found = suspects(PEOPLE, FLEETS[name])
    assert found.people.kept == pytest.approx(len(PEOPLE), rel=0.05)
    assert found.people.low <= len(PEOPLE) <= found.people.high


@pytest.mark.parametrize("read_on", [0.12, 0.2, 0.4])
@pytest.mark.parametrize("size", [60, 900])
def test_a_crowd_of_which_some_read_on_is_kept(size: int, read_on: float) -> None:
    found = suspects(PEOPLE, crowd(size, "reader", read_on, **READERS, landing_page="/0"))
    assert found.people.kept >= 0.995 * found.people.counted


@pytest.mark.parametrize("share", [0.8, 0.5, 0.2])
def test_people_who_read_on_less_than_usual_are_kept(share: float) -> None:
    people, habit = usual_people(1200), usual_habit(number=1200)
    direct = crowd(600, "direct", 0.55 * share)
    found = find_suspects(pd.concat([direct, people[people["device"] == "mobile"]]), habit)
    assert found.cohorts == ()


def test_an_office_behind_one_network_is_kept() -> None:
    found = suspects(PEOPLE, crowd(80, "office").assign(network="office", hour="09"))
    assert found.cohorts == ()


def test_a_crowd_of_one_operator_is_kept() -> None:
    """Readers of a local newspaper have the same internet provider."""
    readers = crowd(300, "reader", 0.08, **READERS, landing_page="/0").assign(operator="carrier")
    assert suspects(PEOPLE, readers).cohorts == ()


@pytest.mark.parametrize("field", ["network", "operator"])
def test_visitors_of_unknown_networks_have_nothing_in_common(field: str) -> None:
    readers = crowd(300, "reader", 0.12, **READERS, landing_page="/0").assign(**{field: ""})
    assert suspects(PEOPLE, readers).cohorts == ()


def test_what_no_log_can_decide_is_in_the_interval() -> None:
    imitation = usual_people(600)
    found = suspects(PEOPLE, imitation[imitation["proof"] == Proof.NONE])
    assert found.people.low <= len(PEOPLE)
    assert found.people.high == pytest.approx(found.people.counted)
    assert not any(cohort.is_decided for cohort in found.cohorts)


def test_each_member_of_a_cohort_has_the_same_share() -> None:
    found = suspects(PEOPLE, FLEETS["one network"])
    (cohort,) = found.cohorts
    members = found.visitors[found.visitors["cohort"] == cohort.label]
    assert len(members) == cohort.counted == 300
    assert members["share"].nunique() == 1
    assert members["share"].sum() == pytest.approx(cohort.kept)
    assert cohort.label == "none: network=fleet"
    assert cohort.reason.startswith("300 visitors are alike in this. Of the others who arrived in ")
    expected, members = re.findall(r"about ([\d,]+) of the ([\d,]+)", cohort.reason)[0]
    assert int(expected) == round(cohort.kept) <= int(members) == 300


def test_an_overruled_cohort_is_kept_with_all_its_members() -> None:
    label = suspects(PEOPLE, FLEETS["one network"]).cohorts[0].label
    found = suspects(PEOPLE, FLEETS["one network"], overruled=frozenset({label}))
    assert found.cohorts == ()
    assert found.people.kept == found.people.counted


@pytest.mark.parametrize("name", ["no files", "invented referrer", "one network"])
def test_a_site_without_history_suspects_what_the_rest_of_the_date_contradicts(name: str) -> None:
    found = find_suspects(pd.concat([PEOPLE, FLEETS[name]]), NO_HABIT)
    assert found.people.kept == pytest.approx(len(PEOPLE), rel=0.05)
    assert found.people.high == pytest.approx(found.people.counted)  # the range is wide


def test_a_site_without_history_keeps_its_people() -> None:
    everyone = pd.concat([PEOPLE, crowd(300, "reader", 0.2, **READERS)])
    assert find_suspects(everyone, NO_HABIT).cohorts == ()


@pytest.mark.parametrize("habit", [HABIT, NO_HABIT])
def test_a_date_without_visitors_has_no_people(habit: object) -> None:
    found = find_suspects(PEOPLE.iloc[:0], habit)  # type: ignore[arg-type]
    assert (found.people.counted, found.people.kept, found.cohorts) == (0, 0.0, ())


@given(st.randoms(use_true_random=False), st.sampled_from([*FLEETS]), st.booleans())
def test_the_order_of_visitors_changes_nothing(rng: object, name: str, is_known: bool) -> None:
    visitors = pd.concat([PEOPLE, FLEETS[name]])
    order = list(visitors.index)
    rng.shuffle(order)  # type: ignore[attr-defined]
    habit = HABIT if is_known else NO_HABIT
    first, again = (find_suspects(some, habit) for some in (visitors, visitors.loc[order]))
    pd.testing.assert_frame_equal(first.visitors, again.visitors)
    assert (first.cohorts, first.people) == (again.cohorts, again.people)


@given(st.integers(20, 400), st.floats(0.3, 0.9), st.sampled_from([*FLEETS]))
def test_a_crowd_that_proves_itself_never_becomes_a_fleet(
    size: int, proved: float, name: str
) -> None:
    readers = crowd(size, "reader", proved, **READERS)
    found = suspects(PEOPLE, FLEETS[name], readers)
    assert found.visitors.loc[readers.index, "share"].sum() >= 0.97 * size


@given(st.integers(0, 300), st.integers(0, 300))
def test_more_machines_of_a_fleet_do_not_add_people(first: int, more: int) -> None:
    machines = some(first + more, "fleet", **LEAVES, assets="none", landing_assets="none")
    few, many = (suspects(PEOPLE, machines.iloc[:n]).people for n in (first, first + more))
    undetected = 12  # so few that chance explains them
    assert many.kept <= max(few.kept, len(PEOPLE) + undetected) + 1e-6
    assert few.low <= few.kept <= few.high


ACTIONS = [READS, LOOKS, LEAVES, LEAVES | {"assets": "none"}, LOOKS | {"rhythm": "2"}]
ARRIVALS = [{}, {"network": "fleet"}, {"agent": "old"}, SPAM, {"header_fields": ""}]
GROUPS = st.tuples(st.integers(1, 20), st.sampled_from(ACTIONS), st.sampled_from(ARRIVALS))
FEW_PEOPLE = usual_habit(number=20)


@given(st.lists(GROUPS, min_size=1, max_size=6), st.sampled_from([HABIT, FEW_PEOPLE, NO_HABIT]))
def test_no_date_with_a_cohort_is_left_out_of_the_search(
    groups: list[tuple[int, dict[str, Any], dict[str, str]]], habit: Habit
) -> None:
    visitors = pd.concat(
        some(number, f"group{place}", **action | arrival)
        for place, (number, action, arrival) in enumerate(groups)
    )
    found = find_suspects(visitors, habit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suspicion, "may_have_cohort", lambda *_: True)
        searched = find_suspects(visitors, habit)
    assert found.cohorts == searched.cohorts
    assert found.people == searched.people
    pd.testing.assert_frame_equal(found.visitors, searched.visitors)


@pytest.mark.parametrize(("number", "is_possible"), [(3, False), (7, False), (60, True)])
def test_a_cohort_of_usual_visitors_has_many_members(number: int, is_possible: bool) -> None:
    visitors = some(number, "one", **LEAVES)
    assert may_have_cohort(visitors, np.ones(number), HABIT.unproved, 4.0) is is_possible
