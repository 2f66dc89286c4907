"""Find runs: sequences of timestamps with the same key and no pause longer than a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def run_starts(
    keys: NDArray[np.signedinteger], moments: NDArray[np.int64], gap: int
) -> NDArray[np.bool_]:
    """Return a mask of the first element of each run.

    `keys` and `moments` must be sorted by key, then by moment. A new run starts where the key
    changes, or where two moments are more than `gap` apart. `gap` has the unit of `moments`.
    """
    starts = np.ones(len(keys), dtype=bool)
    starts[1:] = (keys[1:] != keys[:-1]) | (np.diff(moments) > gap)
    return starts


def count_in_runs(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the flags that are set in each run. The runs begin at the positions `first`."""
    return np.add.reduceat(flags, first, dtype=np.int64) if len(first) else first
