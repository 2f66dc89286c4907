"""Panels of regions and dates for tests of holdouts, and their strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st

from clickstream.insight.arrays import Floats
from clickstream.insight.holdout_panel import RegionPanel

FIRST = date(2026, 11, 2)
"""The first date of the test of all panels."""

BEFORE, TEST = 28, 14
"""Days before the test, and of the test."""


@dataclass(frozen=True)
class ATest:
    """The terms of a holdout test."""

    regions: tuple[str, ...] = ("region 0",)
    first: date = FIRST
    last: date = FIRST + timedelta(days=TEST - 1)
    before_days: int = BEFORE


def panel_of(values: Floats, before: int = BEFORE) -> RegionPanel:
    """Return a panel of regions × days whose test begins after `before` days."""
    dates = [FIRST + timedelta(days=n - before) for n in range(values.shape[1])]
    return RegionPanel([f"region {n}" for n in range(len(values))], dates, values)


def draw_values(
    seed: int, means: Sequence[float], days: int = BEFORE + TEST, apart: float = 0.0
) -> Floats:
    """Draw counts that share the weekdays and a drift; `apart` is the daily step of own drifts."""
    rng = np.random.default_rng(seed)
    weekdays = np.resize([1.0, 1.0, 1.0, 1.1, 1.2, 1.5, 1.4], days)
    drift = np.exp(np.cumsum(rng.normal(0, 0.01, days)))
    own = np.exp(np.cumsum(rng.normal(0, apart, (len(means), days)), axis=1))
    counts: Floats = rng.poisson(np.array(means)[:, None] * weekdays * drift * own).astype(float)
    return counts


def with_values(panel: RegionPanel, values: Floats) -> RegionPanel:
    """Return the panel with other values."""
    return replace(panel, values=values)


seeds = st.integers(0, 10**6)
means = st.lists(st.floats(3.0, 60.0), min_size=4, max_size=9)
panels = st.builds(draw_values, seeds, means).map(panel_of)
"""Panels of one tested region and others, all with enough values."""
