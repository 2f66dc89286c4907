"""The database of the simulated café's shop, in PostgreSQL: its tables, and how time fills them.

`live_shop` runs this in the demo. A transaction writes the changes that are due. It also stores
those that are due later, so that a process that is killed continues where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import menu, shop_simulation
from clickstream.demo.cafe.rules import SECOND, CafeRules, milliseconds
from clickstream.demo.cafe.shop import (
    OrderDeleted,
    OrderSaved,
    ShopChange,
    ShopOrder,
    ShopRefund,
    ShopState,
    local_time,
)

COLUMN_MAP = Path(shop_simulation.__file__).with_name("shop_columns.toml")
DATABASE, READER = "shop", "shop_reader"
"""The name of the database, and the user that may only read what is sold."""

BATCH_HOURS = 24
"""Hours whose changes one transaction writes, while the shop catches up."""

_METADATA = sa.MetaData()
_MONEY = sa.Numeric(10, 2)

ORDERS = sa.Table(
    "orders",
    _METADATA,
    sa.Column("order_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ordered_at", sa.DateTime, nullable=False, index=True),
    sa.Column("sold_by", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("discount", _MONEY, nullable=False),
    sa.Column("tax", _MONEY, nullable=False),
    sa.Column("tip", _MONEY, nullable=False),
    sa.Column("total", _MONEY, nullable=False),
    sa.Column("customer", sa.Text),
    sa.Column("coupon", sa.Text),
)
ORDER_ITEMS = sa.Table(
    "order_items",
    _METADATA,
    sa.Column("order_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("price", _MONEY, nullable=False),
    sa.Column("discount", _MONEY, nullable=False),
    sa.Column("amount", _MONEY, nullable=False),
)
REFUNDS = sa.Table(
    "refunds",
    _METADATA,
    sa.Column("refund_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("order_id", sa.BigInteger, nullable=False),
    sa.Column("line", sa.Integer),
    sa.Column("refunded_at", sa.DateTime, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", _MONEY, nullable=False),
    sa.Column("tax", _MONEY, nullable=False),
)
MENU = sa.Table(
    "menu",
    _METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("price", _MONEY, nullable=False),
)
DUE_LATER = sa.Table(
    "due_later",
    _METADATA,
    sa.Column("place", sa.BigInteger, primary_key=True),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
)
NEXT_HOUR = sa.Table("next_hour", _METADATA, sa.Column("hour", sa.Text, nullable=False))
"""One row: the first hour whose changes are not simulated yet."""

_CHANGE: TypeAdapter[ShopChange] = TypeAdapter(ShopChange)


def shop_engine(address: str) -> sa.Engine:
    """Return an engine for the shop's database on the server at an address of its superuser."""
    return sa.create_engine(sa.make_url(address).set(database=DATABASE), poolclass=sa.NullPool)


def create_database(address: str, first: Hour) -> None:
    """Create what is missing of the database, its tables and the reader.

    `first` is the first hour of the shop; a database that exists keeps its own.
    """
    server = sa.create_engine(address, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        names = sa.text("select datname from pg_database union all select rolname from pg_roles")
        existing = connection.execute(names).scalars().all()
        if DATABASE not in existing:
            connection.exec_driver_sql(f"create database {DATABASE} template template0")
        if READER not in existing:
            connection.exec_driver_sql(f"create role {READER} login")
    with shop_engine(address).begin() as connection:
        _METADATA.create_all(connection)
        readable = ", ".join(table.name for table in (ORDERS, ORDER_ITEMS, REFUNDS, MENU))
        connection.exec_driver_sql(f"grant select on {readable} to {READER}")
        if not connection.execute(sa.select(NEXT_HOUR)).all():
            connection.execute(sa.insert(NEXT_HOUR), [{"hour": str(first)}])
            products = [
                {
                    "item_id": product.slug,
                    "name": product.name,
                    "category": product.group,
                    "price": _money(product.price_cents),
                }
                for product in menu.PRODUCTS
            ]
            connection.execute(sa.insert(MENU), products)


def is_complete_to(address: str, hour: Hour) -> bool:
    """Whether the shop has all that was due until the end of an hour."""
    try:
        with shop_engine(address).connect() as connection:
            following = connection.execute(sa.select(NEXT_HOUR.c.hour)).scalar_one()
    except sa.exc.DBAPIError:  # the database is not created yet
        return False
    return Hour.parse(following) > hour


@dataclass(frozen=True)
class ShopDatabase:
    """The shop's database, and the rules of its café."""

    engine: sa.Engine
    rules: CafeRules

    def advance(self, moment: datetime) -> bool:
        """Write what is due until a moment (aware), at most of BATCH_HOURS, in one transaction.

        Returns whether nothing is left that is due.
        """
        with self.engine.begin() as connection:
            query = sa.select(NEXT_HOUR.c.hour).with_for_update()
            following = Hour.parse(connection.execute(query).scalar_one())
            ends = min(following.plus(BATCH_HOURS - 1), Hour.of(moment))
            hours = [*hour_range(following, ends)]
            until = min(milliseconds(ends.next) - 1, int(moment.timestamp() * SECOND))
            changes = [
                change
                for hour in hours
                for change in shop_simulation.shop_changes(self.rules, hour)
            ]
            if hours:
                connection.execute(sa.update(NEXT_HOUR), [{"hour": str(ends.next)}])
            _write(connection, changes, until)
        return ends == Hour.of(moment)


def _write(connection: sa.Connection, new: Sequence[ShopChange], until: int) -> None:
    """Write the stored and new changes that are due until a time, and store the others."""
    is_due = DUE_LATER.c.due <= until
    query = sa.select(DUE_LATER.c.change).where(is_due).order_by(DUE_LATER.c.due, DUE_LATER.c.place)
    stored = connection.execute(query).scalars().all()
    if stored:
        connection.execute(sa.delete(DUE_LATER).where(is_due))
    due = [_CHANGE.validate_json(change) for change in stored]
    due += [change for change in new if change.due <= until]
    if due:
        _apply(connection, sorted(due, key=lambda change: change.due))
    if later := [change for change in new if change.due > until]:
        rows = [
            {"due": change.due, "change": _CHANGE.dump_json(change).decode()} for change in later
        ]
        connection.execute(sa.insert(DUE_LATER), rows)


def _apply(connection: sa.Connection, changes: Sequence[ShopChange]) -> None:
    """Replace the rows of the orders that changes are about, and add refunds."""
    state = ShopState()
    state.apply(changes)
    changed = {change.order.number for change in changes if isinstance(change, OrderSaved)}
    changed |= {change.number for change in changes if isinstance(change, OrderDeleted)}
    for table in (ORDERS, ORDER_ITEMS):
        connection.execute(sa.delete(table).where(table.c.order_id.in_(changed)))
    rows: Mapping[sa.Table, Sequence[Mapping[str, Any]]] = {
        ORDERS: [_order(order) for order in state.orders.values()],
        ORDER_ITEMS: [line for order in state.orders.values() for line in _lines(order)],
        REFUNDS: [_refund(refund) for refund in state.refunds.values()],
    }
    for table, values in rows.items():
        if values:
            connection.execute(sa.insert(table), values)


def _order(order: ShopOrder) -> dict[str, Any]:
    return {
        "order_id": order.number,
        "ordered_at": local_time(order.ordered_at),
        "sold_by": order.sold_by,
        "status": order.status,
        "discount": _money(order.discount_cents),
        "tax": _money(order.tax_cents),
        "tip": _money(order.tip_cents),
        "total": _money(order.total_cents),
        "customer": order.customer,
        "coupon": order.coupon,
    }


def _lines(order: ShopOrder) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(order.lines, 1):
        yield {
            "order_id": order.number,
            "line": number,
            "item_id": line.item_id,
            "name": line.name,
            "quantity": line.quantity,
            "price": _money(line.price_cents),
            "discount": _money(line.discount_cents),
            "amount": _money(line.amount_cents),
        }


def _refund(refund: ShopRefund) -> dict[str, Any]:
    return {
        "refund_id": refund.number,
        "order_id": refund.order_number,
        "line": refund.line,
        "refunded_at": local_time(refund.refunded_at),
        "kind": refund.kind,
        "amount": _money(refund.amount_cents),
        "tax": _money(refund.tax_cents),
    }


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100
