"""The evidence of session parts and visitors, from log lines."""

from __future__ import annotations

import pandas as pd
import pytest
from benchmarks.people.counting import parts_of_log
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.people.builders import USUAL

from clickstream.core.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS
from clickstream.people import Proof, visitors_of_date

SITE = "shop.example"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


def line(
    second: int,
    target: str,
    referrer: str = "-",
    status: int = 200,
    method: str = "GET",
    address: str = "192.0.2.7",
) -> str:
    time = f"{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return (
        f'{address} - - [20/Nov/2026:{time} +0000] "{method} {target} HTTP/2.0" {status} 900 '
        f'"{referrer}" "{CHROME}"\n'
    )


def own(path: str) -> str:
    return f"https://{SITE}{path}"


READER = (
    line(0, "/", "https://www.google.com/"),
    line(0, "/logo.png", own("/")),
    line(1, "/favicon.ico", own("/")),
    line(40, "/product/17", own("/")),
    line(41, "/product/17.jpg", own("/product/17"), status=304),
    line(90, "/product/18", own("/product/17")),
    line(95, "/product/18", own("/product/17")),
    line(120, "/order", own("/product/18"), status=303, method="POST"),
)


def parts(*lines: str) -> pd.DataFrame:
    return parts_of_log("".join(lines).encode(), "combined", SITE)


def visitor(*lines: str) -> pd.Series:
    visitors = visitors_of_date(parts(*lines))
    assert len(visitors) == 1
    return visitors.iloc[0]


def test_evidence_of_a_reader() -> None:
    (part,) = parts(*READER).to_dict("records")
    counts = {
        "onward_pages": 2,  # the reload of product 18 is none
        "forms_sent": 1,
        "not_modified": 1,
        "assets_not_modified": 1,
        "landing_assets": 2,
        "early_assets": 0,
        "page_pauses": 3,
        "shortest_pause": 5.0,
        "longest_pause": 50.0,
        "protocol": "HTTP/2",
    }
    assert {name: part[name] for name in counts} == counts
    assert len(part["network_id"]) == 24


def test_addresses_of_one_network_share_its_id() -> None:
    addresses = ("192.0.2.7", "192.0.2.99", "198.51.100.7", "2001:db8:1:2::7", "2001:db8:1:3::9")
    found = parts(*(line(0, "/", address=one) for one in addresses))
    assert len(found) == 5
    assert found["network_id"].nunique() == 3


def test_a_log_without_referrers_shows_onward_pages_by_their_difference() -> None:
    log = "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n" + "".join(
        f"2026-11-20 10:00:{second} 192.0.2.7 GET {page} 200 {CHROME.replace(' ', '+')}\n"
        for second, page in ((10, "/"), (30, "/a.htm"), (50, "/a.htm"))
    )
    (part,) = parts_of_log(log.encode(), "w3c", SITE).to_dict("records")
    assert part["onward_pages"] == 1


@pytest.mark.parametrize(
    ("lines", "proof"),
    [
        (READER[:3], Proof.NONE),
        ((line(0, "/"), line(9, "/a")), Proof.NONE),  # not reached from a page of the site
        ((line(0, "/", own("/")),), Proof.NONE),  # a forged referrer
        ((line(0, "/"), line(0, "/x.css"), line(3, "/a", own("/"))), Proof.WEAK),
        ((line(0, "/"), line(1, "/x.css", status=304)), Proof.WEAK),
        (READER, Proof.STRONG),
        (
            (line(0, "/"), line(1, "/a", own("/")), line(1, "/x.css"), line(5, "/b", own("/a"))),
            Proof.WEAK,  # no pause to read
        ),
        (
            (*(line(n * 3, f"/p{n}", own("/")) for n in range(5)), line(20, "/x.css")),
            Proof.WEAK,  # equal pauses
        ),
    ],
)
def test_proof_is_what_cheap_machines_do_not_do(lines: tuple[str, ...], proof: Proof) -> None:
    assert visitor(*lines)["proof"] == proof


def test_fields_of_a_visitor() -> None:
    found = visitor(*READER)
    assert list(found.index) == [*ARRIVAL_FIELDS, *ACTION_FIELDS, "proof"]
    fields = USUAL | {
        "channel": "Organic Search",
        "header_fields": "",  # not logged
        "referrer": "www.google.com",
        "landing_page": "/",
        "agent": "Chrome 142, Windows",
        "hour": "10",
        "page_views": "4",
        "rhythm": "32",
        "landing_assets": "unknown",  # nobody else read the page
    }
    assert {name: found[name] for name in fields} == fields


def test_the_first_known_value_of_all_parts_counts() -> None:
    found = visitor(
        line(0, "/"),
        line(4000, "/menu", "https://www.google.com/"),
        line(8000, "/about", "https://www.bing.com/"),
    )
    fields = {"landing_page": "/", "hour": "10", "channel": "Organic Search"}
    assert {name: found[name] for name in fields} == fields
    assert found["referrer"] == "www.google.com"


def test_a_visitor_that_comes_every_hour_has_equal_pauses() -> None:
    hourly = [line(hour * 3600 + hour % 3, "/") for hour in range(6)]
    assert visitor(*hourly)["rhythm"] == "equal"


def test_bots_and_visitors_without_a_page_are_left_out() -> None:
    bot = line(0, "/", address="198.51.100.9").replace(CHROME, "Googlebot/2.1")
    assert len(visitors_of_date(parts(bot, line(0, "/logo.png")))) == 0


@given(st.permutations(READER), st.integers(0, 3))
def test_order_and_repetition_of_parts_change_nothing(lines: list[str], repeated: int) -> None:
    others = [line(3 * n, f"/p{n}", address=f"192.0.2.{n + 20}") for n in range(4)]
    found = parts(*READER, *others)
    again = parts(*lines, *others[::-1])
    again = pd.concat([again.sample(frac=1, random_state=repeated), again.iloc[:repeated]])
    first, second = visitors_of_date(found), visitors_of_date(again)
    assert list(first.index) == list(second.index)
    pd.testing.assert_frame_equal(first, second)
