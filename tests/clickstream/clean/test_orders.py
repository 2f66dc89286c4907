"""Which requests have the number of an order."""

from __future__ import annotations

from typing import Any

from tests.clickstream.clean.builders import KEY, RULES, line, requests, row
from tests.support.cases import each_case

from clickstream.clean import clean
from clickstream.clean.orders import LONGEST_NUMBER

TARGET = "/done?order=A-7&total=4.5"


@each_case(
    "target, request_line, number, cents",
    [
        (TARGET, {}, "A-7", 450),
        ("/done/12?x=1", {}, "12", None),
        ("/done?order=%2312&total=4,50", {}, "#12", 450),
        ("/done?order=%E9", {}, r"\xe9", None),
        ("/done?order=7&total=x", {}, "7", None),
        (f"/done?order={'7' * (LONGEST_NUMBER + 1)}", {}, None, None),
        (TARGET, {"status": 304}, "A-7", 450),
        (TARGET, {"status": 500}, "A-7", 450),
        (TARGET, {"method": "POST"}, None, None),
        (TARGET, {"method": "HEAD"}, None, None),
        ("/done/7.css", {}, None, None),
        ("/menu?order=7", {}, None, None),
    ],
)
def test_only_views_of_a_matching_page_have_a_number(
    target: str, request_line: dict[str, Any], number: str | None, cents: int | None
) -> None:
    found = row(clean(requests(line(target, **request_line)), RULES, KEY))
    assert (found["order_number"], found["shown_cents"]) == (number, cents)


def test_requests_of_one_target_differ_by_their_method() -> None:
    labelled = clean(requests(line(TARGET, method="POST"), line(TARGET), line("/")), RULES, KEY)
    numbers = [row(labelled, n)["order_number"] for n in range(3)]
    assert numbers == [None, "A-7", None]
