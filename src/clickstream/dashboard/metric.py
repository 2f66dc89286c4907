"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.dashboard.fact_views import FactView

Format = Literal["count", "share", "seconds", "moment"]
Good = Literal["up", "down", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number that can be asked.

    `sql` is its expression over the rows of `facts`. `definition` says in a sentence how it is
    counted, `answers` the owner's question, `limits` what it can't tell. A share of fewer than
    `smallest_group` visits is not shown. `is_additive`: the values of parts add up to the whole.
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
