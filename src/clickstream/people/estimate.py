"""Estimate the number of people of a date, with an interval that includes what no log can decide.

Machines that imitate people in every field, and a crowd of people that leaves at once, look the
same. The interval therefore reaches from what the proved visitors explain by habit to everything
that no decided cohort excludes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clickstream.people.coded_columns import CodedColumn, Numbers
from clickstream.people.habits import Habit, StepHabit
from clickstream.people.visitors import CHANNEL, DEVICE, Proof

_TWO_SIDED = 1.96
"""Standard deviations of an interval that holds 95 % of normal values."""

_LEAST_NOISE = 0.02
"""Least error of the number of people if any cohort is suspected, as a share."""


@dataclass(frozen=True)
class PeopleEstimate:
    """The visitors of a date: counted, kept as people, and the interval of the number of people.

    `low` and `high` are a 95 % interval as far as the habits of the site are right.
    """

    counted: int
    kept: float
    low: float
    high: float

    @property
    def suspected(self) -> float:
        """The number of suspected machines."""
        return self.counted - self.kept


def estimate_people(
    visitors: pd.DataFrame, weight: Numbers, highest: Numbers, variance: float, habit: Habit
) -> PeopleEstimate:
    """Estimate the number of people from the visitors and their expected shares of people.

    `highest` has the shares without the undecided cohorts, and `variance` is that of the number of
    people in cohorts.
    """
    kept = float(weight.sum())
    noise = _TWO_SIDED * float(np.sqrt(variance))
    if variance:  # a few people may act like the members of a cohort
        noise = float(np.hypot(noise, _LEAST_NOISE * kept))
    proof = visitors["proof"].to_numpy()
    proved = np.where(proof >= Proof.WEAK, weight, 0.0)
    strong = np.where(proof == Proof.STRONG, weight, 0.0)
    kind = CodedColumn.of(visitors[DEVICE]).pair_with(CodedColumn.of(visitors[CHANNEL]))
    least = min(
        kept - noise,
        _least(kind, proved, (habit.unproved,), habit.fewest_people),
        _least(kind, strong, (habit.weak, habit.unproved), habit.fewest_people),
    )
    low = max(least, float(strong.sum()))
    high = min(float(highest.sum()) + noise, float(len(visitors)))
    return PeopleEstimate(len(visitors), kept, min(low, kept), max(high, kept))


def _least(
    kind: CodedColumn, proved: Numbers, steps: tuple[StepHabit, ...], fewest: float
) -> float:
    """Return the lower bound of the people that the proved visitors explain by habit.

    If the proved visitors are too few to show anything, it is the number of a date with few people.
    """
    per_proved = np.ones(len(proved))
    for step in steps:
        per_proved *= 1 + step.ratio_of(kind.labels)[kind.codes] * step.lowest / step.site_ratio
    noise = _TWO_SIDED * float(np.sqrt((proved * per_proved**2).sum()))
    bound = float((proved * per_proved).sum()) - noise
    return bound if bound > noise else max(bound, fewest)
