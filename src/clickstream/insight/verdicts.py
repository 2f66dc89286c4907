"""The verdict on each compared number: more, less, as usual, growing, or that nothing can be said.

One call judges one family of numbers: the tiles of a page, or the parts of one list. The dashboard,
its mail and the alerts ask here, so that they never disagree.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.comparison import Compared

Verdict = Literal["more", "less", "growth", "usual", "unknown", "unclear"]
"""`growth` is a steady one, up or down. `unknown` is "can't tell yet", with less than eight weeks
of history; `unclear` is "no clear change", because more weeks do not cure chance."""

VERDICTS = get_args(Verdict)

TILES_FALSE_SHARE, PARTS_FALSE_SHARE = 0.03, 0.001
"""Expected share of false claims: of the tiles of a page, and of the numbers of each list."""

FEWEST = 10.0
"""No claim from fewer orders or visitors on its side: the period's for more, the usual for less."""

LEAST_CHANGE = 0.1
"""The smallest relative change that is claimed."""

BAND = 0.2
"""A number is as usual if the 90 % interval of its relative change is inside this band."""

MOST_DOUBT, DOUBT_PER_FALSE_SHARE, LEAST_GROWTH = 0.1, 30, 0.02
"""A growth is stated if it is at least `LEAST_GROWTH` a week, and if the probability that there is
none is at most `MOST_DOUBT`, and 30 times the family's false share: 0.03 in lists. With 0.1 there,
one odd day in a history of three weeks was a growth of some part on 9 to 15 % of null pages."""

LEAST_DAYS, LONG_DAYS = 7, 56
"""Complete days of history: without so many no verdict; from so many on, it can't be "yet"."""


def find_unlikely(chances: Floats, false_share: float) -> np.ndarray:
    """Return which numbers of a family differ beyond chance.

    The false-discovery control is Benjamini and Hochberg's (1995): at most `false_share` of the
    claims are expected to be false, and of families without a change at most this share has one.
    """
    order = np.argsort(chances)
    limits = false_share * np.arange(1, len(chances) + 1) / max(len(chances), 1)
    within = np.flatnonzero(chances[order] <= limits)
    unlikely = np.zeros(len(chances), np.bool_)
    unlikely[order[: within[-1] + 1 if len(within) else 0]] = True
    return unlikely


def judge(compared: Compared, false_share: float, band: float = BAND) -> list[Verdict]:
    """Return the verdict on each number of a family."""
    is_more = compared.value > compared.usual
    side = np.where(is_more, compared.events, compared.usual_events)
    is_judged = compared.history_days >= LEAST_DAYS
    may_be_claimed = is_judged & (side >= FEWEST) & (np.abs(compared.change) >= LEAST_CHANGE)
    is_claimed = find_unlikely(np.where(may_be_claimed, compared.chance, 1.0), false_share)
    is_growth = is_judged & (np.maximum(compared.events, compared.usual_events) >= FEWEST)
    is_growth &= 1 - compared.growth_probability <= min(
        MOST_DOUBT, DOUBT_PER_FALSE_SHARE * false_share
    )
    is_growth &= np.abs(compared.growth) >= LEAST_GROWTH
    is_usual = is_judged & (compared.low > -band) & (compared.high < band)
    is_long = compared.history_days >= LONG_DAYS
    verdicts = np.select(
        [is_claimed & is_more, is_claimed, is_growth, is_usual, is_long],
        [0, 1, 2, 3, 5],
        default=4,
    )
    return [VERDICTS[verdict] for verdict in verdicts]
