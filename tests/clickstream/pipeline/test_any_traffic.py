"""Sessions cut hour by hour are those of the whole log at once, whatever the traffic is like.

The real steps run over one hour's lines after another's; the oracle reads all lines in one go, in
plain SQL. What each rule is worth is shown by breaking it: the property must notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.hourly import built_hourly
from tests.support.observed import OF_TABLES, expected, facts
from tests.support.traffic import PAUSES_OF_HOURS, Traffic, traffics

from clickstream import sessions
from clickstream.core.hours import Hour
from clickstream.sessions import SessionRules, carry_out, no_carry, stitch
from clickstream.sessions.runs import run_starts

lexsort = np.lexsort
cut_module = import_module("clickstream.sessions.cut")  # the package has a function of that name

RULES = SessionRules(1800, 12)
STRICT_RULES = st.builds(SessionRules, st.sampled_from((900, 1800)), st.sampled_from((1, 2)))
PATIENT_RULES = st.builds(
    SessionRules, st.sampled_from((1800, 7200, 28800)), st.sampled_from((2, 9, 16))
)


def assert_as_expected(traffic: Traffic, rules: SessionRules) -> None:
    with built_hourly(traffic, rules) as tables:
        found = facts(OF_TABLES, lambda sql: tables.execute(sql).fetchall())
    right = expected(traffic, rules.timeout_seconds, rules.cap_hours)
    for name, rows in found.items():
        assert rows == right[name], name


@given(traffics())
def test_any_traffic_has_the_sessions_of_the_oracle(traffic: Traffic) -> None:
    assert_as_expected(traffic, RULES)


@given(traffics(), STRICT_RULES)
def test_any_traffic_with_strict_rules_has_the_sessions_of_the_oracle(
    traffic: Traffic, rules: SessionRules
) -> None:
    assert_as_expected(traffic, rules)


@pytest.mark.lake
@examples(times=0.6)
@given(traffics(hours=30, most=8, pauses=PAUSES_OF_HOURS), PATIENT_RULES)
def test_sessions_of_more_than_a_day_are_those_of_the_oracle(
    traffic: Traffic, rules: SessionRules
) -> None:
    assert_as_expected(traffic, rules)


def each_hour_alone(parts: pa.Table, _carry: pa.Table, rules: SessionRules) -> pa.Table:
    return stitch(parts, no_carry(), rules)


def exactly_the_gap_ends_a_run(keys: Any, moments: Any, gap: int) -> Any:
    return run_starts(keys, moments, gap - 1)


def ties_in_reverse(keys: tuple[Any, ...]) -> Any:
    return lexsort((-np.arange(len(keys[0])), *keys))


def exactly_the_gap_ends_at_the_edge(
    parts: pa.Table, carry: pa.Table, rules: SessionRules
) -> pa.Table:
    return stitch(parts, carry, replace(rules, timeout_seconds=rules.timeout_seconds - 1))


def capped_before_it_is_old(parts: pa.Table, hour: Hour, rules: SessionRules) -> pa.Table:
    return carry_out(parts, hour, replace(rules, cap_hours=rules.cap_hours - 1))


def capped_at_any_hour(parts: pa.Table, hour: Hour, rules: SessionRules) -> pa.Table:
    carry = carry_out(parts, hour, rules)
    age = np.datetime64(hour.next.naive) - carry["session_started_at"].to_numpy()
    return carry.filter(pa.array(age < np.timedelta64(rules.cap_hours, "h")))


def a_new_key_is_a_new_visitor(parts: pa.Table, carry: pa.Table, rules: SessionRules) -> pa.Table:
    by_new_id = parts.set_column(
        parts.schema.get_field_index("carried_as"), "carried_as", parts["visitor_id"]
    )
    return stitch(by_new_id, carry, rules)


def only_the_hour_before_hands_on(parts: pa.Table, hour: Hour, rules: SessionRules) -> pa.Table:
    return carry_out(parts, hour, replace(rules, timeout_seconds=min(rules.timeout_seconds, 3600)))


WRONG: list[tuple[Any, str, Callable[..., Any]]] = [
    (sessions, "stitch", each_hour_alone),
    (cut_module, "run_starts", exactly_the_gap_ends_a_run),
    (np, "lexsort", ties_in_reverse),
    (sessions, "stitch", exactly_the_gap_ends_at_the_edge),
    (sessions, "carry_out", capped_before_it_is_old),
    (sessions, "carry_out", capped_at_any_hour),
    (sessions, "stitch", a_new_key_is_a_new_visitor),
]
WRONG_FOR_GAPS_OF_HOURS: list[tuple[Any, str, Callable[..., Any]]] = [
    (sessions, "carry_out", only_the_hour_before_hands_on),
    (sessions, "stitch", exactly_the_gap_ends_at_the_edge),
    (sessions, "stitch", a_new_key_is_a_new_visitor),
]
SHORT = (traffics(), STRICT_RULES)
LONG = (traffics(hours=12, most=6, pauses=PAUSES_OF_HOURS), PATIENT_RULES)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("room", "name", "wrong", "tried"),
    [(*one, SHORT) for one in WRONG] + [(*one, LONG) for one in WRONG_FOR_GAPS_OF_HOURS],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_the_property_fails_for_wrong_sessions(
    room: Any,
    name: str,
    wrong: Callable[..., Any],
    tried: tuple[st.SearchStrategy[Any], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, name, wrong)
    some = examples(times=20, phases=[Phase.generate], report_multiple_bugs=False, database=None)
    with pytest.raises(AssertionError):
        some(given(*tried)(assert_as_expected))()
