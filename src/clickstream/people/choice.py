"""Choose which members of a suspected cohort are left out, so that figures of people are counts.

How many members of a cohort are machines is known, but not which ones. Exactly as many are chosen
by the order of their ids. The ids are keyed hashes, so the choice is like chance: the members that
stay come from all pages, hours and places of the cohort in proportion.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def choose_suspected(shares: pd.DataFrame) -> pd.Series:
    """Return the cohort of each visitor that is left out, by visitor id in order.

    `shares` has `share` (expected share of people, 0 to 1) and `cohort` (None if not suspected) by
    visitor id, as `Suspicion.visitors`. Of each cohort, the rounded sum of 1 - share is chosen.
    """
    members = shares[shares["cohort"].notna()].sort_index()
    machines = (1 - members["share"]).groupby(members["cohort"].astype(object)).cumsum()
    before = machines - (1 - members["share"])
    is_chosen: NDArray[np.bool_] = (machines + 0.5) // 1 > (before + 0.5) // 1
    return members.loc[is_chosen, "cohort"]
