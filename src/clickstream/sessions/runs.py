"""Runs: where a key's sequence of moments breaks because the gap is too long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def run_starts(
    keys: NDArray[np.signedinteger], moments: NDArray[np.int64], gap: int
) -> NDArray[np.bool_]:
    """Mark the first element of every run.

    `keys` and `moments` are sorted by key, then moment. A run breaks where the key changes or
    more than `gap` lies between two moments; `gap` has the unit of `moments`.
    """
    starts = np.ones(len(keys), dtype=bool)
    starts[1:] = (keys[1:] != keys[:-1]) | (np.diff(moments) > gap)
    return starts


def count_in_runs(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many are flagged in each run; runs begin at the positions `first`."""
    return np.add.reduceat(flags, first, dtype=np.int64) if len(first) else first


def request_runs(
    keys: NDArray[np.int64], seconds: NDArray[np.int64], timeout_seconds: int = 1800
) -> int:
    """How many runs of requests there are, whatever order the requests are given in."""
    order = np.lexsort((seconds, keys))
    return int(run_starts(keys[order], seconds[order], timeout_seconds).sum())
