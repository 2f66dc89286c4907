"""The type of a metric's definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.dashboard.ask.fact_views import FactView

Format = Literal[
    "count",
    "share",
    "seconds",
    "milliseconds",
    "moment",
    "bytes",
    "cents",
    "amount",
    "decimal",
]
"""`cents` are hundredths of the site's currency, `amount` those of the currency of a row."""

Good = Literal["up", "down", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number that a panel can show.

    `sql` computes it over the rows of the fact view `facts`. For readers, `definition` states in a
    sentence how it is counted, `answers` is the question that it answers for the owner, and
    `limits` states what it can't show. A value is unknown in a group of fewer rows than
    `smallest_group`; `size_sql` counts them. `interval` explains the interval that some panels show
    beside the value. `is_additive` means that the values of the parts sum to the value of the
    whole. With `is_of_goal`, `sql` reads `met_goal`: whether a visit met the question's goal.
    `days_sql` computes the same value over `visit_days`; empty if these sums lack it.
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
    size_sql: str = "count(*)"
    interval: str = ""
    is_additive: bool = False
    is_of_goal: bool = False
    days_sql: str = ""

    @property
    def shown_sql(self) -> str:
        """SQL for the value that readers may see: null in too small a group."""
        if not self.smallest_group:
            return self.sql
        return f"case when {self.size_sql} >= {self.smallest_group} then {self.sql} end"

    @property
    def shown_days_sql(self) -> str:
        """SQL over `visit_days` for the value that readers may see."""
        if not self.smallest_group:
            return self.days_sql
        return f"case when sum(visits) >= {self.smallest_group} then {self.days_sql} end"
