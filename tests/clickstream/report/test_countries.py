"""No country with fewer than ten visitors is shown, and no session is lost by that."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import many_examples

from clickstream.report.visits import FEW_VISITORS, UNKNOWN, sessions_by_country

crowds = st.lists(
    st.tuples(
        st.sampled_from(["FR", "DE", "GB", "IS", None]), st.integers(0, 30), st.integers(1, 25)
    ),
    max_size=8,
)
"""Crowds: a country, the number of its first visitor, and how many visitors follow that one."""


def sessions_of(crowds: list[tuple[str | None, int, int]]) -> pd.DataFrame:
    rows = [
        (f"v{visitor}", country)
        for country, first, number in crowds
        for visitor in range(first, first + number)
    ]
    return pd.DataFrame(rows, columns=["visitor_id", "country"], dtype=object)


@many_examples
@given(crowds)
def test_countries_with_few_visitors_are_counted_together(crowds) -> None:
    sessions = sessions_of(crowds)
    found = sessions_by_country(sessions)
    if not sessions["country"].notna().any():
        assert found == {}
        return
    assert found.total() == len(sessions)
    countries = sessions["country"].where(sessions["country"].notna(), UNKNOWN)
    shown = countries.where(countries.isin(set(found)), FEW_VISITORS)
    visitors = sessions["visitor_id"].groupby(shown).nunique()
    assert all(number >= 10 for number in visitors) or set(found) == {FEW_VISITORS}


def test_the_smallest_other_country_joins_a_small_remainder() -> None:
    assert sessions_by_country(sessions_of([("FR", 0, 30), ("DE", 40, 12), ("IS", 60, 1)])) == {
        "FR": 30,
        FEW_VISITORS: 13,
    }
