"""Rows and their order stay; addresses and agents do not."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import BROWSER, KEY, RULES, line, requests, table

from clickstream.clean import Cleaner, VisitorKeys, clean
from clickstream.clean.request_table import COLUMNS
from clickstream.parse import parse
from clickstream.tables import HITS, SESSION_PARTS

lines = st.builds(
    line,
    st.sampled_from(
        ["/", "/done?order=7&total=4.5", "/menu?q=1&x=2", "/a.css", "/?utm_source=a", "/robots.txt"]
    ),
    client=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
    method=st.sampled_from(["GET", "POST"]),
    status=st.sampled_from([200, 301, 304, 404, 500]),
    referrer=st.sampled_from(["-", "https://a.example/", "https://cafe.example/"]),
    agent=st.sampled_from(["-", BROWSER, "curl/8.0"]),
)


def plain(labelled: pd.DataFrame) -> pd.DataFrame:
    is_category = [isinstance(dtype, pd.CategoricalDtype) for dtype in labelled.dtypes]
    return labelled.astype(dict.fromkeys(labelled.columns[is_category], "str"))


VERDICT = ["is_bot", "bot_class", "bot_reason"]
TYPES = {
    "hit_at": "datetime64[us]",
    "status": "int16",
    "bytes": "Int64",
    "response_ms": "Int32",
    "shown_cents": "Int64",
    "line_number": "int64",
    "visitor_hour": "int32",
    "latitude": "float64",
    "longitude": "float64",
    "accuracy_radius_km": "float64",
    "opted_out": "bool",
    "is_bot": "bool",
    "referrer_logged": "bool",
}
"""The columns that are no categories of texts."""


def test_columns_have_their_types_with_and_without_rows() -> None:
    labelled = clean(requests(line()), RULES, KEY)
    types = {name: str(dtype) for name, dtype in labelled.dtypes.items()}
    assert types == {name: TYPES.get(name, "category") for name in COLUMNS}
    empty = clean(parse(b"", "combined").requests, RULES, KEY)
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == types


def test_the_tables_have_a_column_for_everything_that_is_known() -> None:
    """What `clean` finds out reaches the lake, save what only the steps between need."""
    of_the_hour = {"event_date", "hour_at", "part_id"}
    between = {"carried_as", "visitor_hour"}
    of_parts = {"referrer_logged", "network_id", "operator_id", "protocol", "header_fields"}
    assert set(HITS.column_names) - of_the_hour == set(COLUMNS) - between - of_parts
    assert of_parts <= set(SESSION_PARTS.column_names)


@given(st.lists(lines, min_size=1, max_size=10), st.data())
def test_rows_are_labelled_one_by_one(some: list[str], data: st.DataObject) -> None:
    """Any choice of rows, in any order, gets the labels those rows have among all.

    But for the verdict on how a visitor behaves, which looks at all rows of an hour.
    """
    parsed = requests(*some)
    chosen = data.draw(st.lists(st.integers(0, len(some) - 1), max_size=12))
    of_some = plain(clean(parsed.iloc[chosen], RULES, KEY)).drop(columns=VERDICT)
    of_all = plain(clean(parsed, RULES, KEY).iloc[chosen]).drop(columns=VERDICT)
    pd.testing.assert_frame_equal(of_some, of_all)


@given(st.lists(lines, min_size=1, max_size=8), st.lists(st.integers(0, 8), max_size=3))
def test_a_log_in_pieces_is_labelled_as_in_one(some: list[str], cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(some)]
    cleaner = Cleaner(RULES, VisitorKeys(KEY))
    for first, last in itertools.pairwise(bounds):
        cleaner.add(table(requests(*some[first:last])))
    whole = clean(requests(*some), RULES, KEY)
    apart = cleaner.requests().frame()
    ignored = ["line_number", "raw_object"]
    pd.testing.assert_frame_equal(
        plain(apart).drop(columns=ignored), plain(whole).drop(columns=ignored)
    )


@given(st.lists(lines, min_size=1, max_size=12), st.data())
def test_a_frame_of_some_rows_is_those_rows_of_the_whole(some, data) -> None:
    cleaner = Cleaner(RULES, VisitorKeys(KEY))
    cleaner.add(table(requests(*some)), "raw/a")
    found = cleaner.requests()
    rows = np.array(data.draw(st.lists(st.integers(0, len(some) - 1), max_size=9)), np.int64)
    only = data.draw(st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1))
    expected = found.frame().iloc[rows][only].reset_index(drop=True)
    pd.testing.assert_frame_equal(plain(found.frame(rows, only)), plain(expected))


def test_a_number_that_was_not_logged_is_null_in_every_column_of_numbers() -> None:
    cleaner = Cleaner(RULES, VisitorKeys(KEY))
    cleaner.add(table(requests(line("/"))))
    labelled = cleaner.requests()
    for name in ("bytes", "response_ms", "status", "line_number"):
        stored = "size" if name == "bytes" else name
        missing = np.full_like(labelled.columns[stored], -1)
        lacking = replace(labelled, columns={**labelled.columns, stored: missing})
        assert lacking.arrow(only=[name])[name].null_count == 1, name


def test_nothing_of_address_or_agent_comes_out() -> None:
    agent = "Mozilla/5.0 (Quirky Handset 77)"
    labelled = clean(requests(line(client="192.0.2.99", agent=agent)), RULES, KEY)
    everything = labelled.astype(str).to_csv() + "".join(
        str(list(labelled[name].cat.categories))
        for name in labelled.columns
        if isinstance(labelled[name].dtype, pd.CategoricalDtype)
    )
    assert "192.0.2.99" not in everything
    assert "Quirky" not in everything
