"""Find cells with far more candidates than people explain; `suspicion` calls it for each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickstream.people.coded_columns import Codes, Numbers, divide, sum_by
from clickstream.people.counts import ALL
from clickstream.people.groupings import NO_CROWD_FIELDS, Grouping
from clickstream.people.habits import LARGEST_RATIO, LEAST_RATIO
from clickstream.people.steps import StepVisitors

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

    `grouping` has the place of each cell's grouping, and `cell` its number there. `references` is
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
    for place, grouping in enumerate(all_groupings):
        cells = _Cells.of(grouping, step)
        parts.append(cells.explain_by_crowds(place))
        if step.habit.is_known and grouping.is_of_kinds:
            parts.append(cells.explain_by_habit(place))
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
        usual = _usual_by_device(grouping, step)[cell]
        if step.habit.is_known:
            ratio = divide(usual.sum(axis=1), references, step.habit.site_ratio)
        else:
            ratio = _ratio_elsewhere(step, counted.sum() - counted[cell], references)
        shares = _action_shares(grouping, step)[cell]
        share = divide((usual * shares).sum(axis=1), usual.sum(axis=1), shares.mean(axis=1))
        acting = sum_by(grouping.cell[step.references], step.reference_weight, grouping.size)[cell]
        acting_share = divide(acting, references, 0.0)
        return cls(grouping, step, cell, references, ratio, share, acting_share)

    def explain_by_crowds(self, place: int) -> ExplainedCells:
        """Return what the references explain, if they may be a crowd that leaves soon."""
        return self._explained(place, self._expected, self._crowd_limit, is_tight=False)

    def explain_by_habit(self, place: int) -> ExplainedCells:
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
        return self._explained(place, np.fmax(expected, volume), allowed, is_tight=True)

    def _explained(
        self, place: int, expected: Numbers, allowed: Numbers, *, is_tight: bool
    ) -> ExplainedCells:
        return ExplainedCells(
            *(np.full_like(self.cell, place), self.cell, self.references, expected, allowed),
            *(self.share, np.full(len(self.cell), is_tight)),
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
    others = candidates + _PRIOR_WEIGHT * LARGEST_RATIO
    rest = float(step.reference_weight.sum()) - references + _PRIOR_WEIGHT
    found: Numbers = np.clip(others / rest, LEAST_RATIO, LARGEST_RATIO)
    return found


def _usual_by_device(grouping: Grouping, step: StepVisitors) -> Numbers:
    """Return the candidates that the references of each cell's arrival explain, by device."""
    codes = grouping.arrival_of[step.references] * step.devices + step.device
    sums = sum_by(codes, step.usual, grouping.size * step.devices)
    found: Numbers = sums.reshape(-1, step.devices)[grouping.arrival_cell]
    return found


def _action_shares(grouping: Grouping, step: StepVisitors) -> Numbers:
    """Return the usual share of each cell's action, with a column per device."""
    if grouping.action is None:
        return np.ones((grouping.size, step.devices))
    found: Numbers = step.shares[grouping.action][grouping.action_value]
    return found


def evidence_against(candidates: Numbers, explained: ExplainedCells) -> Numbers:
    """Return how strongly the number of candidates in each cell speaks against people.

    If people explain at most `allowed` candidates per reference, the chance of so few references is
    below exp(-evidence), by the bound of Chernoff and Hoeffding (1963) for binomial counts.
    """
    number = candidates + explained.references
    least = 1 / (1 + explained.allowed)
    found = np.divide(explained.references, number, out=np.ones(len(number)), where=number > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(found < 1, (1 - found) * np.log((1 - found) / (1 - least)), 0.0)
        own = np.where(found > 0, found * np.log(found / least), 0.0)
    return np.where(found < least, number * (own + rest), 0.0)
