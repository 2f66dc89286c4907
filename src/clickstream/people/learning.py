"""Learn the habits of a site from the counts of earlier dates; odd dates are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS
from clickstream.people.habits import (
    ALL,
    LARGEST_RATIO,
    LEAST_RATIO,
    PRIOR_RATIO,
    REFERENCE_COLUMNS,
    ActionShares,
    Habit,
    StepHabit,
)
from clickstream.people.visitors import CHANNEL, KIND_FIELDS, Proof

FEWEST_DATES = 7
"""Dates that a habit is learned from, at least; with fewer, the prior applies."""

MOST_DATES = 42
"""Dates before the date in question that a habit is learned from, at most."""

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
    before = history[history["event_date"] < event_date]
    dates = sorted(before["event_date"].unique())[-MOST_DATES:]
    before = before[before["event_date"].isin(dates)]
    if len(dates) < FEWEST_DATES:
        return Habit(_prior(_PRIOR_WEAK), _prior(_PRIOR_UNPROVED), 0.0, len(dates))
    weekday = event_date.weekday()
    weak = _learn_step(before, weekday, ["weak"], ["strong"])
    unproved = _learn_step(before, weekday, ["none"], ["weak", "strong"])
    return Habit(weak, unproved, _fewest_people(before), len(dates))


_PRIOR_UNPROVED = {
    "page_views": ({"1": 0.8, "2": 0.12, "3": 0.05}, 0.03),
    "rhythm": ({"none": 0.8}, 0.03),
}
_PRIOR_WEAK = {"rhythm": (dict[str, float](), 0.2)}
"""Shares of actions on sites without history: those of known values, and that of any other. For
other fields, the shares of the proved visitors of the date apply."""


def _prior(shares: Mapping[str, tuple[Mapping[str, float], float]]) -> StepHabit:
    nothing = pd.DataFrame({name: [] for name in REFERENCE_COLUMNS}, dtype=float)
    known = {
        field: ActionShares(pd.DataFrame(values, index=[ALL], dtype=float), unseen)
        for field, (values, unseen) in shares.items()
    }
    known |= {
        field: ActionShares(pd.DataFrame(index=[ALL]), 1.0 if field in _OF_UNPROVED else 0.0)
        for field in ACTION_FIELDS
        if field not in known
    }
    return StepHabit(
        *(pd.Series(dtype=float), PRIOR_RATIO, nothing, nothing, known, {}),
        *(LEAST_RATIO, LARGEST_RATIO, False),
    )


_OF_UNPROVED = frozenset({"page_views", "rhythm"})
"""Fields in which visitors without proof differ from those with."""


def _fewest_people(history: pd.DataFrame) -> float:
    """Return the people of a date with few: one date in ten has fewer, less two deviations."""
    totals = history[history["field"] == ALL]
    people = totals[[one.name.lower() for one in Proof]].sum(axis=1)
    few = float(people.groupby(totals["event_date"]).sum().quantile(0.1))
    return max(few - 2 * float(np.sqrt(few)), 0.0)


def _learn_step(
    history: pd.DataFrame, weekday: int, candidates: Sequence[str], references: Sequence[str]
) -> StepHabit:
    rows = history.assign(
        candidates=history[list(candidates)].sum(axis=1),
        references=history[list(references)].sum(axis=1),
    )
    totals = rows[rows["field"] == ALL]
    by_date = totals.groupby("event_date")[["candidates", "references"]].sum()
    usual = by_date.index[_are_usual(by_date)]
    totals, rows = (some[some["event_date"].isin(usual)] for some in (totals, rows))
    site = _site_ratio(by_date.loc[usual])
    ratios = _kind_ratios(totals, site)
    lowest, highest = _range(by_date.loc[usual], site)
    shares = {field: _shares(rows[rows["field"] == field]) for field in ACTION_FIELDS}
    return StepHabit(
        ratios,
        site,
        _usual_references(totals, weekday, KIND_FIELDS),
        _usual_references(totals, weekday, (CHANNEL,)),
        shares,
        _spreads(rows, ratios, shares),
        lowest,
        highest,
    )


def _are_usual(by_date: pd.DataFrame) -> NDArray[np.bool_]:
    """Return a mask of the dates whose ratio is not far from the median, in logarithms."""
    ratio = np.log((by_date["candidates"] + 0.5) / (by_date["references"] + 0.5))
    noise = np.sqrt(1 / (by_date["candidates"] + 0.5) + 1 / (by_date["references"] + 0.5))
    distance = (ratio - ratio.median()).abs()
    far: NDArray[np.bool_] = (
        distance <= _FAR * np.fmax(_ROBUST * distance.median(), noise)
    ).to_numpy()
    return far


def _site_ratio(by_date: pd.DataFrame) -> float:
    sums = by_date.sum()
    ratio = (sums["candidates"] + PRIOR_RATIO) / (sums["references"] + 1)
    return float(np.clip(ratio, LEAST_RATIO, LARGEST_RATIO))


def _kind_ratios(totals: pd.DataFrame, site: float) -> pd.Series:
    """Return the ratio of each kind, moved towards that of its device, and this to the site's."""
    columns = ["candidates", "references"]
    device = totals.groupby("device")[columns].sum()
    of_device = (device["candidates"] + _WEIGHT * site) / (device["references"] + _WEIGHT)
    kind = totals.groupby(list(KIND_FIELDS))[columns].sum()
    parent = of_device.reindex(kind.index.get_level_values("device")).to_numpy()
    ratio = (kind["candidates"] + _WEIGHT * parent) / (kind["references"] + _WEIGHT)
    return ratio.clip(LEAST_RATIO, LARGEST_RATIO)


def _range(by_date: pd.DataFrame, site: float) -> tuple[float, float]:
    """Return the site's ratio two standard deviations of a date's ratio down and up."""
    expected = by_date["references"] * site
    factor = np.exp(2 * np.sqrt(_excess_variance(by_date["candidates"], expected, 1 + site)))
    return max(site / factor, LEAST_RATIO), min(site * factor, LARGEST_RATIO)


def _excess_variance(
    counted: pd.Series, expected: pd.Series, dispersion: pd.Series | float
) -> float:
    """Return the relative variance of counts about what is expected, beyond that of chance.

    The variance of chance is `dispersion` times the expected count.
    """
    excess = (counted - expected) ** 2 - dispersion * expected
    size = float((expected**2).sum())
    return max(float(excess.sum()) / size, 0.0) if size else 0.0


def _spreads(
    rows: pd.DataFrame, ratios: pd.Series, shares: dict[str, ActionShares]
) -> dict[str, float]:
    """Return the factor of two standard deviations between dates, for `all` and each field."""
    totals = rows[rows["field"] == ALL]
    ratio = ratios.reindex(pd.MultiIndex.from_frame(totals[list(KIND_FIELDS)])).to_numpy()
    ratio = pd.Series(ratio, totals.index)
    of_kinds = _excess_variance(totals["candidates"], totals["references"] * ratio, 1 + ratio)
    variances = {ALL: of_kinds}
    for field, known in shares.items():
        some = rows[rows["field"] == field].groupby(["event_date", "device", "value"])
        counted = some["candidates"].sum()
        of_device = counted.groupby(["event_date", "device"]).transform("sum")
        share = known.by_device.stack().reindex(counted.index.droplevel("event_date")).to_numpy()
        variances[field] = of_kinds + _excess_variance(counted, of_device * share, 1.0)
    return {
        name: float(np.clip(np.exp(2 * np.sqrt(one)), LEAST_SPREAD, LARGEST_SPREAD))
        for name, one in variances.items()
    }


def _usual_references(totals: pd.DataFrame, weekday: int, fields: Sequence[str]) -> pd.DataFrame:
    """Return the columns REFERENCE_COLUMNS by the values of some fields."""
    wide, both = (
        counts.pivot_table(
            index="event_date", columns=[*fields], values="number", aggfunc="sum"
        ).fillna(0.0)
        for counts in (
            totals.assign(number=totals["references"]),
            totals.assign(number=totals["references"] + totals["candidates"]),
        )
    )
    usual = wide.median()
    deviation = np.fmax(_ROBUST * (wide - usual).abs().median(), np.sqrt(usual))
    share = wide.sum() / max(float(wide.sum().sum()), 1.0)
    of_weekday = both[[day.weekday() == weekday for day in both.index]]
    total = of_weekday.mean() if len(of_weekday) else both.quantile(0.1)
    return pd.DataFrame(dict(zip(REFERENCE_COLUMNS, (usual, deviation, share, total), strict=True)))


def _shares(rows: pd.DataFrame) -> ActionShares:
    """Return the share of each value among candidates by device, moved towards that of all."""
    by_device = rows.pivot_table(
        index="device", columns="value", values="candidates", aggfunc="sum"
    ).fillna(0.0)
    total = by_device.sum()
    number = max(float(total.sum()), 1.0)
    of_all = (total + 0.5) / (number + 0.5 * len(total))
    moved = (by_device + _WEIGHT * of_all).div(by_device.sum(axis=1) + _WEIGHT, axis=0)
    return ActionShares(pd.concat([moved, of_all.to_frame(ALL).T]), 0.5 / number)
