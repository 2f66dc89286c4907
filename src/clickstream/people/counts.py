"""Counts of the people of dates by kind and action, from which `learning` computes habits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS
from clickstream.people.coded_columns import CodedColumn, Numbers, sum_precisely
from clickstream.people.visitors import CHANNEL, DEVICE, KIND_FIELDS, Proof

ALL = "all"
"""Name of the counts of all actions, and of the shares of all devices."""

_PROOFS = [proof.name.lower() for proof in Proof]

_KEYS = ("event_date", *KIND_FIELDS, "field", "value")

COUNT_COLUMNS = (*_KEYS, *_PROOFS)
"""Columns of the counts of a date. `field` is `all`, or one of ACTION_FIELDS with its `value`."""


@dataclass(frozen=True)
class Counts:
    """Counts of dates as codes, encoded once for the habits of all later dates.

    `columns` has the columns COUNT_COLUMNS except the numbers of people. `numbers` has a column
    for each proof; for a step of a habit, it has the candidates and the references.
    """

    columns: Mapping[str, CodedColumn]
    numbers: Numbers

    @classmethod
    def of(cls, counts: pd.DataFrame) -> Counts:
        """Encode stored counts, which have the columns COUNT_COLUMNS."""
        columns = {name: CodedColumn.of(counts[name]) for name in _KEYS}
        return cls(columns, counts[_PROOFS].to_numpy(np.float64))

    @classmethod
    def concat(cls, parts: Sequence[Counts]) -> Counts:
        """Return the rows of several counts."""
        columns = {
            name: CodedColumn.concat([part.columns[name] for part in parts]) for name in _KEYS
        }
        return cls(columns, np.concatenate([part.numbers for part in parts]))

    def frame(self) -> pd.DataFrame:
        """Return the rows with the columns COUNT_COLUMNS, as tables store them."""
        keys = {
            name: np.array(column.labels, object)[column.codes]
            for name, column in self.columns.items()
        }
        numbers = dict(zip(_PROOFS, self.numbers.T, strict=True))
        return pd.DataFrame({**keys, **numbers}, columns=COUNT_COLUMNS)

    @property
    def date(self) -> CodedColumn:
        """The date of each row."""
        return self.columns["event_date"]

    def select(self, mask: NDArray[np.bool_]) -> Counts:
        """Return the rows of a mask."""
        columns = {name: column.select(mask) for name, column in self.columns.items()}
        return Counts(columns, self.numbers[mask])

    def by_field(self) -> dict[str, Counts]:
        """Return the rows of each field of action, and those of all actions."""
        field = self.columns["field"]
        return {name: self.select(field.codes == code) for code, name in enumerate(field.labels)}

    def compare(self, candidates: Sequence[Proof], references: Sequence[Proof]) -> Counts:
        """Return the rows with two columns of numbers: those of candidates and of references."""
        numbers = [self.numbers[:, proofs].sum(axis=1) for proofs in (candidates, references)]
        return Counts(self.columns, np.column_stack(numbers))


def count_kinds(event_date: date, visitors: pd.DataFrame, shares: pd.Series) -> Counts:
    """Count a date's visitors by kind, by kind and action, and by proof: about 1,000 rows.

    `shares` are the expected shares of people of the visitors, from 0 to 1.
    """
    kind = CodedColumn.of(visitors[DEVICE]).pair_with(CodedColumn.of(visitors[CHANNEL]))
    proof = visitors["proof"].to_numpy(np.int64)
    share = shares[visitors.index].to_numpy(np.float64)[:, np.newaxis]
    rows: list[tuple[object, ...]] = []
    numbers = [np.empty((0, len(Proof)))]
    for field in (ALL, *ACTION_FIELDS):
        cell = kind if field == ALL else kind.pair_with(CodedColumn.of(visitors[field]))
        sums = sum_precisely(cell.codes * len(Proof) + proof, share, cell.size * len(Proof))
        numbers.append(sums.reshape(cell.size, len(Proof)))
        labels = [(label, ALL) for label in cell.labels] if field == ALL else cell.labels
        rows += [(event_date, *of_kind, field, value) for of_kind, value in labels]
    columns = zip(*rows, strict=True) if rows else [()] * len(_KEYS)
    coded = map(CodedColumn.from_values, columns)
    return Counts(dict(zip(_KEYS, coded, strict=True)), np.concatenate(numbers))
