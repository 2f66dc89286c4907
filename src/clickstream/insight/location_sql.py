"""Queries of orders, people, places and stores for a plan of locations, and their rows.

`clickstream locations` asks Athena, and the dashboard its copy of the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from clickstream.insight.location_rows import (
    CoordinatesRow,
    MarketRows,
    OrdersRow,
    PeopleRow,
    StoreRow,
)

NOT_FIXED = ("cellular", "hosting", "private", "proxy", "satellite", "tor", "vpn")
"""Kinds of networks whose places are not those of their customers."""

COORDINATE_DAYS = 365
"""Days whose visits show the coordinates of cities."""

_HELD_BACK = "mod(date_diff('day', date '2000-01-03', order_facts.event_date), 28) >= 21"
"""Every fourth week, from Monday on, whatever dates are read."""

_ORDERS = """
with

web_orders as (
    select
        country,
        region,
        city,
        sales_source,
        store_id,
        case
            when network is null then coalesce(device = 'desktop', false)
            else network not in ({not_fixed})
        end as is_fixed,
        network is null as is_by_device,
        {held_back} as is_held_back,
        event_date
    from order_facts
    where
        event_date between date '{first}' and date '{last}'
        and sold_by in ('web', 'app')
)

select
    country,
    region,
    city,
    sales_source,
    store_id,
    is_fixed,
    is_by_device,
    is_held_back,
    count(*) as orders,
    min(event_date) as first_date,
    max(event_date) as last_date
from web_orders
group by
    country,
    region,
    city,
    sales_source,
    store_id,
    is_fixed,
    is_by_device,
    is_held_back
"""

_COORDINATES = """
select
    country,
    region,
    city,
    sum(requests * latitude) / sum(requests) as latitude,
    sum(requests * longitude) / sum(requests) as longitude
from place_facts
where
    event_date between date '{first}' and date '{last}'
    and city is not null
    and latitude is not null
    and longitude is not null
group by country, region, city
"""

_PEOPLE = """
with

versions as (
    select
        *,
        row_number() over (
            partition by
                sales_source,
                place_id,
                year
            order by event_date desc
        ) as version
    from demographic_facts
    where
        measure = 'people'
        and region is not null
)

select
    country,
    region,
    name,
    max_by(value, year) as people
from versions
where
    version = 1
    and not is_removed
group by country, region, name
"""

_STORES = """
with

versions as (
    select
        *,
        row_number() over (
            partition by
                sales_source,
                store_id
            order by event_date desc
        ) as version
    from store_facts
)

select
    sales_source,
    store_id,
    name,
    kind,
    latitude,
    longitude,
    closed_on
from versions
where
    version = 1
    and not is_removed
"""


def market_sql(first: date, last: date) -> tuple[str, str, str, str]:
    """Return the queries of orders, coordinates, people and stores; they run on copies of facts.

    Orders are those of two UTC dates and those between; coordinates are those of COORDINATE_DAYS
    up to the last date, so that they do not depend on the date of the first order.
    """
    names = ", ".join(f"'{kind}'" for kind in NOT_FIXED)
    orders = _ORDERS.format(first=first, last=last, not_fixed=names, held_back=_HELD_BACK)
    since = last - timedelta(days=COORDINATE_DAYS - 1)
    return orders, _COORDINATES.format(first=since, last=last), _PEOPLE, _STORES


def market_rows(
    orders: Iterable[Sequence[Any]],
    coordinates: Iterable[Sequence[Any]],
    people: Iterable[Sequence[Any]],
    stores: Iterable[Sequence[Any]],
) -> MarketRows:
    """Return the rows of the queries of `market_sql`."""
    return MarketRows(
        [OrdersRow(*row) for row in orders],
        [PeopleRow(*row) for row in people],
        [CoordinatesRow(*row) for row in coordinates],
        [StoreRow(*row) for row in stores],
    )
