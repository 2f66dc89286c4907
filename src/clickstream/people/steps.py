"""The visitors of a step of the search, with what each reference explains by the habit.

`suspicion` makes two steps: candidates of weak proof against references of strong proof, then
candidates without proof against references with any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS
from clickstream.people.coded_columns import CodedColumn, Codes, Numbers, divide, sum_by
from clickstream.people.habits import StepHabit, references_of
from clickstream.people.visitors import CHANNEL, DEVICE

_BEYOND_USUAL = 0.5
"""Standard deviations by which references must exceed the usual number to prove a crowd."""


@dataclass(frozen=True)
class StepVisitors:
    """The visitors of a step: candidates, and references, which have more proof.

    `is_candidate` is a mask of all visitors, and `weight` has their expected shares of people.
    `references` has the rows of the references. For each of them, `reference_weight` is its weight,
    `device` the code of its device, of `devices`, and `usual` the number of candidates that it
    explains by the habit. `crowd` is the part of its weight that belongs to a crowd, beyond the
    usual number of its kind.

    `everyone` has the rows of candidates and references. `volume` is the part of each in the
    candidates that its kind would have, if as many visitors came as on other dates of this weekday:
    if people read on less, nobody is suspected.

    `shares` has, by field of action, the usual shares of its values, with a row per value and a
    column per device.
    """

    habit: StepHabit
    is_candidate: NDArray[np.bool_]
    weight: Numbers
    references: Codes
    reference_weight: Numbers
    device: Codes
    devices: int
    usual: Numbers
    crowd: Numbers
    everyone: Codes
    volume: Numbers
    shares: Mapping[str, Numbers]


def step_visitors(
    columns: Mapping[str, CodedColumn],
    weight: Numbers,
    is_candidate: NDArray[np.bool_],
    is_reference: NDArray[np.bool_],
    habit: StepHabit,
) -> StepVisitors:
    """Return the visitors of a step with what each explains."""
    references, everyone = map(np.flatnonzero, (is_reference, is_candidate | is_reference))
    device, kind = columns[DEVICE], columns[DEVICE].pair_with(columns[CHANNEL])
    of_reference, own = kind.codes[references], weight[references]
    number = sum_by(of_reference, own, kind.size)
    usual_references = references_of(habit.references, kind.labels)
    crowd, total = _crowd_share(kind, number, usual_references, habit), usual_references[-1]
    here = sum_by(kind.codes[everyone], np.ones(len(everyone)), kind.size)
    volume = divide((total - number).clip(0.0), here, 0.0)
    return StepVisitors(
        habit,
        is_candidate,
        weight,
        references,
        own,
        device.codes[references],
        device.size,
        usual=own * habit.ratio_of(kind.labels)[of_reference],
        crowd=own * crowd[of_reference],
        everyone=everyone,
        volume=volume[kind.codes[everyone]],
        shares={
            field: habit.shares[field].of(device.labels, columns[field].labels)
            for field in ACTION_FIELDS
        },
    )


def _crowd_share(
    kind: CodedColumn, number: Numbers, usual_references: Numbers, habit: StepHabit
) -> Numbers:
    """Return the share of each kind's references that are beyond the usual number.

    A crowd on several devices is seen in its channel, if it is too small in each kind.
    """
    of_kind = _share_beyond(number, usual_references)
    channel = CodedColumn.of(pd.Series([name for _, name in kind.labels]))
    known_channel = references_of(habit.channel_references, channel.labels)
    of_channel = _share_beyond(sum_by(channel.codes, number, channel.size), known_channel)
    share: Numbers = np.fmax(of_kind, of_channel[channel.codes])
    return share


def _share_beyond(number: Numbers, usual_references: Numbers) -> Numbers:
    """Return the share of references that are beyond the usual number.

    The usual number is the lower one of that of a usual date, and that by the usual share of the
    others of this date. `usual_references` has a row for each field of References.
    """
    usual, deviation, share, _ = usual_references
    share = share.clip(0.0, 0.9)
    by_share = share / (1 - share) * (number.sum() - number)
    usual = np.fmin(usual, by_share)
    noise = np.fmax(deviation, np.sqrt(usual + 1))
    return divide((number - usual - _BEYOND_USUAL * noise).clip(0.0), number, 0.0)
