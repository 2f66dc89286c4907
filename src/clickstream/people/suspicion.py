"""Find the suspected cohorts of a date, and the expected share of people of each visitor.

A crowd of people proves some of its own; a fleet of machines proves none. So the cell with the
strongest evidence becomes a suspected cohort, down to what its own proved visitors explain. Then
all cells are looked at again, until the rest fits. A cohort is labelled, never a single visitor:
each of its members without proof is a person with the same share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import CohortLabel
from clickstream.people.cells import (
    Explained,
    StepVisitors,
    evidence_against,
    explain_by_crowds,
    explain_by_habit,
    step_visitors,
    sum_by,
)
from clickstream.people.estimate import PeopleEstimate, estimate_people
from clickstream.people.groupings import Grouping, cell_values, groupings
from clickstream.people.habits import ALL, Habit, Numbers, StepHabit
from clickstream.people.visitors import MECHANICAL, Proof

FALSE_SHARE = 0.01
"""Share of suspected cohorts that chance may explain (Benjamini and Hochberg, 1995)."""

FEWEST = 5
"""Smallest number of visitors of a cell that is looked at."""

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
        """One sentence with the evidence."""
        proof = "proved" if self.step == Proof.NONE else "strongly proved"
        return (
            f"About {self.counted - self.kept:,.0f} of these {self.counted:,.0f} visitors: "
            f"{self.references:,.0f} {proof} visitors explain {self.explained:,.0f} like them."
        )


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
        self._groupings = [*groupings(visitors)] if len(visitors) else []
        share = LEAST_EXCESS_SHARE * len(visitors)
        self._least_excess = max(LEAST_EXCESS, min(share, ENOUGH_EXCESS))
        self.weight = np.ones(len(visitors))
        self.highest = np.ones(len(visitors))
        self.label = np.full(len(visitors), None, dtype=object)
        self.variance = 0.0
        self.cohorts: list[SuspectedCohort] = []

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
        is_new = True
        while is_new and len(self.cohorts) < _MOST_COHORTS:
            before = len(self.cohorts)
            step = step_visitors(self._visitors, self.weight, candidates, references, habit)
            tests = [*_tests(self._groupings, step, habit)]
            while len(self.cohorts) < _MOST_COHORTS:
                found = self._strongest(proof, tests, step, habit.is_known)
                if found is None:
                    break
                self._suspect(step, habit, *found)
            candidates = step.candidates
            is_new = not habit.is_known and len(self.cohorts) > before

    def _strongest(
        self, proof: Proof, tests: Sequence[_Test], step: StepVisitors, is_known: bool
    ) -> tuple[_Test, int, SuspectedCohort] | None:
        """Return the first cell in order with enough machines, and the cohort of its members."""
        evidence = [test.evidence(step) for test in tests]
        for test, place in _in_order(tests, evidence):
            cohort = self._cohort(proof, test, place, step, is_known)
            if cohort.counted - cohort.kept >= self._least_excess:
                return test, place, cohort
        return None

    def _cohort(
        self, proof: Proof, test: _Test, place: int, step: StepVisitors, is_known: bool
    ) -> SuspectedCohort:
        cell = int(test.alive[place])
        counted = float(test.counted(step)[place])
        explained = float(test.explained.expected[cell])
        is_common = test.explained.share[cell] >= COMMON_ACTION
        named, of_named = self._simplest(step.candidates, test.grouping, cell)
        return SuspectedCohort(
            proof,
            named.fields,
            cell_values(named, of_named, self._visitors),
            counted,
            float(test.explained.references[cell]),
            explained,
            min(counted, explained),
            is_decided=is_known and not (test.is_tight and is_common),
        )

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
        self, step: StepVisitors, habit: StepHabit, test: _Test, place: int, cohort: SuspectedCohort
    ) -> None:
        """Reduce the weights of a cohort's members to what people explain."""
        members = step.candidates & (test.grouping.cell == test.alive[place])
        factor = cohort.kept / cohort.counted
        self.weight[members] *= factor
        if cohort.is_decided:
            self.highest[members] *= factor
        is_first = members & pd.isna(self.label)
        self.label[is_first] = cohort.label
        ratio = cohort.explained / max(cohort.references, 1.0)
        spread = habit.spreads.get(test.grouping.action or ALL, 2.0) - 1
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


@dataclass
class _Test:
    """The cells of one grouping that may be suspected in a step; `alive` has their numbers.

    `cells` is how many cells there are at first, for false-discovery control.
    """

    grouping: Grouping
    explained: Explained
    is_tight: bool
    alive: NDArray[np.int64]
    cells: int

    @classmethod
    def of(
        cls, grouping: Grouping, explained: Explained, step: StepVisitors, *, is_tight: bool
    ) -> _Test:
        """Return the test of the cells that have enough visitors."""
        every = cls(grouping, explained, is_tight, np.arange(len(grouping.arrival_cell)), 0)
        is_enough = every.counted(step) + explained.references >= FEWEST
        alive = np.flatnonzero(is_enough & grouping.is_known)
        return cls(grouping, explained, is_tight, alive, len(alive))

    def counted(self, step: StepVisitors) -> Numbers:
        """Return the expected number of people among the candidates of the cells."""
        rows = np.flatnonzero(step.candidates)
        counts = sum_by(
            self.grouping.cell[rows], step.weight[rows], len(self.grouping.arrival_cell)
        )
        found: Numbers = counts[self.alive]
        return found

    def evidence(self, step: StepVisitors) -> Numbers:
        """Return the evidence against the cells; those without any are no longer looked at."""
        if not len(self.alive):
            return np.zeros(0)
        some = Explained(*(getattr(self.explained, name)[self.alive] for name in _EXPLAINED))
        found = evidence_against(self.counted(step), some) / (DISPERSION if self.is_tight else 1.0)
        is_left = found > 0
        self.alive = self.alive[is_left]
        remaining: Numbers = found[is_left]
        return remaining


_EXPLAINED = ("references", "expected", "allowed", "share")


def _tests(
    all_groupings: Sequence[Grouping], step: StepVisitors, habit: StepHabit
) -> Iterator[_Test]:
    """Yield the tests of a step: all groupings against crowds, those of kinds against the habit."""
    for grouping in all_groupings:
        yield _Test.of(grouping, explain_by_crowds(grouping, step, habit), step, is_tight=False)
        if habit.is_known and grouping.is_of_kinds:
            yield _Test.of(grouping, explain_by_habit(grouping, step, habit), step, is_tight=True)


def _in_order(tests: Sequence[_Test], evidence: Sequence[Numbers]) -> Iterator[tuple[_Test, int]]:
    """Yield the cells that chance does not explain, with their places in their tests.

    Those that even a crowd does not explain come first, then those with the strongest evidence.
    """
    limit = _limit(np.concatenate([*evidence, np.zeros(0)]), sum(test.cells for test in tests))
    found = [
        (test.is_tight, -float(some[place]), number, int(place))
        for number, (test, some) in enumerate(zip(tests, evidence, strict=True))
        for place in np.flatnonzero(some >= limit)
    ]
    for _, _, number, place in sorted(found):
        yield tests[number], place


def _limit(evidence: Numbers, number: int) -> float:
    """Return the least evidence of a cell that is suspected; infinite if there is none.

    The chance of a cell is at most exp(-evidence). `number` is the number of all cells.
    """
    strongest = np.sort(evidence)[::-1]
    rank = np.arange(1, len(strongest) + 1)
    is_beyond = strongest >= np.log(max(number, 1) / (FALSE_SHARE * rank))
    return float(strongest[np.flatnonzero(is_beyond)[-1]]) if is_beyond.any() else float("inf")
