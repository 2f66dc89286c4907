"""Orders and refunds of simulated weeks: of visits, without a known visit, and by phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Columns = dict[str, Any]

MATCHED, BY_PHONE, REFUNDED = 0.9, 0.15, 0.03
"""Shares: of web orders with a known visit, of phone orders beside them, and of refunded orders."""

LOG_OF_CENTS, SPREAD = 7.2, 0.6
"""Half of the orders are above 13.39; few are above 50."""

OF_VISIT = ("channel", "source", "utm_campaign", "landing_page", "device", "country")


def sales_of(seed: int, sessions: Mapping[str, Any]) -> Mapping[str, Columns]:
    """The columns of `order_facts` and `refund_facts`, with chance of their own."""
    rng = np.random.default_rng(seed + 1)
    orders = _orders(rng, sessions)
    refunded = rng.random(len(orders["order_id"])) < REFUNDED
    kept = ("sales_source", "order_id", "currency", "local_date", "event_date", "local_hour")
    refunds = {name: np.asarray(orders[name], object)[refunded] for name in kept}
    refunds["refund_id"] = [f"r-{number}" for number in refunds["order_id"]]
    refunds["amount_cents"] = orders["total_cents"][refunded]
    return {"order_facts": orders, "refund_facts": refunds}


def _orders(rng: np.random.Generator, sessions: Mapping[str, Any]) -> Columns:
    converted = np.flatnonzero(np.asarray(sessions["conversions"]) > 0)
    phoned = converted[rng.random(len(converted)) < BY_PHONE]
    place = np.concatenate([converted, phoned])
    is_web = np.arange(len(place)) < len(converted)
    is_matched = is_web & (rng.random(len(place)) < MATCHED)
    day = np.asarray(sessions["local_date"])[place]
    count = len(place)
    why = np.where(is_matched, None, np.where(is_web, "no request", "not on the web"))
    return {
        **{name: np.where(is_matched, _of(sessions, name, place), None) for name in OF_VISIT},
        "sales_source": ["shop"] * count,
        "order_id": [str(number) for number in range(count)],
        "currency": ["EUR"] * count,
        "sold_by": np.where(is_web, "web", "phone"),
        "method": np.where(is_matched, "number", "none"),
        "why_none": why,
        "total_cents": np.exp(rng.normal(LOG_OF_CENTS, SPREAD, count)).astype(int),
        "local_date": day,
        "event_date": day,
        "local_hour": np.asarray(sessions["local_hour"])[place],
    }


def _of(sessions: Mapping[str, Any], name: str, place: np.ndarray) -> np.ndarray:
    return np.asarray(sessions[name], object)[place]
