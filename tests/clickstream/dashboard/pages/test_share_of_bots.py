"""The share of bots is that of the same requests on every page and in `clickstream try`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of

from clickstream.dashboard.ask.view import View

FIRST = datetime(2026, 11, 15)
numbers = st.integers(0, 500)


@given(st.fixed_dictionaries(dict.fromkeys(("bots", "page_requests", "health_checks"), numbers)))
def test_machines_and_trust_have_the_share_without_assets_and_health_checks(
    counts: dict[str, int],
) -> None:
    counts |= {"assets": 3000, "rejected": 7}
    hours = hours_between(FIRST, FIRST + timedelta(hours=24), kinds=counts)
    store = FactStore(fact_tables((), hours))
    view = View().with_days(FIRST.date(), FIRST.date())
    said = {}
    for tab in ("machines", "trust"):
        with page_of(store, view.on_tab(tab)) as page:
            said[tab] = " ".join(texts_of(html_of(page)))
    requests = counts["bots"] + counts["page_requests"]
    if not requests:
        assert "from machines" not in said["machines"]
        return
    shares = [
        re.search(r"(\d+)\s?% of the requests without images and scripts", said[tab])
        for tab in ("machines", "trust")
    ]
    assert all(shares)
    assert {abs(int(one[1]) - 100 * counts["bots"] / requests) <= 0.5 for one in shares} == {True}
    checks = f"{24 * counts['health_checks']:,} health checks are in neither number."
    assert (checks in said["machines"]) == bool(counts["health_checks"])
