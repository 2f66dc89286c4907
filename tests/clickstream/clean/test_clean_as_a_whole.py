"""Rows and their order stay; addresses and agents do not."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickstream.clean.requests_made import BROWSER, KEY, RULES, line, requests
from tests.support.shared_data import shared

from clickstream.clean import CleanRules, balance, clean
from clickstream.parse import concat, parse

lines = st.builds(
    line,
    st.sampled_from(["/", "/menu?q=1&x=2", "/a.css", "/?utm_source=a", "/robots.txt"]),
    client=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
    method=st.sampled_from(["GET", "POST"]),
    status=st.sampled_from([200, 301, 304, 404, 500]),
    referrer=st.sampled_from(["-", "https://a.example/", "https://cafe.example/"]),
    agent=st.sampled_from(["-", BROWSER, "curl/8.0"]),
)


def plain(labelled: pd.DataFrame) -> pd.DataFrame:
    is_category = [isinstance(dtype, pd.CategoricalDtype) for dtype in labelled.dtypes]
    return labelled.astype(dict.fromkeys(labelled.columns[is_category], "str"))


def test_columns() -> None:
    labelled = clean(requests(line()), RULES, KEY)
    types = {name: str(dtype) for name, dtype in labelled.dtypes.items()}
    assert types == {
        "hit_at": "datetime64[us]",
        "site": "category",
        "visitor_id": "category",
        "kind": "category",
        "method": "category",
        "path": "category",
        "query": "category",
        "status": "int16",
        "bytes": "Int64",
        "referrer_domain": "category",
        "utm_source": "category",
        "utm_medium": "category",
        "utm_campaign": "category",
        "is_bot": "bool",
        "bot_reason": "category",
        "line_number": "int64",
    }
    empty = clean(parse(b"", "combined").requests, RULES, KEY)
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == types


@settings(max_examples=30, deadline=None)
@given(st.lists(lines, min_size=1, max_size=10), st.data())
def test_rows_are_labelled_one_by_one(some: list[str], data: st.DataObject) -> None:
    """Any choice of rows, in any order, gets the labels those rows have among all."""
    parsed = requests(*some)
    chosen = data.draw(st.lists(st.integers(0, len(some) - 1), max_size=12))
    of_some = clean(parsed.iloc[chosen], RULES, KEY)
    pd.testing.assert_frame_equal(plain(of_some), plain(clean(parsed, RULES, KEY).iloc[chosen]))


@settings(max_examples=20, deadline=None)
@given(st.lists(lines, min_size=1, max_size=8), st.integers(0, 8))
def test_a_log_in_two_pieces_is_labelled_as_in_one(some: list[str], cut: int) -> None:
    pieces = ["".join(one + "\n" for one in part).encode() for part in (some[:cut], some[cut:])]
    apart = concat(parse(piece, "combined") for piece in pieces).requests
    whole = requests(*some)
    first, second = (plain(clean(r, RULES, KEY)) for r in (apart, whole))
    pd.testing.assert_frame_equal(
        first.drop(columns="line_number"), second.drop(columns="line_number")
    )


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


@pytest.mark.shared_data
def test_real_log() -> None:
    parsed = parse(shared("elastic-apache-5000", "access.log").read_bytes(), "combined")
    rules = CleanRules("blog", ("semicomplete.com",), RULES.asset_extensions, ())
    labelled = clean(parsed.requests, rules, KEY)
    known = json.loads(
        shared("known-figures", "elastic-apache-first5000.attribution.json").read_text()
    )
    requests_known = json.loads(
        shared("known-figures", "elastic-apache-first5000.json").read_text()
    )
    assert sum(balance(labelled["kind"], labelled["is_bot"]).values()) == 5000
    assert labelled["visitor_id"].nunique() == requests_known["distinct_host_ua_keys"]
    ((source, medium, campaign, hits),) = known["by_source_medium_campaign_decoded"]
    tagged = labelled[labelled["utm_source"].notna()]
    assert len(tagged) == hits
    assert set(
        zip(tagged["utm_source"], tagged["utm_medium"], tagged["utm_campaign"], strict=True)
    ) == {(source, medium, campaign)}
    own = parsed.requests["referrer"].notna() & labelled["referrer_domain"].isna()
    assert int(own.sum()) == known["own_site_referrers"]
    domains = labelled["referrer_domain"].value_counts()
    for host, count in known["top15_referrer_hosts"]:
        if not host.endswith("semicomplete.com"):
            assert domains[host] == count
