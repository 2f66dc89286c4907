"""No row and no remainder of places is a small group, whatever the filters, and nothing is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.clickstream.dashboard.rendered import page_of

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.folding import OTHER, fold, named_rows
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.pages.places.values import places_values
from clickstream.dashboard.web.details import csv_lines, detail_parts
from clickstream.dashboard.widgets.page import PageContext

START = datetime(2026, 11, 2, 8)
PERIOD = Period(date(2026, 11, 2), date(2026, 11, 3))
METRICS = ("visits", "visitors", "conversions", "conversion_rate")
PLACES: Sequence[tuple[str | None, str | None, str | None]] = (
    ("FR", "Île-de-France", "Paris"),
    ("FR", "Texas", "Paris"),
    ("FR", None, None),
    ("US", "Texas", "Paris"),
    ("GB", "England", "London"),
    ("GB", "England", None),
    ("IS", None, "Reykjavik"),
    (None, None, None),
)
DIMENSIONS = ("country", "region", "city")

crowds = st.lists(
    st.tuples(
        st.sampled_from(PLACES),
        st.integers(0, 12),  # the first visitor
        st.integers(1, 14),  # how many visitors follow that one
        st.sampled_from(["mobile", "desktop"]),
    ),
    max_size=12,
)
filters = st.lists(
    st.builds(
        Filter,
        dimension=st.just("device"),
        values=st.just(("mobile",)),
        is_excluded=st.booleans(),
    )
    | st.builds(
        Filter,
        dimension=st.just("country"),
        values=st.sampled_from([("FR",), ("GB", None), ("IS",)]),
        is_excluded=st.booleans(),
    ),
    max_size=2,
)


def visits_of(crowds: Sequence[Any], day: int = 0) -> list[Visit]:
    return [
        Visit(
            START + timedelta(days=day, minutes=visitor),
            visitor=visitor,
            country=country,
            region=region,
            city=city,
            device=device,
            goals=("order",) if visitor % 3 == 0 else (),
        )
        for (country, region, city), first, number, device in crowds
        for visitor in range(first, first + number)
    ]


def crowd(country: str | None, visitors: int, first: int = 0, city: str | None = None) -> Any:
    return (country, None, city), first, visitors, "desktop"


def store_of(crowds: Sequence[Any]) -> FactStore:
    return FactStore(fact_tables(visits_of(crowds)))


def folded(page: PageContext, by: str, chosen: Sequence[Filter] = ()) -> Answer:
    return fold(page.ask, build_question(METRICS, (by,), PERIOD, chosen, goal="order"))


def single(page: PageContext, chosen: Sequence[Filter] = ()) -> dict[str, Any]:
    return page.ask(build_question(METRICS, (), PERIOD, chosen, goal="order")).single()


@given(crowds, filters, st.sampled_from(DIMENSIONS))
def test_rows_add_up_and_none_is_a_small_group(
    crowds: Sequence[Any], chosen: Sequence[Filter], by: str
) -> None:
    with page_of(store_of(crowds)) as page:
        answer, total = folded(page, by, chosen), single(page, chosen)
        rows = answer.records()
        for name in ("visits", "conversions"):
            assert sum(one[name] for one in rows) == total[name]
        named = [row[0] for row in named_rows(answer)]
        assert all(one["visitors"] >= 10 for one in rows if one[by] is not OTHER)
        rest = [one for one in rows if one[by] is OTHER]
        assert len(rest) == (len(rows) - len(named)) <= 1
        if named:
            others = single(page, [*chosen, Filter(by, tuple(named), is_excluded=True)])
            assert others["visitors"] == (rest[0]["visitors"] if rest else 0)
            assert others["visitors"] == 0 or others["visitors"] >= 10
        elif total["visits"]:
            assert [one[name] for one in rows for name in METRICS] == [*total.values()]


def test_a_remainder_that_is_too_small_takes_the_smallest_place_with_it() -> None:
    crowds = [crowd("GB", 30), crowd("FR", 12, 100), crowd("IS", 3, 200), crowd(None, 2, 300)]
    with page_of(store_of(crowds)) as page:
        rows = folded(page, "country").rows
    assert [(row[0], *row[1:3]) for row in rows] == [("GB", 30, 30), (OTHER, 17, 17)]


def test_a_large_remainder_leaves_the_places_alone() -> None:
    crowds = [crowd("GB", 30), crowd("FR", 12, 100), crowd("IS", 9, 200), crowd("NO", 1, 300)]
    with page_of(store_of(crowds)) as page:
        rows = folded(page, "country").rows
    assert [(row[0], row[1]) for row in rows] == [("GB", 30), ("FR", 12), (OTHER, 10)]


def test_ten_visitors_are_a_place_and_nine_are_not() -> None:
    crowds = [crowd("GB", 30), crowd("FR", 10, 100), crowd("IS", 9, 200), crowd("NO", 9, 300)]
    with page_of(store_of(crowds)) as page:
        rows = folded(page, "country").rows
    assert [(row[0], row[1]) for row in rows] == [("GB", 30), ("FR", 10), (OTHER, 18)]


def test_places_that_are_all_small_are_one_row() -> None:
    with page_of(store_of([crowd("GB", 3), crowd("FR", 2, 100)])) as page:
        assert [(row[0], row[1]) for row in folded(page, "country").rows] == [(OTHER, 5)]


def test_one_city_is_not_another_of_its_name() -> None:
    crowds = [((country, region, "Paris"), 0, 10, "mobile") for country, region, _ in PLACES[:2]]
    crowds += [(("US", "Texas", "Paris"), 0, 11, "mobile")]
    with page_of(store_of(crowds)) as page:
        named = [row[0] for row in folded(page, "city").rows]
    expected = ["Paris, Texas, US", "Paris, Texas, FR", "Paris, Île-de-France, FR"]
    assert named == expected


def test_a_question_without_places_is_asked_once() -> None:
    asked: list[Question] = []
    with page_of(store_of([crowd("GB", 3)])) as page:

        def ask(question: Question) -> Answer:
            asked.append(question)
            return page.ask(question)

        fold(ask, build_question(("visits",), ("channel",), PERIOD))
    assert len(asked) == 1


VIEW = View("places", range="own", first=PERIOD.first, last=PERIOD.last)


@pytest.mark.parametrize("choice", DIMENSIONS)
def test_page_table_and_file_fold_alike(choice: str) -> None:
    crowds = [
        (("GB", "England", "London"), 0, 30, "mobile"),
        (("FR", "Île-de-France", "Paris"), 100, 12, "mobile"),
        (("IS", "Capital", "Reykjavik"), 200, 3, "mobile"),
    ]
    view = VIEW.with_choice("places", choice)
    with page_of(store_of(crowds), view) as page:
        (part,) = detail_parts(page, PANELS["places"])
        lines = list(csv.reader(io.StringIO("".join(csv_lines(page, "places")))))
        listed = places_values(page)["list"].rows
    assert [row.cells[0].text for row in part.rows] == ["30", "15"]
    assert [line[1] for line in lines[1:]] == ["30", "15"]
    assert [row.visits for row in listed] == ["30", "15"]
    assert [row.names[0].text for row in part.rows][-1] == "Other places"
    assert lines[-1][0] == "(other places)"
    assert (listed[-1].name, listed[-1].only) == ("Other places", "")
