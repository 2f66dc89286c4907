"""Suspected machines: how many are left out, why, how pages show them, and the interval."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import escape
from typing import Any

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of

from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.pages.trust.completeness import build_suspects

LABELS = ("none: assets=none", "weak: network=0123456789, rhythm=2")
"""The second cohort is not decided."""

FIRST, DAYS, PEOPLE, MACHINES = datetime(2026, 11, 9), 7, 40, (30, 8)
WEEK = View().with_days(FIRST.date(), (FIRST + timedelta(days=DAYS - 1)).date())


def searched(day: datetime, lowest: float, highest: float) -> dict[str, Any]:
    visitors, suspected = PEOPLE + sum(MACHINES), sum(MACHINES)
    interval = {"lowest": lowest, "highest": highest, "history_dates": 42}
    return {"hour_at": day, "visitors": visitors, "suspected": suspected, **interval}


def cohort(day: datetime, place: int) -> dict[str, Any]:
    number = MACHINES[place]
    return {
        **{"hour_at": day, "cohort": LABELS[place], "place": place + 1, "suspected": number},
        **{"visitors": number + 2.0, "proved": 5.0, "explained": 2.0},
        **{"is_decided": place == 0, "reason": "Why."},
    }


def store_of_days(lowest: float, highest: float, *, rotated: bool = False) -> FactStore:
    """Each day has the same people and machines, who are other visitors on each day."""
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    visits = []
    for number, day in enumerate(days):
        ids = iter(range(1000 * number, 1000 * number + 500))
        visits += [Visit(day, next(ids), pages=("/", "/menu")) for _ in range(PEOPLE)]
        for label, machines in zip(LABELS, MACHINES, strict=True):
            visits += [Visit(day, next(ids), cohort=label) for _ in range(machines)]
    others = {
        "people_facts": [searched(day, lowest, highest) for day in days],
        "cohort_facts": [cohort(day, place) for day in days for place in range(len(LABELS))],
    }
    hours = hours_between(FIRST, FIRST + timedelta(days=DAYS))
    if rotated:
        hours[-1] = replace(hours[-1], visitor_key="key-2")
    return FactStore(fact_tables(visits, hours, others))


@pytest.fixture(scope="module")
def store() -> FactStore:
    return store_of_days(PEOPLE * 0.9, PEOPLE * 1.2)


def text_of(store: FactStore, view: View) -> str:
    with page_of(store, view) as page:
        return " ".join(texts_of(html_of(page)))


def test_the_number_on_every_page_is_that_of_the_cohorts_that_trust_lists(store) -> None:
    left_out = f"{DAYS * sum(MACHINES)} suspected machines left out"
    for tab in ("overview", "places", "machines", "trust"):
        assert left_out in text_of(store, WEEK.on_tab(tab))
    with page_of(store, WEEK.on_tab("trust")) as page:
        panel = build_suspects(page)
    assert [row.label for row in panel.rows] == [*LABELS]
    assert [int(row.left_out) for row in panel.rows] == [DAYS * number for number in MACHINES]
    assert panel.rows[0].name == "no images, style sheets or scripts"
    assert ["can also be people" in row.reason for row in panel.rows] == [False, True]
    assert panel.searched == "All dates of this range are searched."


def test_the_links_of_the_panel_show_the_machines_and_leave_them_out_again(store) -> None:
    with page_of(store, WEEK.on_tab("trust")) as page:
        panel = build_suspects(page)
        people = page.answer(("visitors",)).single()["visitors"]
    assert people == DAYS * PEOPLE
    everyone = WEEK.with_filters(Filter("suspicion", ("everyone",)))
    assert panel.query == everyone.on_tab("trust").query
    with page_of(store, everyone) as page:
        assert page.answer(("visitors",)).single()["visitors"] == people + DAYS * sum(MACHINES)
        assert build_suspects(page).query == WEEK.query
        assert "suspected machines left out" not in " ".join(texts_of(html_of(page)))
    fleet = WEEK.with_filters(Filter("cohort", LABELS[:1]))
    assert panel.rows[0].query == fleet.on_tab("trust").query
    with page_of(store, fleet) as page:
        assert page.answer(("visits",)).single()["visits"] == DAYS * MACHINES[0]


def test_only_who_may_see_visits_gets_sample_lines(store) -> None:
    with page_of(store, WEEK.on_tab("trust")) as page:
        query = escape(build_suspects(page).rows[0].query)
        reader = replace(page, identity=Identity("ben", is_read_only=True))
        forms = [
            html.count(f'<form method="post" action="visits{query}">')
            for html in (html_of(page), html_of(reader))
        ]
    assert forms == [1, 0]


@pytest.mark.parametrize("tab", ["overview", "visitors", "orders"])
def test_two_numbers_below_a_key_figure_have_a_label_in_words(store, tab) -> None:
    with page_of(store, WEEK.on_tab(tab)) as page:
        hints = re.findall(r'<span class="hint"[^>]*>([^<]*)</span>', html_of(page))
    ends = [one for one in hints if re.search(r"\d.* – .*\d", one)]
    assert ends or tab != "overview"
    assert all(one.startswith("95 % interval: ") for one in ends)


def test_the_interval_is_as_wide_as_those_of_the_dates(store) -> None:
    low, high = round(DAYS * PEOPLE * 0.9), round(DAYS * PEOPLE * 1.2)
    assert f"95 % interval: {low} – {high}" in text_of(store, WEEK)
    assert f"{low} –" not in text_of(store, WEEK.with_filter("device", "desktop"))
    narrow = store_of_days(PEOPLE * 0.96, PEOPLE * 1.04)
    assert " – 2" not in text_of(narrow, WEEK)
    limit = text_of(store_of_days(PEOPLE * 0.9, PEOPLE * 1.2, rotated=True), WEEK)
    assert "Visitors at most" in limit
    assert f"{low} –" not in limit


def test_dates_that_are_not_searched_are_not_said_to_be() -> None:
    visits = [Visit(FIRST, number) for number in range(3)]
    nothing = FactStore(fact_tables(visits, hours_between(FIRST, NOW)))
    with page_of(nothing, WEEK.on_tab("trust")) as page:
        assert build_suspects(page).searched.startswith("No date of this range is searched")
        assert "suspected machines left out" not in " ".join(texts_of(html_of(page)))
