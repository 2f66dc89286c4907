"""Candidates of a CSV file: what a row can have, and the sentence of each that can't be used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.insight.markets import candidates_of, draw_market
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.core.errors import InputError
from clickstream.insight.location_market import Point, Town
from clickstream.insight.location_plan import CafeCandidate
from clickstream.sales.candidate_file import COLUMNS, read_candidates, write_candidates

TOWNS = (
    Town("Leeds, England, GB", Point(53.8, -1.55), 500_000),
    Town("Zürich, CH", Point(47.37, 8.54), 420_000),
)


def read(*lines: str) -> tuple[list[CafeCandidate], list[str]]:
    found = read_candidates("\n".join(lines), "candidates.csv", TOWNS)
    return [*found.candidates], [*found.problems]


def test_a_row_has_what_is_assumed_about_a_candidate() -> None:
    candidates, problems = read(
        "\ufeffname, place ,attraction,competition",
        'Market,"leeds england gb",1.5,2',
        "Lake,Zurich CH,,",
    )
    assert problems == []
    assert candidates == [
        CafeCandidate("Market", Point(53.8, -1.55), competition=2.0, attraction=1.5),
        CafeCandidate("Lake", Point(47.37, 8.54)),
    ]


HEADER = "name,place,latitude,longitude,attraction,competition"
BAD_ROWS = {
    "in the sea": ("A,,50.0,-20.0,,", "no town with visits and inhabitants is within 50 km"),
    "swapped": ("A,,-1.55,53.8,,", "check the sign and the order of its coordinates"),
    "no coordinates": ("A,,,,,", "it has no coordinates: write latitude and longitude"),
    "one coordinate": ("A,,53.8,,,", "it has one coordinate only"),
    "unknown place": ("A,Ledes,,,,", "no town with visits and inhabitants is called Ledes"),
    "no name": (",Zürich CH,,,,", "Line 3, without a name: it needs a name"),
    "no latitude": ("A,,95,0,,", "latitude is 95: write a number from -90 to 90"),
    "not finite": ("A,,nan,0,,", "latitude is nan: write a number"),
    "no number": ("A,Zürich CH,,,1 5,", "attraction is 1 5, which is no number"),
    "negative": ("A,Zürich CH,,,,-1", "competition is -1: write a number from 0"),
    "percent": ("A,Zürich CH,,,35,", "attraction is 35: write a number from 0.1 to 10"),
    "twice": ("Good,Zürich CH,,,,", "Line 3, Good: it is in the file twice"),
    "too many": ("A,Zürich CH,,,,,1", "it has more values than columns"),
}


@each_case("case", BAD_ROWS)
def test_a_row_that_cannot_be_used_has_a_sentence_and_the_others_count(case: str) -> None:
    row, sentence = BAD_ROWS[case]
    candidates, problems = read(HEADER, 'Good,"Leeds, England, GB",,,,', row)
    assert [one.name for one in candidates] == ["Good"]
    assert len(problems) == 1
    assert sentence in problems[0]
    assert problems[0].startswith("Line 3, ")


@pytest.mark.parametrize("header", ["", "place", "name,place,rent", "name,place,name"])
def test_other_columns_are_refused_by_name(header: str) -> None:
    with pytest.raises(
        InputError, match=r"The columns of candidates\.csv are .*the file needs name"
    ):
        read(header, "A,B,1")


@given(st.integers(0, 1000))
def test_proposals_are_a_file_that_can_be_read(seed: int) -> None:
    market = draw_market(seed)
    proposed = candidates_of(market)
    text = write_candidates(proposed)
    found = read_candidates(text, "candidates.csv", market.towns)
    assert (found.candidates, found.problems) == (tuple(proposed), ())


@given(st.lists(st.lists(st.text(max_size=8), max_size=12), max_size=5), st.text(max_size=30))
@many_examples
def test_any_text_is_read_or_refused_with_a_sentence(rows: list[list[str]], more: str) -> None:
    lines = [",".join(COLUMNS), *(",".join(row) for row in rows), more]
    found = read_candidates("\n".join(lines), "candidates.csv", TOWNS)
    assert all(problem.startswith("Line ") for problem in found.problems)
