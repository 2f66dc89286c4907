"""Match orders to sent forms by their times, for sites whose pages do not show a number.

Only pairs count of which neither the order nor the visit fits another one. `[orders] match_by_time`
switches it on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import expm1
from typing import NamedTuple

from clickstream.sales.matching import HOUR, LARGEST_OFFSET, SECOND, OrderKey, OrderToMatch

LEAST_PAIRS = 3
"""Pairs with one difference that show how far clocks differ; with fewer, they count as equal."""


LARGEST_CHANCE = 0.03
"""Share of the matches of a date that may be chance; with more, it has none by time."""


class OrderForm(NamedTuple):
    """A request that may have sent an order: a sent form, or a page with an unknown number."""

    at: int
    session_id: str
    is_opted_out: bool = False
    network: str | None = None


def clock_offset(orders: Sequence[OrderToMatch], forms: Sequence[OrderForm]) -> int:
    """Return how far the web server's clock is ahead of the shop's, in microseconds.

    It is the mode of the differences in whole seconds; of equally frequent ones, the smallest.
    """
    times = sorted(form.at for form in forms)
    seconds: Counter[int] = Counter()
    for order in orders:
        first = bisect_left(times, order.at - LARGEST_OFFSET)
        last = bisect_right(times, order.at + LARGEST_OFFSET)
        seconds.update((at - order.at) // SECOND for at in times[first:last])
    if not seconds:
        return 0
    offset, pairs = min(
        seconds.items(), key=lambda difference: (-difference[1], abs(difference[0]), difference[0])
    )
    return offset * SECOND if pairs >= LEAST_PAIRS else 0


def match_by_time(
    orders: Sequence[OrderToMatch],
    competing: Iterable[OrderToMatch],
    forms: Sequence[OrderForm],
    tolerance: int,
) -> Mapping[OrderKey, OrderForm | None]:
    """Return the form that fits each of `orders`; None if several visits or orders fit.

    Orders that no form fits are left out. `competing` are orders of the dates beside, which may fit
    the same forms. `tolerance` is in microseconds.
    """
    offset = clock_offset(orders, forms)
    ordered = sorted(forms)
    times = [form.at for form in ordered]
    fitting: dict[OrderKey, list[OrderForm]] = {}
    of_form: dict[OrderForm, set[OrderKey]] = defaultdict(set)
    for order in {order.key: order for order in (*competing, *orders)}.values():
        at = order.at + offset
        near = ordered[bisect_left(times, at - tolerance) : bisect_right(times, at + tolerance)]
        fitting[order.key] = sorted(near, key=lambda form: (abs(form.at - at), form))
        for form in near:
            of_form[form].add(order.key)
    return {
        order.key: _single(fitting[order.key], of_form) for order in orders if fitting[order.key]
    }


def chance_share(
    orders: Sequence[OrderToMatch],
    fitting: Mapping[OrderKey, OrderForm | None],
    forms: Sequence[OrderForm],
    tolerance: int,
) -> float:
    """Return the expected share of the matches of `match_by_time` that are chance.

    The form of an order can be missing in the log. Then another form fits it by chance with the
    probability p = 1 - exp(-forms), by the expected number of forms without a match within the
    tolerance; forms of half an hour before and after an order are counted. The orders that nothing
    fits are the others of these, so p / (1 - p) as many have a wrong match.
    """
    matched = {form for form in fitting.values() if form}
    times = sorted(form.at for form in forms if form not in matched)
    wrong = 0.0
    for order in orders:
        if order.key not in fitting:
            first, last = order.at - HOUR // 2, order.at + HOUR // 2
            near = bisect_right(times, last) - bisect_left(times, first)
            wrong += expm1(min(near * (2 * tolerance + SECOND) / HOUR, 99.0))
    return wrong / max(len(matched), 1)


def _single(
    forms: Sequence[OrderForm], of_form: Mapping[OrderForm, set[OrderKey]]
) -> OrderForm | None:
    """Return the nearest form if all are of one visit, and none of them fits another order."""
    is_one_visit = len({form.session_id for form in forms}) == 1
    is_single = is_one_visit and all(len(of_form[form]) == 1 for form in forms)
    return forms[0] if is_single else None
