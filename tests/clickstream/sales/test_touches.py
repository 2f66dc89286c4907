"""What a new match of a date changes in the credits of its orders."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clickstream.insight.credit import MODELS, Touch, shares
from clickstream.sales.touches import changed_credits, credits_of

channels = st.lists(st.sampled_from(["Direct", "Email", None]), min_size=1, max_size=3)
orders = st.dictionaries(
    st.sampled_from("abc"), st.tuples(channels, st.integers(0, 99), st.booleans()), max_size=3
)


def rows(some: dict[str, Any]) -> list[dict[str, Any]]:
    """The touches of orders: their channels, their totals, and whether removal effects exist."""
    found = []
    for name, (path, cents, has_effects) in some.items():
        effects = {"Email": 5, "Direct": 1} if has_effects else None
        by_model = shares([Touch(one, 0.0) for one in path], effects)
        found += [
            {
                **{"sales_source": "shop", "order_id": name, "touch": place, "channel": channel},
                **{"total_cents": cents, "currency": "EUR"},
                **{f"{model}_share": of and of[place] for model, of in by_model.items()},
            }
            for place, channel in enumerate(path)
        ]
    return found


@given(orders, orders, orders)
def test_changes_lead_from_the_old_credits_to_the_new_ones_once(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    known: list[dict[str, Any]] = []
    for number, (before, after) in enumerate([(first, second), (second, third)]):
        found = changed_credits(rows(before), rows(after), known)
        known += [{**one, "changed_at": datetime(2026, 11, 20, number)} for one in found]
        moved: Counter[Any] = Counter(credits_of(rows(before)))
        for one in found:
            cell = (one["sales_source"], one["order_id"], one["model"], one["channel"])
            assert moved[cell] == one["cents_before"]
            moved[cell] = one["cents_after"]
        wanted = credits_of(rows(after))
        for name in before:
            for model in MODELS:
                for channel in ("Direct", "Email", None):
                    cell = ("shop", name, model, channel)
                    assert moved.get(cell, 0) == wanted.get(cell, 0)
        assert {one["order_id"] for one in found} <= before.keys()
        assert changed_credits(rows(before), rows(after), known) == []
