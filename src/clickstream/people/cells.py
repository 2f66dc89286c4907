"""Find cells with far more candidates than people explain.

`suspicion` calls it for the two steps: candidates of weak proof against references of strong proof,
then candidates without proof against references with any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS
from clickstream.people.groupings import NO_CROWD_FIELDS, Codes, Grouping
from clickstream.people.habits import ALL, LARGEST_RATIO, LEAST_RATIO, Numbers, StepHabit
from clickstream.people.visitors import CHANNEL, DEVICE, KIND_FIELDS

LEAST_PROOF = 0.2
"""A crowd proves at least this part of what is usual: readers of a newspaper leave sooner.

With 57 % usual, a crowd of whom 11 % read on is still of people."""

LEAST_PROOF_WITHOUT_CROWD = 0.35
"""The same for a field in which no crowd gathers: an office or a school does not leave at once."""

_RARE_ACTION, _ACTION_FACTOR = 0.05, 3.0
"""A crowd may act in some way this much more often than usual: a share added, and a factor."""

_PRIOR_WEIGHT = 5.0
"""Weight of the largest ratio beside the visitors of a date without history, in references."""

_BEYOND_USUAL = 0.5
"""Standard deviations by which references must exceed the usual number to prove a crowd."""


@dataclass(frozen=True)
class StepVisitors:
    """The visitors of one step, in the order of the frame, with what each reference explains.

    `candidates` and `is_reference` are masks, and `weight` is the expected share of people.
    A reference explains `usual` candidates by the habit. It belongs to a crowd, beyond the usual
    number of its kind, by the share `crowd`. `volume` is each visitor's part of the candidates that
    its kind would have, if as many visitors came as on other dates of this weekday: if people read
    on less, nobody is suspected. `device` has the number of the device. `shares` has, by field of
    action, the usual shares of its values, with a row per value and a column per device.
    """

    candidates: NDArray[np.bool_]
    weight: Numbers
    is_reference: NDArray[np.bool_]
    usual: Numbers
    crowd: Numbers
    volume: Numbers
    device: Codes
    shares: Mapping[str, Numbers]

    @property
    def devices(self) -> int:
        """The number of devices."""
        return int(self.device.max(initial=-1)) + 1


def step_visitors(
    visitors: pd.DataFrame,
    weight: Numbers,
    candidates: NDArray[np.bool_],
    references: NDArray[np.bool_],
    habit: StepHabit,
) -> StepVisitors:
    """Return the visitors of a step with what each explains."""
    kinds = pd.MultiIndex.from_frame(visitors[list(KIND_FIELDS)])
    kind, distinct = pd.factorize(kinds, sort=True)
    number = sum_by(kind[references], weight[references], len(distinct))
    known = habit.references.reindex(distinct).fillna(0.0)
    here = sum_by(kind, (candidates | references).astype(np.float64), len(distinct))
    volume = _ratio((known["total"].to_numpy() - number).clip(0.0), here, 0.0)
    devices, device = np.unique(visitors[DEVICE].to_numpy(str), return_inverse=True)
    return StepVisitors(
        *(candidates.copy(), weight, references, habit.ratio_of(distinct)[kind]),
        *(_crowd_share(distinct, number, habit)[kind], volume[kind]),
        *(device, {one: _shares(visitors[one], devices, one, habit) for one in ACTION_FIELDS}),
    )


def _shares(values: pd.Series, devices: NDArray[np.str_], field: str, habit: StepHabit) -> Numbers:
    """Return the usual shares of the values of an action, in the order in which cells have them."""
    table = habit.share_of(field, devices.tolist(), np.unique(values.to_numpy(str)).tolist())
    return table.T


def _crowd_share(kinds: pd.MultiIndex, number: Numbers, habit: StepHabit) -> Numbers:
    """Return the share of each kind's references that are beyond the usual number.

    A crowd on several devices is seen in its channel, if it is too small in each kind.
    """
    of_kind = _share_beyond(number, habit.references.reindex(kinds).fillna(0.0))
    channel, channels = pd.factorize(kinds.get_level_values(KIND_FIELDS.index(CHANNEL)), sort=True)
    by_channel = habit.channel_references.reindex(channels).fillna(0.0)
    of_channel = _share_beyond(sum_by(channel, number, len(channels)), by_channel)
    found: Numbers = np.fmax(of_kind, of_channel[channel])
    return found


def _share_beyond(number: Numbers, known: pd.DataFrame) -> Numbers:
    """Return the share of references that are beyond the usual number.

    The usual number is the lower one of that of a usual date, and that by the usual share of the
    others of this date. `known` has the columns REFERENCE_COLUMNS.
    """
    share = known["share"].to_numpy().clip(0.0, 0.9)
    by_share = share / (1 - share) * (number.sum() - number)
    usual = np.fmin(known["usual"].to_numpy(), by_share)
    noise = np.fmax(known["deviation"].to_numpy(), np.sqrt(usual + 1))
    return _ratio((number - usual - _BEYOND_USUAL * noise).clip(0.0), number, 0.0)


def sum_by(codes: Codes, weights: Numbers, number: int) -> Numbers:
    """Sum the weights of each code from 0 to `number` - 1."""
    sums: Numbers = np.bincount(codes, weights, number).astype(np.float64)
    return sums


def _ratio(top: Numbers, bottom: Numbers, otherwise: float | Numbers) -> Numbers:
    """Divide; where `bottom` is 0, the result is `otherwise`."""
    out = np.array(np.broadcast_to(otherwise, top.shape), np.float64)
    return np.divide(top, bottom, out=out, where=bottom > 0)


@dataclass(frozen=True)
class Explained:
    """What people explain in each cell of a grouping, the same for the whole step.

    `references` is their number, `expected` the number of candidates by the habit, and `allowed`
    the largest number that people explain, per reference. `share` is the usual share of the action.
    """

    references: Numbers
    expected: Numbers
    allowed: Numbers
    share: Numbers


def explain_by_crowds(grouping: Grouping, step: StepVisitors, habit: StepHabit) -> Explained:
    """Return what the references of each cell explain, if they may be a crowd that leaves soon."""
    cells = _Cells.of(grouping, step, habit)
    return Explained(cells.references, cells.expected, cells.crowd_limit(grouping), cells.share)


def explain_by_habit(grouping: Grouping, step: StepVisitors, habit: StepHabit) -> Explained:
    """Return what the references of each cell explain, within the spread of usual dates.

    References beyond the usual number of their kind explain as many as a crowd. If there are fewer
    visitors than usual, they explain all of them: machines come in addition to people.
    """
    cells = _Cells.of(grouping, step, habit)
    sums = _Sums(grouping, step)
    beyond = _ratio(sums.of_arrival(step.crowd), cells.references, 0.0)
    crowd = cells.crowd_limit(grouping) * beyond
    spread = habit.spreads.get(grouping.action or ALL, 1.0)
    usual = cells.ratio * cells.likely_share * (1 - beyond)
    volume = sums.of_all(step.volume) * cells.likely_share
    allowed = np.fmax(spread * usual + crowd, volume / np.fmax(cells.references, 1.0))
    expected = cells.expected * (1 - beyond) + crowd * cells.references
    return Explained(cells.references, np.fmax(expected, volume), allowed, cells.share)


@dataclass(frozen=True)
class _Cells:
    """The references of each cell's arrival, and the usual candidates for each of them.

    `ratio` is the number of candidates per reference, however they act. `share` is the usual share
    of the cell's action, and `acting` the share of the references that act so: a change of the
    server, or of a browser, changes what all visitors do.
    """

    references: Numbers
    ratio: Numbers
    share: Numbers
    acting: Numbers

    @classmethod
    def of(cls, grouping: Grouping, step: StepVisitors, habit: StepHabit) -> _Cells:
        sums, ones = _Sums(grouping, step), np.ones(len(step.weight))
        references = sums.of_arrival(ones)
        shares = _action_shares(grouping, step)
        usual = sums.by_device(step.usual)
        ratio = _ratio(usual.sum(axis=1), references, habit.site_ratio)
        if not habit.is_known:
            ratio = _ratio_elsewhere(grouping, step, references)
        share = _ratio((usual * shares).sum(axis=1), usual.sum(axis=1), shares.mean(axis=1))
        return cls(references, ratio, share, _ratio(sums.of_cell(ones), references, 0.0))

    @property
    def likely_share(self) -> Numbers:
        """The share of the action, if it is no longer the usual one."""
        return np.fmax(self.share, self.acting)

    @property
    def expected(self) -> Numbers:
        """The usual number of candidates; of no reference, half a one is expected."""
        return self.ratio * self.likely_share * (self.references + 0.5)

    def crowd_limit(self, grouping: Grouping) -> Numbers:
        """Return the candidates that a reference explains at most, if it is of a crowd."""
        least = (
            LEAST_PROOF_WITHOUT_CROWD if NO_CROWD_FIELDS & set(grouping.arrival) else LEAST_PROOF
        )
        more = np.fmin(1.0, _ACTION_FACTOR * self.share + _RARE_ACTION)
        return ((1 + self.ratio) / least - 1) * np.fmax(more, self.acting)


def _ratio_elsewhere(grouping: Grouping, step: StepVisitors, references: Numbers) -> Numbers:
    """Return the candidates per reference outside each cell, for a site without history.

    A fleet outside the cell makes the ratio larger, and so the result more cautious. So do few
    visitors outside: the ratio is moved towards the largest one.
    """
    rows = np.flatnonzero(step.candidates)
    size = len(grouping.arrival_cell)
    candidates = sum_by(grouping.cell[rows], step.weight[rows], size)
    others = candidates.sum() - candidates + _PRIOR_WEIGHT * LARGEST_RATIO
    rest = float(step.weight[step.is_reference].sum()) - references + _PRIOR_WEIGHT
    found: Numbers = np.clip(others / rest, LEAST_RATIO, LARGEST_RATIO)
    return found


class _Sums:
    """Sums over the references of each cell of a grouping."""

    def __init__(self, grouping: Grouping, step: StepVisitors) -> None:
        self._grouping, self._step = grouping, step
        self._rows = np.flatnonzero(step.is_reference)
        self._weight = step.weight[self._rows]

    def of_cell(self, values: Numbers) -> Numbers:
        """Sum over the references that act like the cell."""
        weights = self._weight * values[self._rows]
        return sum_by(self._grouping.cell[self._rows], weights, len(self._grouping.arrival_cell))

    def of_arrival(self, values: Numbers) -> Numbers:
        """Sum over the references of the cell's arrival, however they act."""
        weights = self._weight * values[self._rows]
        sums = sum_by(self._grouping.arrival_of[self._rows], weights, self._arrivals)
        found: Numbers = sums[self._grouping.arrival_cell]
        return found

    def of_all(self, values: Numbers) -> Numbers:
        """Sum over the candidates and references of the cell's arrival, however they act."""
        rows = np.flatnonzero(self._step.candidates | self._step.is_reference)
        sums = sum_by(self._grouping.arrival_of[rows], values[rows], self._arrivals)
        found: Numbers = sums[self._grouping.arrival_cell]
        return found

    def by_device(self, values: Numbers) -> Numbers:
        """Sum over the references of the cell's arrival, with a column per device."""
        number = self._step.devices
        codes = self._grouping.arrival_of[self._rows] * number + self._step.device[self._rows]
        weights = self._weight * values[self._rows]
        sums = sum_by(codes, weights, self._arrivals * number).reshape(-1, number)
        found: Numbers = sums[self._grouping.arrival_cell]
        return found

    @property
    def _arrivals(self) -> int:
        return int(self._grouping.arrival_cell.max(initial=-1)) + 1


def _action_shares(grouping: Grouping, step: StepVisitors) -> Numbers:
    """Return the usual share of each cell's action, with a column per device."""
    if grouping.action is None:
        return np.ones((len(grouping.arrival_cell), step.devices))
    found: Numbers = step.shares[grouping.action][grouping.action_value]
    return found


def evidence_against(candidates: Numbers, explained: Explained) -> Numbers:
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
