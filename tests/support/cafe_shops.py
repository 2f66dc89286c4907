"""The simulated café's shop in real databases, with the rows that a lake of it must have."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from tests.support.faults import Killed

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules, menu
from clickstream.demo.cafe.rules import CITY_TIME, SECOND
from clickstream.demo.cafe.shop import (
    ShopChange,
    ShopOrder,
    ShopState,
    local_time,
)
from clickstream.demo.cafe.shop_simulation import shop_changes
from clickstream.demo.shop_database import (
    COLUMN_MAP,
    DATABASE,
    READER,
    ShopDatabase,
    create_database,
    shop_engine,
)
from clickstream.settings.sales import SalesSettings
from clickstream.tables import Table
from clickstream.tables.sales import ORDER_ITEMS, ORDERS, REFUNDS

ITEMS = [product.slug for product in menu.PRODUCTS]

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]
"""Rows of the tables of sales, with some of their columns."""


@dataclass(frozen=True)
class Story:
    """The changes of a shop in a range of hours; its state at any moment is the truth."""

    rules: CafeRules
    first: Hour
    last: Hour

    @cached_property
    def changes(self) -> list[ShopChange]:
        hours = hour_range(self.first, self.last)
        found = [change for hour in hours for change in shop_changes(self.rules, hour)]
        return sorted(found, key=lambda change: change.due)

    def at(self, moment: datetime) -> ShopState:
        state = ShopState()
        until = moment.timestamp() * SECOND
        state.apply(change for change in self.changes if change.due <= until)
        return state


class DemoShop:
    """The database of the demo, in PostgreSQL, with local times; writers of it are killed."""

    def __init__(self, address: str, story: Story) -> None:
        self._address, self.story = address, story
        create_database(address.replace("://", "+psycopg2://"), story.first)

    @property
    def source(self) -> SalesSettings:
        url = sa.make_url(self._address).set(username=READER, database=DATABASE)
        return SalesSettings(
            name="shop",
            kind="sql",
            columns=str(COLUMN_MAP),
            currency="GBP",
            url=url.render_as_string(hide_password=False),
            time_zone="Europe/London",
            store_time_zone="Europe/London",
        )

    def advance(self, moment: datetime, chance: random.Random) -> None:
        """Write what is due, after a writer that is killed at any statement."""
        with suppress(Killed):
            self._database(dies_at=chance.randrange(12)).advance(moment)
        while not self._database().advance(moment):
            pass

    def _database(self, dies_at: int = -1) -> ShopDatabase:
        engine = shop_engine(self._address.replace("://", "+psycopg2://"))
        statements = Counter[str]()

        @sa.event.listens_for(engine, "before_cursor_execute")
        def count(*_: Any) -> None:
            if statements["all"] == dies_at:
                raise Killed
            statements["all"] += 1

        return ShopDatabase(engine, self.story.rules)

    def expected(self, moment: datetime) -> Rows:
        state = self.story.at(moment)
        times = {number: readable_time(one.ordered_at) for number, one in state.orders.items()}
        return {
            ORDERS: [_order(one, times[one.number]) for one in state.orders.values()],
            ORDER_ITEMS: [
                _line(one, n, times[one.number].date())
                for one in state.orders.values()
                for n in range(len(one.lines))
            ],
            REFUNDS: [
                {
                    "event_date": readable_time(one.refunded_at).date(),
                    "refund_id": str(one.number),
                    "order_id": str(one.order_number),
                    "line": one.line,
                    "refunded_at": readable_time(one.refunded_at),
                    "is_ambiguous_time": is_ambiguous(one.refunded_at),
                    "kind": one.kind,
                    "amount_cents": one.amount_cents,
                    "tax_cents": one.amount_cents // 6,
                }
                for one in state.refunds.values()
            ],
        }

    def mistakes(self, moment: datetime) -> dict[str, int]:
        """The orders that the simulation gave a total that their parts do not give."""
        orders = self.story.at(moment).orders.values()
        return {str(one.number): one.mistake_cents for one in orders if one.mistake_cents}


def readable_time(seconds: int) -> datetime:
    """Return the UTC time (naive) that a reader of the stored time can know.

    A local time that occurs twice is read as the first one.
    """
    return local_time(seconds).replace(tzinfo=CITY_TIME).astimezone(UTC).replace(tzinfo=None)


def is_ambiguous(seconds: int) -> bool:
    folds = (local_time(seconds).replace(tzinfo=CITY_TIME, fold=fold) for fold in (0, 1))
    return len({at.utcoffset() for at in folds}) == 2


def _order(one: ShopOrder, at: datetime) -> dict[str, Any]:
    return {
        "event_date": at.date(),
        "order_id": str(one.number),
        "ordered_at": at,
        "is_ambiguous_time": is_ambiguous(one.ordered_at),
        "business_date": local_time(one.ordered_at).date(),
        "sold_by": one.sold_by,
        "status": one.status,
        "discount_cents": one.discount_cents,
        "tax_cents": one.tax_cents,
        "is_tax_included": True,
        "tip_cents": one.tip_cents,
        "total_cents": one.total_cents,
        "coupon": one.coupon,
    }


def _line(order: ShopOrder, place: int, day: date) -> dict[str, Any]:
    line = order.lines[place]
    return {
        "event_date": day,
        "order_id": str(order.number),
        "line": place + 1,
        "item_id": line.item_id,
        "name_as_sold": line.name,
        "quantity": float(line.quantity),
        "price_cents": line.price_cents,
        "discount_cents": line.discount_cents,
        "amount_cents": line.quantity * line.price_cents,
    }


LAB = (
    "create database if not exists mom_pop_db",
    "use mom_pop_db",
    "create table product (id int(3) not null primary key, product_name varchar(40) not null)",
    "create table `order` (order_number int(5) not null auto_increment primary key, "
    "order_date_time timestamp not null default current_timestamp, "
    "amount decimal(10,2) not null default 0.0)",
    "create table order_item (order_number int(5) not null, order_item_number int(5) not null, "
    "product_id int(3), quantity int(2), amount decimal(10,2) not null, "
    "primary key (order_number, order_item_number), "
    "foreign key (order_number) references `order` (order_number), "
    "foreign key (product_id) references product (id))",
)
"""The tables of the AWS Academy café lab that its column map reads, and the products."""


class LabShop:
    """The same orders in the café lab's schema, in MariaDB: no states, discounts, tips, refunds.

    Orders that are not paid are not in it.
    """

    def __init__(self, address: str, story: Story) -> None:
        self._address, self.story = address, story
        self._engine = sa.create_engine(address.replace("://", "+pymysql://"))
        with self._engine.begin() as connection:
            for statement in LAB:
                connection.exec_driver_sql(statement)
            products = [(number, one.name) for number, one in enumerate(menu.PRODUCTS, 1)]
            connection.exec_driver_sql("insert into product values (%s, %s)", products)

    @property
    def source(self) -> SalesSettings:
        url = sa.make_url(self._address).set(database="mom_pop_db").render_as_string()
        return SalesSettings(name="shop", kind="sql", columns="cafe-lab", currency="USD", url=url)

    def advance(self, moment: datetime, _chance: random.Random) -> None:
        """Replace all rows."""
        orders = self._orders(moment)
        with self._engine.begin() as connection:
            for statement in ("use mom_pop_db", "set time_zone = '+00:00'"):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("delete from order_item")
            connection.exec_driver_sql("delete from `order`")
            rows = [(o.number, _moment(o.ordered_at), o.total_cents / 100) for o in orders]
            connection.exec_driver_sql("insert into `order` values (%s, %s, %s)", rows)
            lines = [
                (o.number, n, ITEMS.index(line.item_id) + 1, line.quantity, line.amount_cents / 100)
                for o in orders
                for n, line in enumerate(o.lines, 1)
            ]
            places = "(%s, %s, %s, %s, %s)"
            connection.exec_driver_sql(f"insert into order_item values {places}", lines)

    def _orders(self, moment: datetime) -> list[ShopOrder]:
        """Return the paid orders as the lab's schema can have them."""
        return [
            replace(
                one,
                discount_cents=0,
                tip_cents=0,
                lines=tuple(replace(line, discount_cents=0) for line in one.lines),
            )
            for one in self.story.at(moment).orders.values()
            if one.status == "paid"
        ]

    def expected(self, moment: datetime) -> Rows:
        orders = self._orders(moment)
        return {
            ORDERS: [
                {
                    "event_date": _moment(one.ordered_at).date(),
                    "order_id": str(one.number),
                    "ordered_at": _moment(one.ordered_at),
                    "is_ambiguous_time": False,
                    "status": "paid",
                    "total_cents": one.total_cents,
                }
                for one in orders
            ],
            ORDER_ITEMS: [
                {
                    "event_date": _moment(one.ordered_at).date(),
                    "order_id": str(one.number),
                    "line": number,
                    "item_id": str(ITEMS.index(line.item_id) + 1),
                    "quantity": float(line.quantity),
                    "amount_cents": line.amount_cents,
                }
                for one in orders
                for number, line in enumerate(one.lines, 1)
            ],
            REFUNDS: [],
        }

    def mistakes(self, moment: datetime) -> dict[str, int]:
        found = self._orders(moment)
        return {str(one.number): one.mistake_cents for one in found if one.mistake_cents}


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def moments(story: Story, chance: random.Random) -> list[datetime]:
    """Return moments of the story in order; the last one is its end."""
    found, at = [], story.first.start
    while at < story.last.end:
        at += timedelta(minutes=chance.randrange(10, 60 * 40))
        found.append(min(at, story.last.end - timedelta(seconds=1)))
    return found
