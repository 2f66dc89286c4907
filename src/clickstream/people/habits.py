"""The habits of a site: for each proved visitor, how many others come, and what these do.

`learning` computes a habit from the counts of earlier dates (`counts`), never from the date
itself or later ones. It has two steps with one form. In the first, the weakly proved visitors are
compared with the strongly proved; in the second, the unproved with all proved.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple

import numpy as np

from clickstream.people.coded_columns import Numbers
from clickstream.people.counts import ALL
from clickstream.people.visitors import CHANNEL, KIND_FIELDS

PRIOR_RATIO = 1.0
LEAST_RATIO, LARGEST_RATIO = 0.05, 20.0
"""Bounds of the unproved visitors per proved one; 0.05 is 5 % that leave at once, 20 is 95 %."""

Kind = tuple[str, str]
"""A device with a channel."""


class References(NamedTuple):
    """The references of a kind, or of a channel, on a usual date.

    `usual` is the median number, with its standard `deviation`, and `share` that of all kinds.
    `total` is the mean number of candidates and references together on dates of this weekday.
    """

    usual: float
    deviation: float
    share: float
    total: float


def references_of(references: Mapping[Any, References], labels: Sequence[Any]) -> Numbers:
    """Return the References of kinds or channels as columns; they are 0 without history."""
    nothing = References(0.0, 0.0, 0.0, 0.0)
    return np.array([references.get(label, nothing) for label in labels]).reshape(-1, 4).T


@dataclass(frozen=True)
class ActionShares:
    """The shares of the values of one field of action among candidates.

    `by_device` has, by device and for all of them, the share of each value. `unseen` is the share
    of a value without history: half a visitor.
    """

    by_device: Mapping[str, Mapping[str, float]]
    unseen: float

    def of(self, devices: Sequence[str], values: Sequence[str]) -> Numbers:
        """Return the shares with a row per value and a column per device."""
        rows = [self.by_device.get(device, self.by_device[ALL]) for device in devices]
        return np.array([[row.get(value, self.unseen) for row in rows] for value in values])


@dataclass(frozen=True)
class StepHabit:
    """What is usual in one step: candidates (of less proof) for each reference (of more).

    `ratios` has the candidates per reference by kind, and `site_ratio` that of all. `references`
    are those of each kind, and `channel_references` those of each channel. `shares` has the shares
    of the values of each field of action among candidates. `spreads` has, for each of these fields
    and for `all`, the factor by which the number of a usual date may exceed the habit. `lowest` and
    `highest` bound the site's ratio of a usual date. `is_known` is false for the prior.
    """

    ratios: Mapping[Kind, float]
    site_ratio: float
    references: Mapping[Kind, References]
    channel_references: Mapping[str, References]
    shares: Mapping[str, ActionShares]
    spreads: Mapping[str, float]
    lowest: float
    highest: float
    is_known: bool = True

    def ratio_of(self, kinds: Sequence[Kind]) -> Numbers:
        """Return the ratio of each kind; that of the site for a kind without history."""
        return np.array([self.ratios.get(kind, self.site_ratio) for kind in kinds], np.float64)


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
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, References):
        return References(*map(_rounded, value))
    if isinstance(value, (StepHabit, ActionShares, Habit)):
        return type(value)(**{name: _rounded(item) for name, item in vars(value).items()})
    return value


def _plain(value: Any) -> Any:
    """Return a habit as nested lists, in a fixed order."""
    if isinstance(value, dict):
        return [(name, _plain(item)) for name, item in sorted(value.items())]
    if isinstance(value, StepHabit):
        tables = {
            "ratios": _csv(
                KIND_FIELDS, ["0"], {kind: [ratio] for kind, ratio in value.ratios.items()}
            ),
            "references": _csv(KIND_FIELDS, References._fields, value.references),
            "channel_references": _csv((CHANNEL,), References._fields, value.channel_references),
        }
        return [(name, _plain(item)) for name, item in (vars(value) | tables).items()]
    if isinstance(value, ActionShares):
        devices = value.by_device
        table = {device: row.values() for device, row in devices.items()}
        return [("by_device", _csv(("",), devices[ALL], table)), ("unseen", value.unseen)]
    if isinstance(value, Habit):
        return [(name, _plain(item)) for name, item in vars(value).items()]
    return value


def _csv(names: Sequence[str], columns: Iterable[str], rows: Mapping[Any, Iterable[float]]) -> str:
    """Return a table as CSV, in the order of its labels; they have names if there are any.

    Lakes store digests of these texts, so the form can't change.
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*(names if rows else [""]), *columns])
    for label, numbers in sorted(rows.items()):
        labels = label if isinstance(label, tuple) else [label]
        table.writerow([*labels, *(f"{number:.6g}" for number in numbers)])
    return text.getvalue()
