"""Sessions by country, without a country that has so few visitors that one could be recognised."""

from __future__ import annotations

from collections import Counter

import pandas as pd

FEWEST = 10
"""Visitors that a place must have to be shown, as in the view `visits_by_place`."""

FEW_VISITORS = "few visitors"
UNKNOWN = "unknown"


def sessions_by_country(sessions: pd.DataFrame) -> Counter[str]:
    """Count sessions by country; those of countries with few visitors together.

    `sessions` has a row for each session, with `visitor_id` and `country`. If the small countries
    have less than ten visitors together, the smallest other one is counted with them. Empty if no
    country is known at all.
    """
    countries = sessions["country"].astype(object)
    if not countries.notna().any():
        return Counter()
    shown = countries.where(countries.notna(), UNKNOWN)
    visitors = (
        sessions["visitor_id"].groupby(shown).nunique().sort_index().sort_values(kind="stable")
    )
    folded = set(visitors.index[visitors < FEWEST])
    together = sessions["visitor_id"][shown.isin(folded)].nunique()
    if 0 < together < FEWEST:
        folded.update(visitors.index[visitors >= FEWEST][:1])
    counts = shown.where(~shown.isin(folded), FEW_VISITORS).value_counts()
    return Counter({str(country): int(n) for country, n in counts.items()})
