"""Find the suspected cohorts of a date, and the expected share of people of each visitor.

A crowd of people proves some of its own; a fleet of machines proves none. So the cell with the
strongest evidence becomes a suspected cohort, down to what its own proved visitors explain. Then
all cells are looked at again, until the rest fits. A cohort is labelled, never a single visitor:
each of its members without proof is a person with the same share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS, REASON, CohortLabel
from clickstream.people.cells import (
    ExplainedCells,
    count_candidates,
    evidence_against,
    explain_cells,
)
from clickstream.people.coded_columns import CodedColumn, Numbers
from clickstream.people.counts import ALL
from clickstream.people.estimate import PeopleEstimate, estimate_people
from clickstream.people.groupings import Grouping, cell_values, groupings
from clickstream.people.habits import Habit, StepHabit
from clickstream.people.steps import StepVisitors, step_visitors
from clickstream.people.visitors import MECHANICAL, Proof

FALSE_SHARE = 0.01
"""Share of suspected cohorts that chance may explain (Benjamini and Hochberg, 1995)."""

LEAST_EXCESS, LEAST_EXCESS_SHARE, ENOUGH_EXCESS = 4.0, 0.01, 25.0
"""A cohort has at least this many machines: 1 % of the visitors, but between 4 and 25.

Odd habits of a few people, such as a tablet that reloads the menu all day, are no fleet."""

DISPERSION = 1.3
"""Variance of the counts of kinds relative to chance, beyond the spread of usual dates: visits are
not independent."""

COMMON_ACTION = 0.2
"""From this share of usual visitors on, an action does not distinguish machines from people."""

_MOST_COHORTS = 200


@dataclass(frozen=True)
class SuspectedCohort:
    """A suspected cohort: visitors of a date that share the `values` of one to three `fields`.

    `step` is the proof of its members: WEAK or NONE. `counted` is their number before this cohort,
    `references` the number of visitors with more proof of the same arrival, and `explained` how
    many members these explain. `kept` is the expected number of people among the members.
    `is_decided` is false if people could also explain the members, as a crowd that leaves at once,
    and always on a site without history.
    """

    step: Proof
    fields: tuple[str, ...]
    values: tuple[str, ...]
    counted: float
    references: float
    explained: float
    kept: float
    is_decided: bool

    @property
    def label(self) -> str:
        """A text that identifies the cohort among those of its date, also after late lines."""
        values = dict(zip(self.fields, self.values, strict=True))
        return str(CohortLabel(self.step.name.lower(), values))

    @property
    def reason(self) -> str:
        """The evidence in words."""
        numbers = {"members": self.counted, "proved": self.references, "explained": self.kept}
        return REASON.format(**{name: f"{number:,.0f}" for name, number in numbers.items()})


@dataclass(frozen=True)
class Suspicion:
    """The result for a date.

    `visitors` has `share` (expected share of people, 1 if not suspected) and `cohort` (label of the
    first suspected cohort, None if not suspected) by visitor id. `cohorts` are in the order in
    which they were found, the strongest evidence first.
    """

    visitors: pd.DataFrame
    cohorts: tuple[SuspectedCohort, ...]
    people: PeopleEstimate


def find_suspects(
    visitors: pd.DataFrame, habit: Habit, overruled: frozenset[str] = frozenset()
) -> Suspicion:
    """Find the suspected cohorts among a date's visitors, as `visitors_of_date` returns them.

    `overruled` has labels of cohorts that a person has decided to keep. The result is the same for
    any order of the visitors.
    """
    ordered = visitors.sort_index()
    search = _Search(ordered, overruled)
    proof = ordered["proof"].to_numpy()
    is_weak = proof == Proof.WEAK
    if not habit.is_known:  # a weak proof is doubted only if there was no time to read
        is_weak &= ordered["rhythm"].isin(MECHANICAL).to_numpy()
    search.run(Proof.WEAK, habit.weak, is_weak, proof == Proof.STRONG)
    search.run(Proof.NONE, habit.unproved, proof == Proof.NONE, proof >= Proof.WEAK)
    found = pd.DataFrame({"share": search.weight, "cohort": search.label}, ordered.index)
    people = estimate_people(ordered, search.weight, search.highest, search.variance, habit)
    return Suspicion(found, tuple(search.cohorts), people)


class _Search:
    """The state of the search: the weight of each visitor, and the cohorts so far.

    `highest` has the weights if only the decided cohorts are suspected. `variance` is that of the
    number of people kept in cohorts.
    """

    def __init__(self, visitors: pd.DataFrame, overruled: frozenset[str]) -> None:
        self._visitors = visitors
        self._kept = _members_of(visitors, overruled)
        share = LEAST_EXCESS_SHARE * len(visitors)
        self._least_excess = max(LEAST_EXCESS, min(share, ENOUGH_EXCESS))
        self.weight = np.ones(len(visitors))
        self.highest = np.ones(len(visitors))
        self.label = np.full(len(visitors), None, dtype=object)
        self.variance = 0.0
        self.cohorts: list[SuspectedCohort] = []

    @cached_property
    def _columns(self) -> dict[str, CodedColumn]:
        names = (*ARRIVAL_FIELDS, *ACTION_FIELDS)
        return {name: CodedColumn.of(self._visitors[name]) for name in names}

    @cached_property
    def _groupings(self) -> list[Grouping]:
        return [*groupings(self._columns)]

    def run(
        self,
        proof: Proof,
        habit: StepHabit,
        candidates: NDArray[np.bool_],
        references: NDArray[np.bool_],
    ) -> None:
        """Find the cohorts of one step and reduce the weights of their members.

        Without history, what people explain depends on the other visitors of the date. It is
        computed again without the cohorts found so far, until no further cohort is found.
        """
        candidates = candidates & ~self._kept
        # Most dates of a small site have fewer candidates than the smallest cohort has members.
        is_new = float(self.weight[candidates].sum()) >= self._least_excess
        while is_new and len(self.cohorts) < _MOST_COHORTS:
            before = len(self.cohorts)
            step = step_visitors(self._columns, self.weight, candidates, references, habit)
            cells = explain_cells(self._groupings, step)
            while len(self.cohorts) < _MOST_COHORTS:
                found = self._strongest(proof, cells, step)
                if found is None:
                    break
                self._suspect(step, *found)
            is_new = not habit.is_known and len(self.cohorts) > before

    def _strongest(
        self, proof: Proof, cells: ExplainedCells, step: StepVisitors
    ) -> tuple[Grouping, int, SuspectedCohort] | None:
        """Return the first cell in order with enough machines, and the cohort of its members."""
        counted = self._count_candidates(cells, step)
        for place in _in_order(cells, counted):
            grouping, cell = self._groupings[cells.grouping[place]], int(cells.cell[place])
            named, of_named = self._simplest(step.is_candidate, grouping, cell)
            expected = float(cells.expected[place])
            is_common = cells.is_tight[place] and cells.share[place] >= COMMON_ACTION
            cohort = SuspectedCohort(
                *(proof, named.fields, cell_values(named, of_named, self._columns)),
                *(float(counted[place]), float(cells.references[place]), expected),
                kept=min(float(counted[place]), expected),
                is_decided=step.habit.is_known and not is_common,
            )
            if cohort.counted - cohort.kept >= self._least_excess:
                return grouping, cell, cohort
        return None

    def _count_candidates(self, cells: ExplainedCells, step: StepVisitors) -> Numbers:
        """Return the expected number of people among the candidates of each cell."""
        first = np.cumsum([0, *(one.size for one in self._groupings)])
        counted = np.concatenate([count_candidates(one, step) for one in self._groupings])
        return counted[first[cells.grouping] + cells.cell]

    def _simplest(
        self, candidates: NDArray[np.bool_], grouping: Grouping, cell: int
    ) -> tuple[Grouping, int]:
        """Return the first grouping and cell with the same candidates as a cell.

        Several cells can have the same members. Which of them has the strongest evidence may change
        with a late line; the label of the cohort must not.
        """
        members = candidates & (grouping.cell == cell)
        for other in (one for one in self._groupings if one.fields):
            cells = other.cell[members]
            has_all = bool((cells == cells[0]).all())
            if has_all and np.sum(other.cell[candidates] == cells[0]) == len(cells):
                return other, int(cells[0])
        return grouping, cell

    def _suspect(
        self, step: StepVisitors, grouping: Grouping, cell: int, cohort: SuspectedCohort
    ) -> None:
        """Reduce the weights of a cohort's members to what people explain."""
        members = step.is_candidate & (grouping.cell == cell)
        factor = cohort.kept / cohort.counted
        self.weight[members] *= factor
        if cohort.is_decided:
            self.highest[members] *= factor
        is_first = members & pd.isna(self.label)
        self.label[is_first] = cohort.label
        ratio = cohort.explained / max(cohort.references, 1.0)
        spread = step.habit.spreads.get(grouping.action or ALL, 2.0) - 1
        self.variance += (cohort.kept + 1) * (1 + ratio) + (spread / 2 * cohort.kept) ** 2
        self.cohorts.append(cohort)


def _members_of(visitors: pd.DataFrame, labels: frozenset[str]) -> NDArray[np.bool_]:
    """Return a mask of the members of some cohorts, by their labels; unknown labels have none."""
    found = np.zeros(len(visitors), np.bool_)
    proof = visitors["proof"].map({one.value: one.name.lower() for one in Proof}).to_numpy(object)
    for label in map(CohortLabel.parse, labels):
        is_member = proof == label.proof
        for name, value in label.values.items():
            is_member &= visitors[name].to_numpy(object) == value
        found |= is_member & bool(label.values)
    return found


def _in_order(cells: ExplainedCells, counted: Numbers) -> list[int]:
    """Return the places of the cells whose candidates chance does not explain.

    Those that even a crowd does not explain come first, then those with the strongest evidence.
    """
    evidence = evidence_against(counted, cells) / np.where(cells.is_tight, DISPERSION, 1.0)
    found = np.flatnonzero(evidence >= _limit(evidence))
    order: list[int] = found[np.lexsort((-evidence[found], cells.is_tight[found]))].tolist()
    return order


def _limit(evidence: Numbers) -> float:
    """Return the least evidence of a cell that is suspected; infinite if there is none.

    The chance of a cell is at most exp(-evidence).
    """
    strongest = np.sort(evidence)[::-1]
    rank = np.arange(1, len(strongest) + 1)
    is_beyond = strongest >= np.log(len(strongest) / (FALSE_SHARE * rank))
    return float(strongest[np.flatnonzero(is_beyond)[-1]]) if is_beyond.any() else float("inf")
