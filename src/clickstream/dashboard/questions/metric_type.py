"""The type of a metric's definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.dashboard.questions.fact_views import FactView

Format = Literal["count", "share", "seconds", "milliseconds", "moment"]
Good = Literal["up", "down", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number that a panel can show.

    `sql` computes it over the rows of the fact view `facts`. For readers, `definition` states in a
    sentence how it is counted, `answers` is the question that it answers for the owner, and
    `limits` states what it can't show. A share of fewer than `smallest_group` visits is not shown.
    `is_additive` means that the values of the parts sum to the value of the whole. With
    `is_of_goal`, `sql` reads `met_goal`: whether a visit met the question's goal.
    """

    name: str
    facts: FactView
    label: str
    sql: str
    definition: str
    answers: str
    limits: str = ""
    format: Format = "count"
    good: Good = "up"
    smallest_group: int = 0
    is_additive: bool = False
    is_of_goal: bool = False
