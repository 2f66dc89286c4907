"""Any value can be found, typed and filtered by, and the page says if no visit has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.clickstream.dashboard.strategies import HOSTILE, values

from clickstream.core.errors import InputError
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import ROWS_AT_ONCE, detail_parts
from clickstream.dashboard.web.filter_field import (
    add_filter,
    find_value,
    suggest_names,
    suggest_values,
)
from clickstream.dashboard.web.shown_rows import ShownRows
from clickstream.dashboard.widgets.lists import value_name
from clickstream.settings import Settings

END = NOW.replace(minute=0)
START = datetime(2026, 11, 9)
AT = END - timedelta(days=1)
WEEK = View(range="7d")
HOURS = hours_between(START, END)


def store_of(visits: list[Visit]) -> FactStore:
    return FactStore(fact_tables(visits, HOURS))


@pytest.fixture(scope="module")
def store() -> FactStore:
    """More campaigns than a page of rows has, with countries, goals and steps of the funnel."""
    visits = [
        Visit(
            AT,
            number,
            ("/menu", f"/item-{number % 7}"),
            campaign=f"Campaign {number:03}",
            country=("GB", "US", None)[number % 3],
            goals=("order",)[: number % 2],
            steps=number % 3,
        )
        for number in range(ROWS_AT_ONCE + 30)
    ]
    return store_of([*visits, Visit(AT, 1), Visit(AT, 500, channel="Email", campaign="cakes")])


@given(st.lists(st.none() | values, min_size=1, max_size=6), values)
@example([*HOSTILE, None], "%")
@example([None, "(none)", "One"], "NONE")
@example(["100%", "a_c", "abc", "a\\b"], "_")
def test_a_search_finds_the_rows_whose_name_contains_the_text(campaigns, text) -> None:
    assume(text.strip())
    text = text.strip()
    # The engine's lower case and Python's differ for a few letters of Unicode, such as İ.
    assume(all(len((one or "").lower()) == len(one or "") for one in [*campaigns, text]))
    visits = [Visit(AT, number, campaign=one) for number, one in enumerate(campaigns)]
    store = FactStore(fact_tables(visits, []))
    with page_of(store, WEEK.with_choice("sources", "campaign")) as page:
        (all_rows,) = detail_parts(page, PANELS["sources"])
        (found,) = detail_parts(page, PANELS["sources"], ShownRows(text))
        contained = [
            row
            for row, value in zip(all_rows.rows, _values_of(page), strict=True)
            if text.lower() in (value or "(none)").lower()
        ]
    assert found.rows == contained


def _values_of(page) -> list[str | None]:
    (question,) = page.questions(PANELS["sources"])
    return [row[0] for row in page.ask(question).rows]


def test_pages_of_rows_show_each_row_once(store) -> None:
    seen, start = [], ShownRows()
    with page_of(store, WEEK.with_choice("sources", "campaign")) as page:
        for _ in range(3):
            (part,) = detail_parts(page, PANELS["sources"], start)
            seen += [row.names[0].text for row in part.rows]
            if not part.later:
                break
            start = ShownRows.parse(dict(parse_qsl(part.later.removeprefix("?"))))
        assert part.earlier
    assert len(seen) == len({*seen}) == ROWS_AT_ONCE + 32


def test_the_links_of_a_row_filter_by_it_and_exclude_it(store) -> None:
    view = WEEK.with_choice("sources", "campaign")
    with page_of(store, view) as page:
        (part,) = detail_parts(page, PANELS["sources"], ShownRows("CAKES"))
    (name,) = part.rows[0].names
    for address, is_excluded in ((name.only, False), (name.without, True)):
        path, _, query = address.partition("?")
        assert path == "../"
        found = parse_view("overview", parse_qsl(query, keep_blank_values=True))
        assert found == view.with_filter("campaign", "cakes", is_excluded)


@pytest.mark.parametrize("start", ["-1", "x", "１", "9" * 10])
def test_a_row_that_is_no_number_is_refused(start: str) -> None:
    with pytest.raises(InputError, match="is not the number of a row"):
        ShownRows.parse({"start": start})


@pytest.mark.parametrize(
    "dimension", ["channel", "campaign", "country", "goal", "page", "furthest_step", "visitor_kind"]
)
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_a_typed_name_is_the_value_with_this_name(store, dimension, change) -> None:
    settings = Settings.model_validate(
        {"funnel": ({"name": "Menu", "page": "/menu"}, {"name": "Form", "page": "/form"})}
    )
    with page_of(store, WEEK, settings=settings) as page:
        found = suggest_values(page, dimension, "")
        assert found
        for value in found:
            assert find_value(page, dimension, change(value_name(page, dimension, value))) == value


@given(st.sampled_from(["channel", "campaign", "page"]), values)
def test_any_typed_text_is_a_filter(dimension, text) -> None:
    assume(text.strip())
    with page_of(EMPTY, WEEK) as page:
        view = add_filter(page, {"filter": dimension, "relation": "not", "value": text})
    assert view == WEEK.with_filter(dimension, view.filters[0].values[0], is_excluded=True)
    assert view.filters[0].values[0] in (text.strip(), None)


EMPTY = store_of([])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "chanel", "value": "Email"}, "filter=chanel is not known; use one of channel"),
        ({"filter": "channel", "value": " "}, "The filter has no value"),
        ({"filter": "channel"}, "The filter has no value"),
        ({"filter": "channel", "relation": "near", "value": "x"}, "use one of is, not"),
    ],
)
def test_a_form_that_is_wrong_says_what_is_right(fields, message) -> None:
    with page_of(EMPTY, WEEK) as page, pytest.raises(InputError, match=message):
        add_filter(page, fields)


def shown(store: FactStore, view: View) -> str:
    with page_of(store, view) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


@pytest.mark.parametrize("tab", ["overview", "visitors", "marketing", "orders", "places", "trust"])
@pytest.mark.parametrize("is_excluded", [False, True])
def test_a_value_that_no_visit_has_is_named_on_every_tab(store, tab, is_excluded) -> None:
    view = replace(WEEK, tab=tab).with_filter("campaign", "cake", is_excluded)
    text = shown(store, view)
    assert "Campaign “cake”: no visit in this range. Similar: cakes" in text


def test_filters_that_exclude_each_other_are_named(store) -> None:
    view = WEEK.with_filter("campaign", "cakes").with_filter("country", "GB")
    assert "no visit matches all of them" in shown(store, view)
    assert "no visit" not in shown(store, WEEK.with_filter("campaign", "cakes"))


def test_suggestions_keep_other_filters(store) -> None:
    view = WEEK.with_filter("channel", "Email")
    with page_of(store, view) as page:
        assert suggest_names(page, {"filter": "campaign", "value": "C"}) == ["cakes"]
        assert {"Direct", "Email"} <= {*suggest_names(page, {"filter": "channel"})}


def test_a_link_to_the_trust_page_suggests_no_value(store) -> None:
    only = Identity("", is_read_only=True, tabs=("trust",))
    view = View("trust", "7d").with_filter("campaign", "cake")
    with page_of(store, view) as of_account:
        page = replace(of_account, identity=only)
        assert "cakes" not in html_of(page)


def test_the_title_and_the_announcement_name_the_filters_and_their_visits(store) -> None:
    with page_of(store, WEEK.with_filter("channel", "Email")) as page:
        html = html_of(page)
    assert "<title>Overview: Channel is Email · Café</title>" in html
    assert 'data-says="Overview: Channel is Email, 10 Nov – 16 Nov: 1 visit"' in html
    assert ">Overview: Channel is Email</h1>" in html
