"""Visits, goals and funnel of signed agents, from rows of their facts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
from tests.clickstream.dashboard.builders import SCHEMAS, FactStore, fact_tables
from tests.support.cases import each_case

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import build_question

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
COLUMNS = ("agent", "goal", "step", "sessions", "page_views")
ROWS = [
    ("a.example", None, None, 5, 20),
    ("a.example", "order", None, 2, 11),
    ("a.example", "newsletter", None, 1, 3),
    ("a.example", None, 1, 4, 19),
    ("a.example", None, 2, 2, 11),
    ("b.example", None, None, 1, 1),
]


def store() -> FactStore:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    dated = [row | {"local_date": DAY, "session_date": DAY} for row in rows]
    other = [row | {"local_date": NEXT, "session_date": NEXT} for row in rows]
    tables = fact_tables()
    for day, some in ((DAY, dated), (NEXT, other)):
        tables["agent_facts", day] = pa.Table.from_pylist(some, SCHEMAS["agent_facts"])
    return FactStore(tables)


@each_case(
    "metrics, by, expected",
    [
        (
            ("agent_visits", "agent_page_views"),
            ("signed_agent",),
            [("a.example", 5, 20), ("b.example", 1, 1)],
        ),
        (("agent_visits", "agent_goal_visits", "agent_step_visits"), (), [(6, 3, 6)]),
        (("agent_goal_visits",), ("agent_goal",), [("order", 2), ("newsletter", 1), (None, 0)]),
        (("agent_step_visits",), ("agent_step",), [(1, 4), (2, 2), (None, 0)]),
    ],
)
def test_numbers_of_agents_on_a_date(
    metrics: tuple[str, ...], by: tuple[str, ...], expected: list[tuple[Any, ...]]
) -> None:
    with store().copy.snapshot() as reader:
        assert reader.rows(build_question(metrics, by, Period(DAY, DAY))) == expected
