"""Panels of holdout tests: values by region and UTC date, built from rows of a query.

`insight.holdout_history` has the query. Its rows come from Athena, or from the dashboard's copy of
the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from clickstream.core.wording import quantity
from clickstream.insight.arrays import Floats

HOURS = 24
"""Hours of a complete date."""


@dataclass(frozen=True)
class RegionPanel:
    """Counts or hundredths of a currency by region and UTC date: `values` is regions × dates.

    The dates ascend. `incomplete` has the dates that can't be used, each with what is missing.
    """

    regions: Sequence[str]
    dates: Sequence[date]
    values: Floats
    incomplete: Mapping[date, str] = field(default_factory=dict)

    @property
    def complete(self) -> RegionPanel:
        """The panel without the dates that are not complete."""
        return self._choose([day not in self.incomplete for day in self.dates], {})

    def between(self, first: date, last: date) -> RegionPanel:
        """Return the panel of two dates and those between."""
        incomplete = {day: why for day, why in self.incomplete.items() if first <= day <= last}
        return self._choose([first <= day <= last for day in self.dates], incomplete)

    def _choose(self, is_kept: Sequence[bool], incomplete: Mapping[date, str]) -> RegionPanel:
        dates = [day for day, kept in zip(self.dates, is_kept, strict=True) if kept]
        return RegionPanel(self.regions, dates, self.values[:, np.array(is_kept, bool)], incomplete)


@dataclass(frozen=True)
class RegionHistory:
    """A panel, its values that came by some campaigns, and the share of values without a region."""

    panel: RegionPanel
    of_campaigns: Floats
    without_region: float


class RegionRow(NamedTuple):
    """The value of a region on a date; without a region, `region` is None.

    `of_campaigns` is the part that came by the campaigns. `unmatched` is the number of orders that
    were not matched to visits yet, so that their region is not known. `currency` is that of an
    amount.
    """

    day: date
    region: str | None
    value: int
    of_campaigns: int
    unmatched: int
    currency: str | None = None


class HoursRow(NamedTuple):
    """The number of hours of a date that are published and have the lines of all hosts."""

    day: date
    complete_hours: int


def build_history(
    rows: Iterable[RegionRow], hours: Iterable[HoursRow], needs_values: bool
) -> RegionHistory:
    """Build the history of the dates from the first to the last one with a published hour.

    With `needs_values`, a date without any value is not complete: its sales were not pulled, or the
    shop was closed. Amounts of several currencies are never summed, so then no date can be used.
    """
    rows = list(rows)
    complete = {row.day: row.complete_hours for row in hours}
    dates = [*_dates(complete)]
    regions = sorted({row.region for row in rows if row.region})
    values, of_campaigns = np.zeros((2, len(regions), len(dates)))
    region_index = {name: n for n, name in enumerate(regions)}
    day_index = {day: n for n, day in enumerate(dates)}
    for row in rows:
        if row.region and row.day in day_index:
            values[region_index[row.region], day_index[row.day]] += row.value
            of_campaigns[region_index[row.region], day_index[row.day]] += row.of_campaigns
    incomplete = dict(_incomplete(dates, complete, rows, needs_values))
    total = sum(row.value for row in rows)
    without = sum(row.value for row in rows if not row.region) / total if total else 0.0
    return RegionHistory(RegionPanel(regions, dates, values, incomplete), of_campaigns, without)


def _dates(complete: Mapping[date, int]) -> Iterator[date]:
    """Yield all dates from the first to the last one."""
    if complete:
        first = min(complete)
        for days in range((max(complete) - first).days + 1):
            yield first + timedelta(days=days)


def _incomplete(
    dates: Sequence[date],
    complete: Mapping[date, int],
    rows: Sequence[RegionRow],
    needs_values: bool,
) -> Iterator[tuple[date, str]]:
    """Yield the dates that can't be used, each with what is missing."""
    unmatched = {row.day for row in rows if row.unmatched}
    with_values = {row.day for row in rows}
    currencies = sorted({row.currency for row in rows if row.currency})
    for day in dates:
        missing = HOURS - complete.get(day, 0)
        if len(currencies) > 1:
            yield day, f"sales in {' and '.join(currencies)} are never summed"
        elif missing:
            yield day, f"{quantity(missing, 'hour')} missing"
        elif needs_values and day not in with_values:
            yield day, "no orders in the lake"
        elif day in unmatched:
            yield day, "orders not matched"
