"""Learn the habits of a site from the counts of earlier dates; odd dates are left out.

The dates are searched in their order, each by the habit of those before it: see `SiteHistory`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS
from clickstream.people.coded_columns import CodedColumn, Numbers, sum_precisely
from clickstream.people.counts import ALL, COUNT_COLUMNS, Counts, count_kinds
from clickstream.people.habits import (
    LARGEST_RATIO,
    LEAST_RATIO,
    PRIOR_RATIO,
    ActionShares,
    Habit,
    References,
    StepHabit,
)
from clickstream.people.visitors import CHANNEL, DEVICE, Proof

FEWEST_DATES = 7
"""Dates that a habit is learned from, at least; with fewer, the prior applies."""

MOST_DATES = 42
"""Dates before the date in question that a habit is learned from, at most."""

REACH = timedelta(days=MOST_DATES)
"""How long before a date the dates are that its habit is learned from."""

LEAST_SPREAD, LARGEST_SPREAD = 1.25, 3.0
"""Bounds of the factor by which a ratio of a usual date may exceed the habit."""

_WEIGHT = 20.0
"""Weight of the habit of all devices, or of the site, beside that of a kind, in visitors."""

_FAR = 5.0
_ROBUST = 1.4826


def learn_habit(history: pd.DataFrame, event_date: date) -> Habit:
    """Learn the habits for a date from the counts of dates before it.

    `history` has the columns COUNT_COLUMNS; rows of the date itself and of later dates are ignored.
    The dates whose site ratio is far from the median are left out. With fewer than FEWEST_DATES,
    the result is a prior with a wide range.
    """
    before = Counts.of(history[history["event_date"] < event_date])
    is_near = before.date.codes >= before.date.size - MOST_DATES
    return learn_from_counts(before.select(is_near), event_date.weekday())


def learn_from_counts(counts: Counts, weekday: int) -> Habit:
    """Learn the habits for a date of a weekday from the counts of up to MOST_DATES dates."""
    if counts.date.size < FEWEST_DATES:
        return Habit(_prior(_PRIOR_WEAK), _prior(_PRIOR_UNPROVED), 0.0, counts.date.size)
    by_field = counts.by_field()
    return Habit(
        _learn_step(by_field, weekday, [Proof.WEAK], [Proof.STRONG]),
        _learn_step(by_field, weekday, [Proof.NONE], [Proof.WEAK, Proof.STRONG]),
        _fewest_people(by_field[ALL]),
        counts.date.size,
    )


_PRIOR_UNPROVED = {
    "page_views": ActionShares({ALL: {"1": 0.8, "2": 0.12, "3": 0.05}}, 0.03),
    "rhythm": ActionShares({ALL: {"none": 0.8}}, 0.03),
}
_PRIOR_WEAK = {"rhythm": ActionShares({ALL: {}}, 0.2)}
"""Shares of actions on sites without history: those of known values, and that of any other. For
other fields, the shares of the proved visitors of the date apply."""

_OF_UNPROVED = frozenset({"page_views", "rhythm"})
"""Fields in which visitors without proof differ from those with."""


def _prior(shares: dict[str, ActionShares]) -> StepHabit:
    unknown = {
        field: ActionShares({ALL: {}}, 1.0 if field in _OF_UNPROVED else 0.0)
        for field in ACTION_FIELDS
    }
    return StepHabit(
        {},
        PRIOR_RATIO,
        {},
        {},
        unknown | shares,
        {},
        LEAST_RATIO,
        LARGEST_RATIO,
        is_known=False,
    )


def _fewest_people(totals: Counts) -> float:
    """Return the people of a date with few: one date in ten has fewer, less two deviations."""
    people = totals.numbers.sum(axis=1, keepdims=True)
    by_date = sum_precisely(totals.date.codes, people, totals.date.size)
    few = float(np.quantile(by_date, 0.1))
    return max(few - 2 * float(np.sqrt(few)), 0.0)


def _learn_step(
    by_field: Mapping[str, Counts],
    weekday: int,
    candidates: Sequence[Proof],
    references: Sequence[Proof],
) -> StepHabit:
    """Learn what is usual in a step from the counts of each field of action, without odd dates."""
    every = {field: counts.compare(candidates, references) for field, counts in by_field.items()}
    by_date = _sum_by(every[ALL].date, every[ALL])
    are_usual = _are_usual(by_date)
    usual = {field: counts.select(are_usual[counts.date.codes]) for field, counts in every.items()}
    totals, by_date = usual[ALL], by_date[are_usual]
    site = _site_ratio(by_date)
    kind = totals.columns[DEVICE].pair_with(totals.columns[CHANNEL])
    ratios = _kind_ratios(totals, kind, site)
    actions = {field: _learn_actions(usual[field]) for field in ACTION_FIELDS}
    return StepHabit(
        dict(zip(kind.labels, ratios.tolist(), strict=True)),
        site,
        _usual_references(totals, kind, weekday),
        _usual_references(totals, totals.columns[CHANNEL], weekday),
        {field: shares for field, (shares, _) in actions.items()},
        _spreads(
            _kind_variance(totals, ratios[kind.codes]),
            {field: variance for field, (_, variance) in actions.items()},
        ),
        *_range(by_date, site),
    )


def _sum_by(column: CodedColumn, counts: Counts) -> Numbers:
    """Return the candidates and references of each label of a column, as two columns."""
    return sum_precisely(column.codes, counts.numbers, column.size)


def _are_usual(by_date: Numbers) -> NDArray[np.bool_]:
    """Return a mask of the dates whose ratio is not far from the median, in logarithms."""
    candidates, references = by_date.T
    ratio = np.log((candidates + 0.5) / (references + 0.5))
    noise = np.sqrt(1 / (candidates + 0.5) + 1 / (references + 0.5))
    distance = np.abs(ratio - np.median(ratio))
    usual: NDArray[np.bool_] = distance <= _FAR * np.fmax(_ROBUST * np.median(distance), noise)
    return usual


def _site_ratio(by_date: Numbers) -> float:
    candidates, references = by_date.T
    ratio = (candidates.sum() + PRIOR_RATIO) / (references.sum() + 1)
    return float(np.clip(ratio, LEAST_RATIO, LARGEST_RATIO))


def _kind_ratios(totals: Counts, kind: CodedColumn, site: float) -> Numbers:
    """Return the ratio of each kind, moved towards that of its device, and this to the site's."""
    device = totals.columns[DEVICE]
    candidates, references = _sum_by(device, totals).T
    of_device = (candidates + _WEIGHT * site) / (references + _WEIGHT)
    parent = of_device[[device.labels.index(name) for name, _ in kind.labels]]
    candidates, references = _sum_by(kind, totals).T
    ratio = (candidates + _WEIGHT * parent) / (references + _WEIGHT)
    clipped: Numbers = np.clip(ratio, LEAST_RATIO, LARGEST_RATIO)
    return clipped


def _range(by_date: Numbers, site: float) -> tuple[float, float]:
    """Return the site's ratio two standard deviations of a date's ratio down and up."""
    candidates, references = by_date.T
    factor = np.exp(2 * np.sqrt(_excess_variance(candidates, references * site, 1 + site)))
    return max(site / factor, LEAST_RATIO), min(site * factor, LARGEST_RATIO)


def _excess_variance(counted: Numbers, expected: Numbers, dispersion: Numbers | float) -> float:
    """Return the relative variance of counts about what is expected, beyond that of chance.

    The variance of chance is `dispersion` times the expected count.
    """
    excess = (counted - expected) ** 2 - dispersion * expected
    size = float((expected**2).sum())
    return max(float(excess.sum()) / size, 0.0) if size else 0.0


def _usual_references(totals: Counts, groups: CodedColumn, weekday: int) -> dict[Any, References]:
    """Return the usual references by kind or channel; `groups` has that of each row of totals."""
    candidates, references = totals.numbers.T
    numbers = np.column_stack([references, references + candidates])
    cell = totals.date.codes * groups.size + groups.codes
    sums = sum_precisely(cell, numbers, totals.date.size * groups.size)
    number, both = sums.T.reshape(2, totals.date.size, groups.size)
    usual = np.median(number, axis=0)
    deviation = np.fmax(_ROBUST * np.median(np.abs(number - usual), axis=0), np.sqrt(usual))
    share = number.sum(axis=0) / max(float(number.sum(axis=0).sum()), 1.0)
    of_weekday = both[[day.weekday() == weekday for day in totals.date.labels]]
    total = of_weekday.mean(axis=0) if len(of_weekday) else np.quantile(both, 0.1, axis=0)
    rows = zip(*(column.tolist() for column in (usual, deviation, share, total)), strict=True)
    return dict(zip(groups.labels, map(References._make, rows), strict=True))


def _learn_actions(counts: Counts) -> tuple[ActionShares, float]:
    """Learn the usual shares of a field's values, and their excess variance between dates."""
    table, unseen = _value_shares(counts)
    devices, values = [*counts.columns[DEVICE].labels, ALL], counts.columns["value"].labels
    rows = [dict(zip(values, row, strict=True)) for row in table.tolist()]
    shares = ActionShares(dict(zip(devices, rows, strict=True)), unseen)
    return shares, _action_variance(counts, table)


def _value_shares(counts: Counts) -> tuple[Numbers, float]:
    """Return the shares of values among candidates, and the share of a value without history.

    The shares have a row per device, moved towards the last row, which has those of all devices.
    """
    device, value = counts.columns[DEVICE], counts.columns["value"]
    cell = device.codes * value.size + value.codes
    sums = sum_precisely(cell, counts.numbers[:, :1], device.size * value.size)
    by_device = sums.reshape(device.size, value.size)
    total = by_device.sum(axis=0)
    number = max(float(total.sum()), 1.0)
    of_all = (total + 0.5) / (number + 0.5 * value.size)
    moved = (by_device + _WEIGHT * of_all) / (by_device.sum(axis=1, keepdims=True) + _WEIGHT)
    return np.vstack([moved, of_all]), 0.5 / number


def _action_variance(counts: Counts, shares: Numbers) -> float:
    """Return the excess variance of the candidates by date, device and value."""
    device, value = counts.columns[DEVICE], counts.columns["value"]
    cell = (counts.date.codes * device.size + device.codes) * value.size + value.codes
    cells = np.flatnonzero(np.bincount(cell))
    size = counts.date.size * device.size * value.size
    counted = sum_precisely(cell, counts.numbers[:, :1], size)[cells]
    of_date, of_value = np.divmod(cells, value.size)
    total = sum_precisely(of_date, counted, counts.date.size * device.size)[of_date, 0]
    usual = shares[of_date % device.size, of_value]
    return _excess_variance(counted[:, 0], total * usual, 1.0)


def _kind_variance(totals: Counts, ratio: Numbers) -> float:
    """Return the excess variance of the candidates by date and kind, from the ratio of each row."""
    candidates, references = totals.numbers.T
    return _excess_variance(candidates, references * ratio, 1 + ratio)


def _spreads(of_kinds: float, of_actions: Mapping[str, float]) -> dict[str, float]:
    """Return the factor of two standard deviations between dates, for `all` and each field."""
    variances = {ALL: of_kinds} | {
        field: of_kinds + variance for field, variance in of_actions.items()
    }
    return {
        name: float(np.clip(np.exp(2 * np.sqrt(variance)), LEAST_SPREAD, LARGEST_SPREAD))
        for name, variance in variances.items()
    }


_NOTHING = Counts.of(pd.DataFrame(columns=COUNT_COLUMNS))


class SiteHistory:
    """The counts of the people of dates, by date."""

    def __init__(self, counts: Mapping[date, Counts] | None = None) -> None:
        self._counts = {**(counts or {})}

    def habit(self, day: date) -> Habit:
        """Return the habit before a date, rounded; the prior without enough dates."""
        before = [self._counts[past] for past in sorted(self._counts) if day - REACH <= past < day]
        return learn_from_counts(Counts.concat([_NOTHING, *before]), day.weekday()).rounded()

    def add(self, day: date, visitors: pd.DataFrame, shares: pd.Series) -> Counts:
        """Count the people of a date, so that later dates learn from them; return the counts."""
        self._counts[day] = count_kinds(day, visitors, shares)
        return self._counts[day]
