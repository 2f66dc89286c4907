"""Holdout tests on the Marketing page, beside counts in plain Python."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.clickstream.dashboard.holdout_builders import (
    BEGIN,
    FIRST,
    LACKING,
    LAST,
    SETTINGS,
    SHOWN,
    TEST,
    store,
)
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.pages.marketing.holdout_plan import build_plan
from clickstream.dashboard.pages.marketing.holdouts import HoldoutTest, ask_history, build_holdouts
from clickstream.insight.holdout import Lift, evaluate
from clickstream.insight.holdout_history import history_of_rows
from clickstream.settings import Settings, load


def shown(settings: Settings = SETTINGS, view: View = SHOWN) -> HoldoutTest:
    with page_of(store()[0], view, settings=settings) as page:
        (found,) = build_holdouts(page)
    return found


def test_the_page_evaluates_the_orders_of_all_regions_without_dates_that_lack_an_hour() -> None:
    of_store, counts = store()
    with page_of(of_store, SHOWN, settings=SETTINGS) as page:
        answer = ask_history(page, "orders", TEST.campaigns, Period(BEGIN, LAST))
    panel = history_of_rows("orders", answer.rows).panel
    assert [*panel.incomplete] == [LACKING]
    found = {
        (region, day): panel.values[row, column]
        for row, region in enumerate(panel.regions)
        for column, day in enumerate(panel.dates)
    }
    assert found == {key: counts[key] for key in found}
    assert sum(found.values()) == sum(counts.values())
    result = evaluate(panel, TEST)
    assert isinstance(result, Lift)
    assert result.is_found
    assert result.low < 0.4 < result.high
    test = shown()
    assert test.sentence.startswith("Without tea, the region England, GB had")
    assert any(str(LACKING) in note for note in test.notes)
    assert test.chart is not None
    assert len(test.chart.rows) == 10


def test_filters_and_dates_of_the_page_change_no_result() -> None:
    filtered = replace(SHOWN, filters=(Filter("country", ("DE",)),)).with_days(FIRST, FIRST)
    other = shown(view=filtered)
    assert replace(other, query="") == replace(shown(), query="")


def test_a_test_without_a_result_says_why_and_sites_without_tests_have_no_panel() -> None:
    unknown = TEST.model_copy(update={"regions": ("Engeland, GB",)})
    found = shown(SETTINGS.model_copy(update={"holdouts": (unknown,)}))
    assert "England, GB" in found.sentence
    assert found.chart is None
    for settings, is_there in (
        (SETTINGS, True),
        (SETTINGS.model_copy(update={"holdouts": ()}), False),
    ):
        with page_of(store()[0], SHOWN, settings=settings) as page:
            assert ('id="holdouts"' in html_of(page)) == is_there


def test_a_plan_proposes_a_test_as_a_section_of_the_settings(tmp_path: Path) -> None:
    with page_of(store()[0], SHOWN, settings=SETTINGS) as page:
        offered, found = build_plan(page, "", "orders"), build_plan(page, " Tea", "orders")
    assert offered.campaigns == []
    assert offered.sentence == ""
    best, weeks = next(
        (row, weeks)
        for row in found.rows
        for one, weeks in zip(row.effects, found.weeks, strict=True)
        if one.is_best
    )
    written = tmp_path / "clickstream.toml"
    written.write_text(found.section, encoding="utf-8")
    (test,) = load(written, {}).holdouts
    assert "; ".join(test.regions) == best.regions
    assert (test.campaigns, test.first.weekday(), test.first > NOW.date()) == (("tea",), 0, True)
    assert test.last - test.first == timedelta(weeks=int(weeks), days=-1)
