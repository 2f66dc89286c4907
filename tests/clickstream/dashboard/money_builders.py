"""Rows of the facts of orders, refunds and items, as a lake with sales would hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clickstream.insight.credit import Effects, Touch, shares

Row = dict[str, Any]

_NO_VISIT = (
    *("site", "channel", "source", "medium", "referrer_domain", "utm_campaign"),
    *("landing_page", "device", "country", "region", "city", "customer_key", "coupon"),
    *("store_id", "network"),
)


def order(at: datetime, order_id: str, cents: int, **values: Any) -> Row:
    """A paid web order in EUR; with a channel it has a visit. Times are UTC."""
    is_matched = "channel" in values
    given: Mapping[str, Any] = {
        **dict.fromkeys(_NO_VISIT),
        **{"sales_source": "shop", "order_id": order_id, "currency": "EUR", "sold_by": "web"},
        **{"method": "number", "why_none": None, "site": "cafe"},
        **({} if is_matched else {"method": "none", "why_none": "no request", "site": None}),
        **{"total_cents": cents, "local_weekday": at.isoweekday(), "hour_at": at},
    }
    return {**given, **values}


def touches(
    bought: Row, *arrivals: tuple[str | None, str | None, float], effects: Effects | None = None
) -> list[Row]:
    """The touches of an order by (channel, campaign, days before); shares as a lake has them."""
    path = [Touch(channel, days) for channel, _, days in arrivals]
    by_model = shares(path, effects)
    return [
        {
            **{"sales_source": bought["sales_source"], "order_id": bought["order_id"]},
            **{"touch": place + 1, "touches": len(path), "channel": channel},
            **{"source": None, "medium": None, "referrer_domain": None, "utm_campaign": campaign},
            **{"days_before": days, "is_window_cut": False, "hour_at": bought["hour_at"]},
            **{f"{name}_share": of and of[place] for name, of in by_model.items()},
        }
        for place, (channel, campaign, days) in enumerate(arrivals)
    ]


def refund(at: datetime, refund_id: str, order_id: str | None, cents: int, **values: Any) -> Row:
    """A refund in EUR."""
    return {
        **{"sales_source": "shop", "refund_id": refund_id, "order_id": order_id},
        **{"currency": "EUR", "kind": "refund", "amount_cents": cents},
        **{"local_weekday": at.isoweekday(), "hour_at": at},
        **values,
    }


def item(at: datetime, order_id: str, line: int, name: str, cents: int, **values: Any) -> Row:
    """A line of an order, for one item."""
    return {
        **{"sales_source": "shop", "order_id": order_id, "line": line, "currency": "EUR"},
        **{"item": name.lower(), "name": name, "quantity": 1.0, "amount_cents": cents},
        **{"discount_cents": 0, "hour_at": at},
        **values,
    }


def measure(
    at: datetime, country: str | None, region: str | None, name: str, value: float, **values: Any
) -> Row:
    """A version of the number of people of a place, for `demographic_facts`."""
    return {
        **{"sales_source": "census", "place_id": f"{country}/{region}/{name}", "name": name},
        **{"country": country, "region": region, "year": 2020, "measure": "people"},
        **{"value": value, "is_removed": False, "hour_at": at},
        **values,
    }


def money(
    orders: Sequence[Row], refunds: Sequence[Row] = (), items: Sequence[Row] = ()
) -> dict[str, Sequence[Row]]:
    """The rows by fact view, for `fact_tables`."""
    return {"order_facts": orders, "refund_facts": refunds, "item_facts": items}


def cost(at: datetime, campaign: str, cents: int, **values: Any) -> Row:
    """What a campaign of paid search cost on a date, in EUR."""
    return {
        **{"sales_source": "ads", "platform": "google", "account": "", "campaign_id": campaign},
        **{"utm_source": "google", "utm_medium": "cpc", "utm_campaign": campaign},
        **{"source": "google", "medium": "cpc", "campaign": campaign.lower()},
        **{"currency": "EUR", "spend_cents": cents, "impressions": 100, "clicks": 10},
        "hour_at": at,
        **values,
    }
