"""Goals and the funnel come to the same, however a session is cut into parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.sessions.builders import build_parts, made

from clickstream.sessions import Goal, SessionRules, cut, make_parts, no_carry
from clickstream.sessions.goals import funnel_column, goal_columns
from clickstream.tables.table_type import ARROW

Request = tuple[str, str, str, int]
"""Page, kind, method, status."""

requests = st.lists(
    st.tuples(
        st.sampled_from(["/", "/menu", "/menu/tea", "/order"]),
        st.sampled_from(["page", "page", "other"]),
        st.sampled_from(["GET", "POST"]),
        st.sampled_from([200, 304]),
    ),
    min_size=1,
    max_size=25,
)
goals = st.builds(
    Goal,
    name=st.just("a"),
    page=st.sampled_from(["/", "/menu", "/menu.*", "/order", "/order|/menu", "/menu/[a-z]"]),
    kind=st.sampled_from(["page", "page", "other"]),
    method=st.sampled_from([None, None, "POST"]),
    status=st.sampled_from([None, None, 304]),
)
funnels = st.lists(goals, max_size=9)


def frame(rows: list[Request]) -> pd.DataFrame:
    """The requests as `clean` hands them on."""
    page, kind, method, status = zip(*rows, strict=True)
    texts = {"page": page, "kind": kind, "method": method}
    columns = {name: pd.Categorical(pd.array(column, "str")) for name, column in texts.items()}
    return pd.DataFrame({**columns, "status": np.array(status, np.int16)})


def meets(request: Request, goal: Goal) -> bool:
    page, kind, method, status = request
    return (
        re.fullmatch(goal.page, page) is not None
        and kind == goal.kind
        and goal.method in (None, method)
        and goal.status in (None, status)
    )


def reached(rows: Iterable[Request], steps: list[Goal], before: int = 0) -> int:
    """One request after the other: the next step, or nothing."""
    for request in rows:
        before += before < len(steps) and meets(request, steps[before])
    return before


def cut_into_parts(
    rows: list[Request], cuts: set[int]
) -> tuple[np.ndarray, np.ndarray, list[list[Request]]]:
    """Where parts begin and end that are cut before some requests, and the parts."""
    first = np.array(sorted({0} | {at for at in cuts if at < len(rows)}), np.int64)
    after = np.append(first[1:], len(rows))
    return first, after - 1, [rows[a:b] for a, b in zip(first, after, strict=True)]


@given(requests, st.sets(st.integers(1, 24)), funnels)
def test_a_part_says_where_it_leads_from_any_step(rows, cuts, steps) -> None:
    first, last, parts = cut_into_parts(rows, cuts)
    column = funnel_column(frame(rows), first, last, steps).to_pylist()
    if not steps:
        assert column == [None] * len(first)
        return
    for after, part in zip(column, parts, strict=True):
        assert after == [reached(part, steps, n) for n in range(len(steps) + 1)]


@given(requests, st.sets(st.integers(1, 24)), funnels.filter(bool))
def test_parts_one_after_the_other_lead_where_the_session_does(rows, cuts, steps) -> None:
    first, last, _ = cut_into_parts(rows, cuts)
    so_far = 0
    for after in funnel_column(frame(rows), first, last, steps).to_pylist():
        so_far = after[so_far]
    assert so_far == reached(rows, steps)


@given(requests, st.sets(st.integers(1, 24)), st.lists(goals, max_size=4), st.permutations("dcba"))
def test_goals_of_parts_add_up_to_those_of_the_session(rows, cuts, some, names) -> None:
    named = [
        Goal(name, g.page, g.kind, g.method, g.status) for name, g in zip(names, some, strict=False)
    ]
    first, _, _ = cut_into_parts(rows, cuts)
    made_columns = goal_columns(frame(rows), first, named)
    found: Counter[str] = Counter()
    for entries in made_columns["goals"].drop_null().to_pylist():
        assert entries
        assert entries == sorted(entries)
        assert all(times for _, times in entries)
        found.update(dict(entries))
    expected = Counter(goal.name for goal in named for request in rows if meets(request, goal))
    assert found == expected
    assert made_columns["conversions"].sum() == expected.total()


def test_a_step_counts_only_after_the_one_before() -> None:
    steps = [Goal("menu", "/menu"), Goal("order", "/order")]
    get = ("page", "GET", 200)
    backwards = [("/order", *get), ("/menu", *get)]
    column = funnel_column(frame(backwards), np.array([0]), np.array([1]), steps)
    assert column.to_pylist() == [[1, 2, 2]]
    again = [*backwards, ("/order", *get)]
    column = funnel_column(frame(again), np.array([0]), np.array([2]), steps)
    assert column.to_pylist() == [[2, 2, 2]]


@pytest.mark.parametrize("rows", [[], [("a", 5)]])
def test_without_goals_and_funnel_nothing_is_met(rows) -> None:
    parts = build_parts(made(rows), no_carry(), SessionRules(1800, 12))
    assert parts["conversions"].tolist() == [0] * len(rows)
    assert parts["goals"].isna().all()
    assert parts["funnel"].isna().all()


def test_no_request_meets_no_goal() -> None:
    rules = SessionRules(1800, 12, goals=(Goal("order", "/"),), funnel=(Goal("menu", "/"),))
    nothing = made([], method=[], status=[])
    parts = make_parts(nothing, cut(nothing, rules), rules)
    assert len(parts) == 0
    assert parts.schema.field("goals").type == ARROW["map<string, long>"]
    assert parts.schema.field("funnel").type == ARROW["list<long>"]


def test_the_order_of_goals_in_the_settings_makes_no_difference() -> None:
    some = [Goal("order", "/order"), Goal("all", "/.*"), Goal("menu", "/menu")]
    rows = frame([(page, "page", "GET", 200) for page in ("/menu", "/order", "/")])
    first = np.array([0, 2])
    forward, backward = (goal_columns(rows, first, each)["goals"] for each in (some, some[::-1]))
    assert forward.to_pylist() == [[("all", 2), ("menu", 1), ("order", 1)], [("all", 1)]]
    assert forward.equals(backward)
