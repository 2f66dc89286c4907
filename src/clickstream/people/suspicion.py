"""Find the suspected cohorts of a date, and the expected share of people of each visitor.

A crowd of people proves some of its own; a fleet of machines proves none. So the cell with the
strongest evidence becomes a suspected cohort, down to what its own proved visitors explain. Then
all cells are looked at again, until the rest fits. A cohort is labelled, never a single visitor:
each of its members without proof is a person with the same share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS, REASON, CohortLabel
from clickstream.people.coded_columns import CodedColumn, Codes, Numbers, divide, sum_by
from clickstream.people.counts import ALL
from clickstream.people.estimate import PeopleEstimate, estimate_people
from clickstream.people.groupings import NO_CROWD_FIELDS, Grouping, cell_values, groupings
from clickstream.people.habits import LARGEST_RATIO, LEAST_RATIO, Habit, StepHabit
from clickstream.people.steps import StepVisitors, step_visitors
from clickstream.people.visitors import MECHANICAL, Proof

# Cells with far more candidates than people explain.

LEAST_PROOF = 0.2
"""A crowd proves at least this part of what is usual: readers of a newspaper leave sooner.

With 57 % usual, a crowd of whom 11 % read on is still of people."""

LEAST_PROOF_WITHOUT_CROWD = 0.35
"""The same for a field in which no crowd gathers: an office or a school does not leave at once."""

_RARE_ACTION, _ACTION_FACTOR = 0.05, 3.0
"""A crowd may act in some way this much more often than usual: a share added, and a factor."""

FEWEST = 5
"""Smallest number of visitors of a cell that is looked at."""

_PRIOR_WEIGHT = 5.0
"""Weight of the largest ratio beside the visitors of a date without history, in references."""


@dataclass(frozen=True)
class ExplainedCells:
    """Cells with what people explain in them, the same for the whole step.

    `grouping` has the index of each cell's grouping, and `cell` its number there. `references` is
    the number of people with more proof of the same arrival, `expected` the number of candidates by
    the habit, and `allowed` the largest number that people explain, per reference. `share` is the
    usual share of the action. `is_tight` marks limits of the habit; the others are those of crowds.
    """

    grouping: Codes
    cell: Codes
    references: Numbers
    expected: Numbers
    allowed: Numbers
    share: Numbers
    is_tight: NDArray[np.bool_]

    @classmethod
    def concat(cls, parts: Sequence[ExplainedCells]) -> ExplainedCells:
        """Return the cells of several parts."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))


def explain_cells(all_groupings: Sequence[Grouping], step: StepVisitors) -> ExplainedCells:
    """Return what people explain: in all cells as crowds, and in those of kinds by the habit.

    Cells with fewer than FEWEST visitors, and those of unknown networks, are left out.
    """
    parts = []
    for index, grouping in enumerate(all_groupings):
        cells = _Cells.of(grouping, step)
        parts.append(cells.explain_by_crowds(index))
        if step.habit.is_known and grouping.is_of_kinds:
            parts.append(cells.explain_by_habit(index))
    return ExplainedCells.concat(parts)


def count_candidates(grouping: Grouping, step: StepVisitors) -> Numbers:
    """Return the expected number of people among the candidates of each cell."""
    rows = np.flatnonzero(step.is_candidate)
    return sum_by(grouping.cell[rows], step.weight[rows], grouping.size)


@dataclass(frozen=True)
class _Cells:
    """Cells of a grouping, and the usual candidates for each of their references.

    `cell` has their numbers, and `references` the number of references of their arrivals. `ratio`
    is the number of candidates per reference, however they act. `share` is the usual share of the
    cell's action, and `acting` the share of the references that act so: a change of the server, or
    of a browser, changes what all visitors do.
    """

    grouping: Grouping
    step: StepVisitors
    cell: Codes
    references: Numbers
    ratio: Numbers
    share: Numbers
    acting: Numbers

    @classmethod
    def of(cls, grouping: Grouping, step: StepVisitors) -> _Cells:
        """Return the cells with enough visitors."""
        counted = count_candidates(grouping, step)
        references = grouping.sum_by_arrival(step.references, step.reference_weight)
        cell = np.flatnonzero((counted + references >= FEWEST) & grouping.is_known)
        references = references[cell]
        # The candidates that the references of each cell's arrival explain, by device.
        devices = grouping.arrival_of[step.references] * step.devices + step.device
        usual = sum_by(devices, step.usual, grouping.size * step.devices)
        usual = usual.reshape(-1, step.devices)[grouping.arrival_cell[cell]]
        if step.habit.is_known:
            ratio = divide(usual.sum(axis=1), references, step.habit.site_ratio)
        else:
            ratio = _ratio_elsewhere(step, counted.sum() - counted[cell], references)
        shares = np.ones((len(cell), step.devices))  # a column per device
        if grouping.action is not None:
            shares = step.shares[grouping.action][grouping.action_value[cell]]
        share = divide((usual * shares).sum(axis=1), usual.sum(axis=1), shares.mean(axis=1))
        acting = sum_by(grouping.cell[step.references], step.reference_weight, grouping.size)[cell]
        acting_share = divide(acting, references, 0.0)
        return cls(grouping, step, cell, references, ratio, share, acting_share)

    def explain_by_crowds(self, index: int) -> ExplainedCells:
        """Return what the references explain, if they may be a crowd that leaves soon."""
        return self._explained(index, self._expected, self._crowd_limit, is_tight=False)

    def explain_by_habit(self, index: int) -> ExplainedCells:
        """Return what the references explain, within the spread of usual dates.

        References beyond the usual number of their kind explain as many as a crowd. If there are
        fewer visitors than usual, they explain all of them: machines come in addition to people.
        """
        grouping, step = self.grouping, self.step
        in_crowds = grouping.sum_by_arrival(step.references, step.crowd)[self.cell]
        beyond = divide(in_crowds, self.references, 0.0)
        crowd = self._crowd_limit * beyond
        spread = step.habit.spreads.get(grouping.action or ALL, 1.0)
        usual = self.ratio * self._likely_share * (1 - beyond)
        volume = grouping.sum_by_arrival(step.everyone, step.volume)[self.cell] * self._likely_share
        allowed = np.fmax(spread * usual + crowd, volume / np.fmax(self.references, 1.0))
        expected = self._expected * (1 - beyond) + crowd * self.references
        return self._explained(index, np.fmax(expected, volume), allowed, is_tight=True)

    def _explained(
        self, index: int, expected: Numbers, allowed: Numbers, *, is_tight: bool
    ) -> ExplainedCells:
        return ExplainedCells(
            np.full_like(self.cell, index),
            self.cell,
            self.references,
            expected,
            allowed,
            self.share,
            np.full(len(self.cell), is_tight),
        )

    @property
    def _likely_share(self) -> Numbers:
        """The share of the action, if it is no longer the usual one."""
        return np.fmax(self.share, self.acting)

    @property
    def _expected(self) -> Numbers:
        """The usual number of candidates; of no reference, half a one is expected."""
        return self.ratio * self._likely_share * (self.references + 0.5)

    @property
    def _crowd_limit(self) -> Numbers:
        """The candidates that a reference explains at most, if it is of a crowd."""
        has_no_crowd = NO_CROWD_FIELDS & set(self.grouping.arrival)
        least = LEAST_PROOF_WITHOUT_CROWD if has_no_crowd else LEAST_PROOF
        more = np.fmin(1.0, _ACTION_FACTOR * self.share + _RARE_ACTION)
        return ((1 + self.ratio) / least - 1) * np.fmax(more, self.acting)


def _ratio_elsewhere(step: StepVisitors, candidates: Numbers, references: Numbers) -> Numbers:
    """Return the candidates per reference outside each cell, for a site without history.

    `candidates` are those outside the cell. A fleet among them makes the ratio larger, and so the
    result more cautious. So do few visitors: the ratio is moved towards the largest one.
    """
    outside = candidates + _PRIOR_WEIGHT * LARGEST_RATIO
    rest = float(step.reference_weight.sum()) - references + _PRIOR_WEIGHT
    ratio: Numbers = np.clip(outside / rest, LEAST_RATIO, LARGEST_RATIO)
    return ratio


def evidence_against(candidates: Numbers, explained: ExplainedCells) -> Numbers:
    """Return how strongly the number of candidates in each cell speaks against people.

    If people explain at most `allowed` candidates per reference, the chance of so few references is
    below exp(-evidence), by the bound of Chernoff and Hoeffding (1963) for binomial counts.
    """
    number = candidates + explained.references
    least = 1 / (1 + explained.allowed)
    share = np.divide(explained.references, number, out=np.ones(len(number)), where=number > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - least)), 0.0)
        own = np.where(share > 0, share * np.log(share / least), 0.0)
    return np.where(share < least, number * (own + rest), 0.0)


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


def may_have_cohort(
    candidates: pd.DataFrame, weight: Numbers, habit: StepHabit, least_excess: float
) -> bool:
    """Return false if the candidates of a step are too few for a cohort, however they arrive.

    The candidates of a cell are at most those with the same action. Their evidence is largest
    without any reference: then it is n log(1 + 1 / allowed). `allowed` is at least what the
    smallest ratio and the usual share of the action give.
    """
    if float(weight.sum()) < least_excess:
        return False
    ratio = min([habit.site_ratio, *habit.ratios.values()]) if habit.is_known else LEAST_RATIO
    # `_limit` demands this of the weakest cell; rounding errors of other sums are far smaller.
    least_evidence = -np.log(FALSE_SHARE) - 1e-6

    def may_be_suspected(number: float, share: float) -> bool:
        if number < least_excess - 1e-6:
            return False
        more = min(1.0, _ACTION_FACTOR * share + _RARE_ACTION)
        of_crowd = ((1 + ratio) / LEAST_PROOF_WITHOUT_CROWD - 1) * more
        evidence = number * np.log1p(1 / of_crowd)
        if habit.is_known:
            by_habit = ratio * share
            evidence = max(evidence, number * np.log1p(1 / by_habit) / DISPERSION)
        return bool(evidence >= least_evidence)

    if may_be_suspected(float(weight.sum()), 1.0):
        return True
    for field in ACTION_FIELDS:
        column = CodedColumn.from_values(candidates[field].tolist())
        shares = habit.shares[field].of((*habit.shares[field].by_device,), column.labels)
        numbers = sum_by(column.codes, weight, column.size)
        if any(map(may_be_suspected, numbers.tolist(), shares.min(axis=1).tolist())):
            return True
    return False


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
    suspected = pd.DataFrame({"share": search.weight, "cohort": search.label}, ordered.index)
    people = estimate_people(ordered, search.weight, search.highest, search.variance, habit)
    return Suspicion(suspected, tuple(search.cohorts), people)


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
        # The search takes 9 ms, and a cohort is possible on few dates of a small site.
        is_new = may_have_cohort(
            self._visitors[candidates], self.weight[candidates], habit, self._least_excess
        )
        while is_new and len(self.cohorts) < _MOST_COHORTS:
            before = len(self.cohorts)
            step = step_visitors(self._columns, self.weight, candidates, references, habit)
            cells = explain_cells(self._groupings, step)
            while len(self.cohorts) < _MOST_COHORTS:
                strongest = self._strongest(proof, cells, step)
                if strongest is None:
                    break
                self._suspect(step, *strongest)
            is_new = not habit.is_known and len(self.cohorts) > before

    def _strongest(
        self, proof: Proof, cells: ExplainedCells, step: StepVisitors
    ) -> tuple[Grouping, int, SuspectedCohort] | None:
        """Return the first cell in order with enough machines, and the cohort of its members."""
        first = np.cumsum([0, *(grouping.size for grouping in self._groupings)])
        of_all = np.concatenate([count_candidates(grouping, step) for grouping in self._groupings])
        counted = of_all[first[cells.grouping] + cells.cell]
        for index in _in_order(cells, counted):
            grouping, cell = self._groupings[cells.grouping[index]], int(cells.cell[index])
            named, of_named = self._simplest(step.is_candidate, grouping, cell)
            expected = float(cells.expected[index])
            is_common = cells.is_tight[index] and cells.share[index] >= COMMON_ACTION
            cohort = SuspectedCohort(
                proof,
                named.fields,
                cell_values(named, of_named, self._columns),
                float(counted[index]),
                float(cells.references[index]),
                expected,
                kept=min(float(counted[index]), expected),
                is_decided=step.habit.is_known and not is_common,
            )
            if cohort.counted - cohort.kept >= self._least_excess:
                return grouping, cell, cohort
        return None

    def _simplest(
        self, candidates: NDArray[np.bool_], grouping: Grouping, cell: int
    ) -> tuple[Grouping, int]:
        """Return the first grouping and cell with the same candidates as a cell.

        Several cells can have the same members. Which of them has the strongest evidence may change
        with a late line; the label of the cohort must not.
        """
        members = candidates & (grouping.cell == cell)
        for simpler in (candidate for candidate in self._groupings if candidate.fields):
            cells = simpler.cell[members]
            has_all = bool((cells == cells[0]).all())
            if has_all and np.sum(simpler.cell[candidates] == cells[0]) == len(cells):
                return simpler, int(cells[0])
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
    is_suspected = np.zeros(len(visitors), np.bool_)
    if not labels:
        return is_suspected
    proof = (
        visitors["proof"].map({level.value: level.name.lower() for level in Proof}).to_numpy(object)
    )
    for label in map(CohortLabel.parse, labels):
        is_member = proof == label.proof
        for name, value in label.values.items():
            is_member &= visitors[name].to_numpy(object) == value
        is_suspected |= is_member & bool(label.values)
    return is_suspected


def _in_order(cells: ExplainedCells, counted: Numbers) -> list[int]:
    """Return the indexes of the cells whose candidates chance does not explain.

    Those that even a crowd does not explain come first, then those with the strongest evidence.
    """
    evidence = evidence_against(counted, cells) / np.where(cells.is_tight, DISPERSION, 1.0)
    indexes = np.flatnonzero(evidence >= _limit(evidence))
    order: list[int] = indexes[np.lexsort((-evidence[indexes], cells.is_tight[indexes]))].tolist()
    return order


def _limit(evidence: Numbers) -> float:
    """Return the least evidence of a cell that is suspected; infinite if there is none.

    The chance of a cell is at most exp(-evidence).
    """
    strongest = np.sort(evidence)[::-1]
    rank = np.arange(1, len(strongest) + 1)
    is_beyond = strongest >= np.log(len(strongest) / (FALSE_SHARE * rank))
    return float(strongest[np.flatnonzero(is_beyond)[-1]]) if is_beyond.any() else float("inf")


def choose_suspected(shares: pd.DataFrame) -> pd.Series:
    """Return the cohort of each visitor that is left out, by visitor id in order.

    `shares` has `share` (expected share of people, 0 to 1) and `cohort` (None if not suspected) by
    visitor id, as `Suspicion.visitors`. Of each cohort, the rounded sum of 1 - share is chosen.

    How many members of a cohort are machines is known, but not which ones. Exactly as many are
    chosen by the order of their ids, so that figures of people are counts. The ids are keyed
    hashes, so the choice is like chance: the members that stay come from all pages, hours and
    places of the cohort in proportion.
    """
    members = shares[shares["cohort"].notna()].sort_index()
    machines = (1 - members["share"]).groupby(members["cohort"].astype(object)).cumsum()
    before = machines - (1 - members["share"])
    is_chosen: NDArray[np.bool_] = (machines + 0.5) // 1 > (before + 0.5) // 1
    return members.loc[is_chosen, "cohort"]
