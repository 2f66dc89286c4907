"""Candidates for a new café on the Places page: the newest stored plan, in a table and on maps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.clickstream.dashboard.location_builders import (
    LAST,
    SETTINGS,
    SHOWN,
    plan_of,
    store,
    without_plan,
)
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of

from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.pages.places.locations import LocationPanel, build_locations, map_marks
from clickstream.insight.location_texts import NOT_KNOWN
from clickstream.settings import Settings

GERMANY = replace(SHOWN, filters=(Filter("country", ("DE",)),))
FRANCE = replace(SHOWN, filters=(Filter("country", ("FR",)),))


def shown(view: View = SHOWN) -> LocationPanel:
    with page_of(store(), view, settings=SETTINGS) as page:
        found = build_locations(page)
    assert found is not None
    return found


def test_the_panel_has_the_values_of_the_stored_plan() -> None:
    stored, panel = plan_of(), shown()
    ranks = [str(one["rank"]) for one in stored]
    assert [row.name for row in panel.ranking.rows] == [one["name"] for one in stored]
    assert [row.rank.text for row in panel.ranking.rows] == ranks
    first, row = stored[0], panel.ranking.rows[0]
    low, high = (round(first[f"orders_{end}"]) for end in ("low", "high"))
    assert (row.orders.text, row.orders.interval) == (
        str(round(first["orders_middle"])),
        f"{low} – {high}",
    )
    assert [*panel.leading, *panel.notes] == first["notes"].split("\n")
    assert panel.leading[0] == NOT_KNOWN
    assert "people alone" in panel.leading[1]
    assert "Left out: Line 4, Sea: it has no coordinates." in panel.notes


def test_intervals_lie_on_one_scale_that_has_0() -> None:
    panel = shown()
    ends = [end for row in panel.ranking.rows for end in (row.strip.low, row.strip.high)]
    assert all(row.strip.low <= row.strip.middle <= row.strip.high for row in panel.ranking.rows)
    assert 0 <= min([*ends, panel.ranking.zero_at]) <= panel.ranking.zero_at <= max(ends) <= 100


def test_dates_and_filters_of_the_page_do_not_change_the_plan() -> None:
    assert shown(GERMANY) == shown(FRANCE.with_days(LAST, LAST)) == shown()


@pytest.mark.parametrize(("view", "number"), [(SHOWN, 10), (GERMANY, 10), (FRANCE, 0)])
def test_the_map_has_the_candidates_within_it(view: View, number: int) -> None:
    country = {one.values[0] for one in view.filters}
    with page_of(store(), view, settings=SETTINGS) as page:
        marks = map_marks(page, country.pop() if country else None)
        html = html_of(page)
    assert [one.rank for one in marks] == [*range(number, 0, -1)]
    assert html.count('<g class="mark"') == number


def test_without_a_plan_the_page_says_how_to_get_one_and_without_a_shop_nothing() -> None:
    for settings, is_there in ((SETTINGS, True), (Settings(), False)):
        with page_of(without_plan(), SHOWN, settings=settings) as page:
            html = html_of(page)
        assert ('id="locations"' in html) == is_there
        assert ("clickstream locations candidates" in " ".join(texts_of(html))) == is_there
