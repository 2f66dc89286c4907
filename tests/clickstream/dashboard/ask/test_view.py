from contextlib import suppress
from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.strategies import values, views

from clickstream.clean.known_sites import CLICK_IDS
from clickstream.core.errors import InputError
from clickstream.dashboard.ask.dimensions import DIMENSIONS, FILTERS
from clickstream.dashboard.ask.fact_views import SESSIONS
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.view import CHOICES, TILES, View
from clickstream.dashboard.ask.view_urls import PARAMETERS, parse_view
from clickstream.insight.credit import MODELS


def parsed(view: View) -> View:
    return parse_view(view.tab, parse_qsl(view.query.removeprefix("?"), keep_blank_values=True))


@given(views())
def test_a_url_stands_for_one_view_and_a_view_has_one_url(view: View) -> None:
    assert parsed(view) == view
    assert parsed(view).query == view.query


@given(views(), st.sampled_from(FILTERS), st.none() | values, st.booleans())
def test_adding_a_filter_twice_is_adding_it_once(view, dimension, value, is_excluded) -> None:
    once = view.with_filter(dimension, value, is_excluded)
    assert once.with_filter(dimension, value, is_excluded) == once


@given(views(), st.sampled_from(FILTERS), st.none() | values, st.booleans())
def test_removing_a_filter_leaves_no_trace_of_its_value(
    view, dimension, value, is_excluded
) -> None:
    view = view.with_filter(dimension, value, is_excluded)
    view = view.without_filter(dimension, value, is_excluded)
    assert not any(
        one.dimension == dimension and one.is_excluded == is_excluded and value in one.values
        for one in view.filters
    )
    assert all(one.values for one in view.filters)


@given(st.sampled_from(PARAMETERS), st.integers(0, 20), st.sampled_from("xq_"))
def test_a_misspelt_parameter_is_refused_with_the_nearest_known_name(name, place, char) -> None:
    wrong = name[:place] + char + name[place:]
    if wrong not in PARAMETERS:
        with pytest.raises(InputError, match=r"is not a parameter .* Did you mean [a-z_.]+\?"):
            parse_view("overview", [(wrong, "Email")])


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5))
def test_any_parameters_give_a_view_or_an_error_that_says_what_is_allowed(pairs) -> None:
    with suppress(InputError):
        view = parse_view("overview", pairs)
        assert parsed(view) == view


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([("range", "fortnight")], "use one of today, yesterday, 7d"),
        ([("from", "2026-11-01")], "A range needs two dates"),
        ([("range", "own")], "needs two dates"),
        ([("from", "2026-11-31"), ("to", "2026-12-01")], "'2026-11-31' is not a date"),
        ([("from", "1970-01-01"), ("to", "2026-12-01")], "3,660 days at most"),
        ([("metric", "money")], "use one of visitors, conversions"),
        ([("channel", str(number)) for number in range(51)], "50 values at most"),
        ([("page", "x" * 2001)], "of 2,000 characters"),
        ([("hour", "2026-11-20")], "'2026-11-20' is not an hour; write it like 2026-11-20T05"),
        ([("hour", "0001-01-01T00")], "'0001-01-01T00' is not an hour"),
        ([("sources", "page")], "use one of channel, source, campaign, referrer"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_it_may_be(parameters, message) -> None:
    with pytest.raises(InputError, match=message):
        parse_view("trust", parameters)


def test_an_hour_is_of_the_trust_tab_only() -> None:
    parameters = [("hour", "2026-11-20T05")]
    assert parse_view("overview", parameters) == View()
    view = parse_view("trust", parameters)
    assert str(view.hour) == "2026-11-20T05"
    assert view.on_tab("orders").query == "?"
    assert view.with_range("7d").hour is None


def test_the_default_view_has_the_shortest_url() -> None:
    assert View().query == "?"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("chanel", "channel"), ("not.chanel", "not.channel"), ("Range", "range"), ("form", "from")],
)
def test_typical_misspellings_are_refused_with_the_right_name(wrong, right) -> None:
    with pytest.raises(InputError, match=rf"'{wrong}' is not .* Did you mean {right}\?"):
        parse_view("overview", [(wrong, "Email")])


@pytest.mark.parametrize("name", ["utm_source", "_ga", *CLICK_IDS])
def test_parameters_that_other_programs_append_are_left_out(name) -> None:
    assert parse_view("overview", [(name, "1")]) == View()


def test_dates_in_the_wrong_order_are_put_right() -> None:
    view = parse_view("overview", [("from", "2026-11-20"), ("to", "2026-11-01")])
    assert (view.first, view.last) == (date(2026, 11, 1), date(2026, 11, 20))


def test_tiles_and_choices_name_metrics_and_dimensions() -> None:
    assert all(METRICS[name].facts is SESSIONS for name in TILES)
    known = {*DIMENSIONS, *METRICS, *MODELS}
    assert {choice for choices in CHOICES.values() for choice in choices} <= known
