"""The page of the plan of locations: the stored run, and plans with what-if values beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.location_builders import (
    CANDIDATES,
    DAY,
    SETTINGS,
    SHOWN,
    facts,
    plan_of,
    store,
    store_of,
    without_plan,
)
from tests.clickstream.dashboard.rendered import page_of
from tests.support.examples import many_examples

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.pages.places.location_report import (
    ComputedPlan,
    LocationReport,
    build_report,
    compute_plan,
    is_same_plan,
)
from clickstream.dashboard.pages.places.stored_plan import PlannedCandidate, StoredPlan, newest_plan
from clickstream.dashboard.pages.places.what_if import FIELDS, WhatIf, parse_what_if
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_texts import MISSING

NAMES = [one.name for one in CANDIDATES]
TEXTS = st.text(max_size=6) | st.floats().map(str)


@pytest.fixture(scope="module")
def page() -> Iterator[PageContext]:
    with page_of(store(), SHOWN, settings=SETTINGS) as page:
        yield page


@pytest.fixture(scope="module")
def stored(page: PageContext) -> StoredPlan:
    found = newest_plan(page)
    assert found
    return found


def report_of(facts: FactStore, query: Mapping[str, str]) -> LocationReport:
    with page_of(facts, SHOWN, settings=SETTINGS) as page:
        found = build_report(page, query)
    assert found
    return found


def computed(page: PageContext, stored: StoredPlan, what_if: WhatIf) -> ComputedPlan:
    found = compute_plan(page, stored, what_if)
    assert isinstance(found, ComputedPlan)
    return found


def candidate_of(plan: ComputedPlan, name: str) -> PlannedCandidate:
    return next(one for one in plan.candidates if one.candidate.name == name)


def test_without_values_the_page_shows_the_stored_run(stored: StoredPlan) -> None:
    found = report_of(store(), {"candidate": "Bonn", "radius": " "})
    assert not found.is_computed
    assert not found.has_changed
    assert [one.name for one in found.ranking.rows] == [
        one.candidate.name for one in stored.candidates
    ]
    assert found.notes == stored.notes
    for row in found.ranking.rows:
        assert (row.strip_before, row.orders.before) == (None, "")


def test_values_of_the_run_give_the_plan_of_the_run(page: PageContext, stored: StoredPlan) -> None:
    for one in stored.candidates:
        query = {"candidate": one.candidate.name}
        typed = report_of(store(), query).form.planned
        what_if, problems = parse_what_if({**query, **typed}, NAMES, page.formats)
        assert problems == []
        assert what_if.has_values
        found = computed(page, stored, what_if)
        assert is_same_plan(found.candidates, stored.candidates)
        assert [*found.notes] == stored.notes


def test_more_attraction_gains_more_orders_and_a_radius_changes_the_model(
    page: PageContext, stored: StoredPlan
) -> None:
    plans = [computed(page, stored, WhatIf(attraction=value)) for value in (0.1, 1.0, 10.0)]
    for name in NAMES:
        orders = [candidate_of(plan, name).orders.middle for plan in plans]
        assert orders == sorted(orders)
        assert orders[0] < orders[-1]
    wide = computed(page, stored, WhatIf(radius_km=80))
    assert wide.model.huff.source == "chosen"
    assert any("80 km, as you chose" in one for one in wide.notes)


@many_examples
@given(st.dictionaries(st.sampled_from([*FIELDS, "candidate"]), TEXTS))
def test_any_text_is_a_value_or_has_a_sentence(query: dict[str, str]) -> None:
    what_if, problems = parse_what_if(query, NAMES, Formats(parse_locale("en-DE")))
    values = (what_if.attraction, what_if.radius_km)
    used = sum(value is not None for value in values) + bool(what_if.candidate)
    assert used + len(problems) == sum(bool(text.strip()) for text in query.values())


def test_values_that_cannot_be_used_have_a_sentence_and_the_others_count() -> None:
    query = {"candidate": "Atlantis", "radius": "x", "attraction": "2"}
    found = report_of(store(), query)
    assert [one.split("”")[0] for one in found.form.problems] == [
        *("The plan has no candidate “Atlantis", "Radius in km “x"),
    ]
    assert found.form.assumed == "All candidates: attraction 2"
    assert found.is_computed


def test_a_plan_of_other_orders_than_those_of_the_run_is_named() -> None:
    rows = [{**row, "orders_middle": row["orders_middle"] * 1.01} for row in plan_of()]
    assert report_of(store_of(rows), {}).has_changed


@pytest.mark.parametrize(("sold", "read"), [(28, 365), (50, 20)])
def test_a_plan_names_the_days_of_its_orders_and_is_computed_again_from_them(
    sold: int, read: int
) -> None:
    """A shop that has sold for a month has a plan of a month, although the run reads a year."""
    orders = [row for row in facts()["order_facts"] if _age(row) <= sold]
    rows = plan_of(read, orders)
    days = [row["hour_at"].date() for row in orders if _age(row) <= read]
    assert (rows[0]["first_date"], rows[0]["last_date"]) == (min(days), max(days))
    with page_of(store_of(rows, order_facts=orders), SHOWN, settings=SETTINGS) as page:
        found = build_report(page, {})
        assert found
        assert found.dates == page.days(Period(min(days), max(days)))
        assert not found.has_changed


def _age(order: Mapping[str, Any]) -> int:
    return (DAY - order["hour_at"].date()).days


def test_a_market_that_lacks_people_shows_the_stored_run_and_what_to_do() -> None:
    found = report_of(store_of(plan_of(), demographic_facts=[]), {"radius": "100"})
    assert (found.missing, found.explanation) == (MISSING["people"], None)
    assert (found.is_computed, len(found.ranking.rows)) == (False, len(CANDIDATES))


def test_a_page_without_a_plan_says_how_to_get_one() -> None:
    with page_of(without_plan(), SHOWN, settings=SETTINGS) as page:
        html = Renderer.create(page.formats, "Café").location_report(build_report(page, {}))
    assert "clickstream locations candidates" in html
