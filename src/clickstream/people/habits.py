"""The habits of a site: for each proved visitor, how many others come, and what these do.

`learning` computes a habit from the counts of earlier dates (`count_kinds`), never from the date
itself or later ones. It has two steps with one form. In the first, the weakly proved visitors are
compared with the strongly proved; in the second, the unproved with all proved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS
from clickstream.people.visitors import KIND_FIELDS, Proof

Numbers = NDArray[np.float64]

PRIOR_RATIO = 1.0
LEAST_RATIO, LARGEST_RATIO = 0.05, 20.0
"""Bounds of the unproved visitors per proved one; 0.05 is 5 % that leave at once, 20 is 95 %."""

ALL = "all"
"""Name of the counts of all actions, and of the shares of all devices."""

COUNT_COLUMNS = (
    *("event_date", *KIND_FIELDS, "field", "value"),
    *(proof.name.lower() for proof in Proof),
)
"""Columns of the counts of a date. `field` is `all`, or one of ACTION_FIELDS with its `value`."""


def count_kinds(event_date: date, visitors: pd.DataFrame, shares: pd.Series) -> pd.DataFrame:
    """Count a date's visitors by kind, by kind and action, and by proof; the columns COUNT_COLUMNS.

    `shares` are the expected shares of people of the visitors, from 0 to 1. About 1,000 rows.
    """
    proof = visitors["proof"].map({one.value: one.name.lower() for one in Proof})
    rows = visitors.assign(share=shares, proof=proof)
    pieces = []
    for field in (ALL, *ACTION_FIELDS):
        value = rows[field] if field in rows else pd.Series(ALL, rows.index)
        keys = [*(rows[name] for name in KIND_FIELDS), value.rename("value"), rows["proof"]]
        counts = rows.groupby(keys, observed=True)["share"].sum().unstack("proof", fill_value=0.0)
        pieces.append(counts.reset_index().assign(field=field))
    found = pd.concat(pieces, ignore_index=True).assign(event_date=event_date)
    return found.reindex(columns=COUNT_COLUMNS).fillna(0.0)


REFERENCE_COLUMNS = ("usual", "deviation", "share", "total")
"""Of the references of a kind on a date: the median, its standard deviation, and the share of all
kinds. `total` is the mean number of candidates and references together on dates of this weekday."""


@dataclass(frozen=True)
class ActionShares:
    """The shares of the values of one field of action among candidates.

    `by_device` has a row for each device, one for all of them, and a column for each value.
    `unseen` is the share of a value without history: half a visitor.
    """

    by_device: pd.DataFrame
    unseen: float

    def of(self, devices: Sequence[str], values: Sequence[str]) -> Numbers:
        """Return the shares with a row per device and a column per value."""
        known = self.by_device.index
        rows = self.by_device.reindex([one if one in known else ALL for one in devices])
        found: Numbers = rows.reindex(columns=values).fillna(self.unseen).to_numpy(np.float64)
        return found


@dataclass(frozen=True)
class StepHabit:
    """What is usual in one step: candidates (of less proof) for each reference (of more).

    `ratios` has the candidates per reference by kind, and `site_ratio` that of all. `references`
    has the columns REFERENCE_COLUMNS by kind, and `channel_references` by channel. `shares` has the
    shares of the values of each field of action among candidates.
    `spreads` has, for each of these fields and for `all`, the factor by which the number of a usual
    date may exceed the habit. `lowest` and `highest` bound the site's ratio of a usual date.
    `is_known` is false for the prior.
    """

    ratios: pd.Series
    site_ratio: float
    references: pd.DataFrame
    channel_references: pd.DataFrame
    shares: dict[str, ActionShares]
    spreads: dict[str, float]
    lowest: float
    highest: float
    is_known: bool = True

    def ratio_of(self, kinds: pd.MultiIndex) -> Numbers:
        """Return the ratio of each kind; that of the site for a kind without history."""
        found: Numbers = self.ratios.reindex(kinds).fillna(self.site_ratio).to_numpy(np.float64)
        return found

    def share_of(self, field: str, devices: Sequence[str], values: Sequence[str]) -> Numbers:
        """Return the shares of values among candidates: a row per device, a column per value."""
        return self.shares[field].of(devices, values)


@dataclass(frozen=True)
class Habit:
    """The habits of a site before a date, by step.

    `fewest_people` is the number of people of a date with few of them, 0 if unknown. `dates` is the
    number of dates before.
    """

    weak: StepHabit
    unproved: StepHabit
    fewest_people: float
    dates: int

    @property
    def is_known(self) -> bool:
        """Whether the habits are learned from the site's own dates; false for the prior."""
        return self.unproved.is_known

    def rounded(self) -> Habit:
        """Return the habit with numbers of two digits.

        A late line changes the counts of a date a little. Rounded, the habits of the dates after it
        hardly ever change, so these are not searched again.
        """
        rounded: Habit = _rounded(self)
        return rounded

    @property
    def version(self) -> str:
        """Digest of all numbers."""
        return hashlib.blake2b(repr(_plain(self)).encode(), digest_size=8).hexdigest()


def _rounded(value: Any) -> Any:
    """Round all floating-point numbers of a habit to two digits."""
    if isinstance(value, float):
        return float(f"{value:.2g}")
    if isinstance(value, pd.Series):
        return value.map(_rounded)
    if isinstance(value, pd.DataFrame):
        return value.map(_rounded)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (StepHabit, ActionShares, Habit)):
        return type(value)(**{name: _rounded(one) for name, one in vars(value).items()})
    return value


def _plain(value: Any) -> Any:
    """Return a habit as nested lists, in a fixed order."""
    if isinstance(value, (pd.Series, pd.DataFrame)):
        return value.sort_index().to_csv(float_format="%.6g")
    if isinstance(value, dict):
        return [(name, _plain(one)) for name, one in sorted(value.items())]
    if isinstance(value, (StepHabit, ActionShares, Habit)):
        return [(name, _plain(one)) for name, one in vars(value).items()]
    return value
