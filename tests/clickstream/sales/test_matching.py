"""Each order and each view of a confirmation page is in one class, in any order of rows."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.sales.match_day import MatchInputs, MatchRules, match_day
from clickstream.sales.matching import (
    HOUR,
    LARGEST_OFFSET,
    SECOND,
    HourCoverage,
    NumberedView,
    OrderKey,
    OrderToMatch,
    match_by_number,
    microseconds,
    moment,
)
from clickstream.sales.time_matching import (
    LARGEST_CHANCE,
    OrderForm,
    chance_share,
    clock_offset,
    match_by_time,
)
from clickstream.sales.visits import Visit, VisitArrival, VisitPath, path_to, visits_of
from clickstream.tables.sales_matches import CONFIRMATION_VIEWS, ORDER_MATCHES

DAY = date(2026, 11, 20)
NOON = microseconds(datetime(2026, 11, 20, 12))
WINDOW = 2 * HOUR
RULES = MatchRules(window_hours=2)
KINDS = {
    *("order", "repeat", "unknown number", "ambiguous number", "failed", "bot", "opted out"),
}


def order(order_id: str, at: int = NOON, number: str = "", **other: Any) -> OrderToMatch:
    given = {"sold_by": "web", "total_cents": 450, "currency": "EUR", **other}
    return OrderToMatch(
        at, OrderKey("shop", order_id), number or order_id, moment(at).date(), **given
    )


def view(number: str, line: int = 1, at: int = NOON, **other: Any) -> NumberedView:
    given = {"status": 200, "is_machine": False, "is_opted_out": False, "session_id": "s"}
    return NumberedView(at, "raw/a", line, number, **{**given, **other})


minutes = st.one_of(st.integers(-11, 11), st.integers(-6 * 60, 6 * 60)).map(
    lambda number: NOON + number * 60 * SECOND
)
numbers = st.sampled_from(["1", "#1", "2", "3"])
orders = st.lists(
    st.builds(
        order,
        st.integers(0, 9).map(str),
        minutes,
        numbers,
        sold_by=st.sampled_from(["web", "web", "app", "counter"]),
        is_denied=st.sampled_from([False, False, True]),
    ),
    max_size=6,
    unique_by=lambda one: one.key,
)
views = st.lists(
    st.builds(
        view,
        numbers,
        st.integers(1, 99),
        minutes,
        status=st.sampled_from([200, 200, 304, 500]),
        is_machine=st.sampled_from([False, False, True]),
        is_opted_out=st.sampled_from([False, False, True]),
        session_id=st.sampled_from(["a", "b"]),
        network=st.sampled_from([None, "cellular"]),
        shown_cents=st.sampled_from([None, 0, 450]),
    ),
    max_size=8,
    unique_by=lambda one: one.line_number,
)
published = st.sets(st.integers(NOON // HOUR - 9, NOON // HOUR + 9))


def visit(session_id: str) -> Visit:
    return Visit(session_id, "v", moment(NOON), "cafe", "/", "desktop", *[None] * 3, VisitArrival())


def result(orders: Any, views: Any, hours: set[int]) -> Any:
    inputs = MatchInputs(orders, views, HourCoverage(hours, hours))
    return match_day(
        DAY, inputs, RULES, lambda names: {name: VisitPath((visit(name),)) for name in names}
    )


def expected(one: OrderToMatch, orders: list[OrderToMatch], views: list[NumberedView]) -> Any:
    """The view that confirms an order, or why it has none, by the definitions."""
    fits = {
        (v, o.key)
        for v in views
        for o in orders
        if o.sold_by in ("web", "app")
        and o.number.lstrip("#") == v.number.lstrip("#")
        and -LARGEST_OFFSET <= v.at - o.at <= WINDOW
    }
    seen = sorted(v for v, key in fits if key == one.key and v.status != 500)
    people = [v for v in seen if not v.is_machine]
    alone = sorted(
        (v for v in people if [k for w, k in fits if w == v] == [one.key]),
        key=lambda v: (abs(v.at - one.at), v.shown_cents != one.total_cents, v),
    )
    if one.sold_by not in ("web", "app"):
        return "not on the web"
    shared = [v for v in people if v.is_opted_out and v not in alone]
    if one.is_denied or (alone and alone[0].is_opted_out) or (shared and not alone):
        return "opted out"
    if alone:
        return alone[0]
    if len(people) < len(seen):
        return "bot"
    return "ambiguous" if people else None


@examples(times=20)
@given(orders, views, published, st.randoms(use_true_random=False))
def test_orders_and_views_are_in_one_class_in_any_order_of_rows(
    orders: Any, views: Any, hours: set[int], chance: Any
) -> None:
    found = result(orders, views, hours)
    shuffled = result(*(chance.sample(some, len(some)) for some in (orders, views)), hours)
    for table in found.rows:
        assert shuffled.table(table) == found.table(table)
    classes, seen = found.rows[ORDER_MATCHES], found.rows[CONFIRMATION_VIEWS]
    assert Counter(one["order_id"] for one in classes) == Counter(
        one.key.order_id for one in orders
    )
    assert [one["line_number"] for one in seen] == [one[2] for one in sorted(views)]
    assert {one["kind"] for one in seen} <= KINDS
    confirmed = [one["order_id"] for one in seen if one["kind"] == "order"]
    matched = {one["order_id"] for one in classes if one["method"] == "number"}
    assert sorted(confirmed) == sorted(matched)
    for one, row in ((o, r) for o in orders for r in classes if r["order_id"] == o.key[1]):
        assert (row["method"] == "none") == (row["why_none"] is not None)
        wanted = expected(one, orders, views)
        assert row["network"] == getattr(wanted, "network", None)
        if isinstance(wanted, NumberedView):
            assert row["seconds_apart"] == (wanted.at - one.at) / SECOND
        elif wanted is None:
            around = range((one.at - LARGEST_OFFSET) // HOUR, (one.at + WINDOW) // HOUR + 1)
            is_known = hours.issuperset(around)
            assert row["why_none"] == ("no request" if is_known else "hour incomplete")
        else:
            assert row["why_none"] == wanted


@each_case(
    "views, session_id",
    [
        ({"curious": -20 * 3600, "buyer": 2}, "buyer"),
        ({"curious": -599, "buyer": 2}, "buyer"),
        ({"buyer": -599}, "buyer"),
        ({"curious": -601}, None),
        ({"buyer": 2, "reload": 3, "curious": 3600}, "buyer"),
        ({"curious": 2, "buyer": 2}, "buyer"),
        ({"buyer": 2, "reload": 2}, "buyer"),
        ({"curious": 24 * 3600}, "curious"),
        ({"curious": 24 * 3600 + 1}, None),
    ],
)
def test_the_view_nearest_to_an_order_confirms_it_and_none_long_before(
    views: dict[str, int], session_id: str | None
) -> None:
    """A number can be guessed. Then the page shows another amount, perhaps before the order."""
    cents = {"buyer": 450, "reload": 450, "curious": 0}
    seen = [
        view("1", line, NOON + seconds * SECOND, session_id=name, shown_cents=cents[name])
        for line, (name, seconds) in enumerate(views.items())
    ]
    found = match_by_number([order("1")], seen, 24 * HOUR).of_orders
    confirmed = [one.confirmed_by.session_id for one in found.values() if one.confirmed_by]
    assert confirmed == ([session_id] if session_id else [])


@each_case(
    "orders_an_hour, without_form, others_an_hour, is_refused",
    [(60, 0.03, 10, False), (60, 0.3, 60, True), (20, 0.5, 200, True), (1, 0.9, 300, True)],
)
def test_matches_by_time_are_refused_where_many_would_be_chance(
    orders_an_hour: int, without_form: float, others_an_hour: int, is_refused: bool
) -> None:
    """Of 20 days each: the orders whose form the log lacks can have the visit of another one."""
    chance, seconds = random.Random(orders_an_hour), 20 * 24 * 3600
    bought = [
        order(str(n), NOON + chance.randrange(seconds) * SECOND)
        for n in range(480 * orders_an_hour)
    ]
    forms = [
        OrderForm(one.at + chance.randrange(2) * SECOND, one.key.order_id)
        for one in bought
        if chance.random() >= without_form
    ]
    forms += [
        OrderForm(NOON + chance.randrange(seconds) * SECOND, f"other {n}")
        for n in range(480 * others_an_hour)
    ]
    tolerance = 5 * SECOND
    fitting = match_by_time(bought, [], forms, tolerance)
    found = {key: form for key, form in fitting.items() if form}
    wrong = sum(form.session_id != key.order_id for key, form in found.items()) / len(found)
    share = chance_share(bought, fitting, forms, tolerance)
    assert (share > LARGEST_CHANCE) == (wrong > LARGEST_CHANCE) == is_refused
    assert wrong - 0.002 <= share
    assert share <= 2 * wrong + 0.002 or wrong > 0.3


forms = st.lists(
    st.builds(
        OrderForm,
        st.integers(-40, 40).map(lambda s: NOON + (s + 37) * SECOND),
        st.sampled_from("abcd"),
    ),
    max_size=8,
    unique=True,
)
timed = st.lists(
    st.builds(
        order, st.integers(0, 9).map(str), st.integers(-40, 40).map(lambda s: NOON + s * SECOND)
    ),
    max_size=6,
    unique_by=lambda one: one.key,
)


@given(timed, forms, st.integers(0, 8))
def test_by_time_an_order_and_its_visit_fit_nothing_else(
    orders: Any, forms: Any, seconds: int
) -> None:
    found = match_by_time(orders, [], forms, seconds * SECOND)
    assert match_by_time(orders[::-1], orders, forms[::-1], seconds * SECOND) == found
    offset = clock_offset(orders, forms)

    def fits(one: OrderToMatch, form: OrderForm) -> bool:
        return abs(form.at - offset - one.at) <= seconds * SECOND

    for one in orders:
        near = [form for form in forms if fits(one, form)]
        assert (one.key in found) == bool(near)
        others = [o for o in orders if o is not one and any(fits(o, form) for form in near)]
        is_single = len({form.session_id for form in near}) == 1 and not others
        if near:
            assert (found[one.key] in near) if is_single else found[one.key] is None


def test_the_offset_of_the_clocks_is_the_mode_of_the_differences() -> None:
    some = [order(str(n), NOON + n * 100 * SECOND) for n in range(20)]
    sent = [OrderForm(one.at + 37 * SECOND + n % 3, f"s{n}") for n, one in enumerate(some)]
    assert clock_offset(some, [*sent, OrderForm(NOON, "other")]) == 37 * SECOND
    assert clock_offset(some[:2], sent[:2]) == 0
    matched = match_by_time(some, [], sent, 5 * SECOND)
    assert [matched[one.key] for one in some] == sent


def part(session_id: str, hour: int, **other: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 20, hour)
    empty = dict.fromkeys(("source", "medium", "referrer_domain", "utm_campaign", "channel"))
    place = dict.fromkeys(("country", "region", "city"))
    return {
        **{"session_id": session_id, "visitor_id": "v", "session_started_at": at, "part_id": "p"},
        **{"first_hit_at": at, "first_page_at": at, "landing_page": "/", "device": "desktop"},
        **{"site": "cafe", "referrer_logged": True, "is_bot": False, **empty, **place, **other},
    }


@each_case(
    "earlier, channel",
    [
        ([], "Direct"),
        ([part("a", 9, channel="Email")], "Email"),
        ([part("a", 9, channel="Email"), part("b", 10, channel="Organic")], "Organic"),
        ([part("a", 9, channel="Email"), part("b", 10)], "Email"),
        ([part("a", 13, channel="Email")], "Direct"),
        ([part("a", 9, channel="Email", session_started_at=datetime(2026, 10, 20))], "Direct"),
    ],
)
def test_a_direct_visit_has_the_last_earlier_arrival(earlier: Any, channel: str) -> None:
    own = visits_of([part("own", 12)])["own"]
    before = visits_of(earlier).values()
    assert VisitPath(path_to(own, before, timedelta(days=7))).arrival.channel == channel


def test_a_visit_has_its_first_page_and_its_last_arrival() -> None:
    parts = [
        part("own", 12, landing_page="/b", channel="Email", session_started_at=NOON),
        part("own", 11, first_page_at=None, landing_page=None, channel="Organic", device="mobile"),
    ]
    found = visits_of(parts)["own"]
    assert (found.landing_page, found.arrival.channel, found.device) == ("/b", "Email", "mobile")
