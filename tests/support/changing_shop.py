"""A shop in a real database, which changes as time does; tests compare readers with its rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clickstream.sales.value_checks import local_moment
from clickstream.settings.sales import SalesSettings

LONDON = ZoneInfo("Europe/London")
FIRST = datetime(2026, 10, 22, tzinfo=UTC)
"""Clocks are set back on 25 October, within the dates of the test."""

MAP = """
title = "test"
[orders]
table = "sale"
only_with = "amount"
[orders.columns]
order_id = "id"
ordered_at = "sold_at"
total = "amount"
coupon = "note"
[order_items]
table = "sale_line"
[order_items.columns]
order_id = "sale_id"
line = "line"
quantity = "quantity"
amount = "amount"
[refunds]
table = "money_back"
[refunds.columns]
refund_id = "id"
order_id = "sale_id"
refunded_at = "paid_at"
amount = "amount"
"""


@dataclass
class Shop:
    """A shop's database, and what it has, in hundredths and UTC (naive)."""

    engine: sa.Engine
    has_zone: bool
    orders: dict[int, tuple[datetime, int, str | None]] = field(default_factory=dict)
    lines: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    refunds: dict[int, tuple[int, datetime, int]] = field(default_factory=dict)

    def create(self) -> None:
        is_mysql = self.engine.dialect.name == "mysql"
        zoned = "timestamp null" if is_mysql else "timestamptz"
        kind = zoned if self.has_zone else ("datetime" if is_mysql else "timestamp")
        with self.engine.begin() as connection:
            for statement in (
                "drop table if exists money_back",
                "drop table if exists sale_line",
                "drop table if exists sale",
                f"create table sale (id integer primary key, sold_at {kind}, "
                "amount numeric(10, 2), note varchar(50), extra integer)",
                "create table sale_line (sale_id integer, line integer, quantity integer, "
                "amount numeric(10, 2), primary key (sale_id, line))",
                f"create table money_back (id integer primary key, sale_id integer, "
                f"paid_at {kind}, amount numeric(10, 2))",
            ):
                connection.exec_driver_sql(statement)

    def write(self) -> None:
        """Replace all rows."""
        with self.engine.begin() as connection:
            is_mysql = self.engine.dialect.name == "mysql"
            zone = "set time_zone = '+00:00'" if is_mysql else "set time zone 'UTC'"
            connection.exec_driver_sql(zone)
            rows = {
                "sale (id, sold_at, amount, note)": [
                    (n, self.stored(at), Decimal(cents) / 100, note)
                    for n, (at, cents, note) in self.orders.items()
                ],
                "sale_line (sale_id, line, quantity, amount)": [
                    (*key, quantity, Decimal(cents) / 100)
                    for key, (quantity, cents) in self.lines.items()
                ],
                "money_back (id, sale_id, paid_at, amount)": [
                    (n, of, self.stored(at), Decimal(cents) / 100)
                    for n, (of, at, cents) in self.refunds.items()
                ],
            }
            for table, values in rows.items():
                connection.exec_driver_sql(f"delete from {table.partition(' ')[0]}")
                places = ", ".join(["%s"] * len(values[0])) if values else ""
                if values:
                    connection.exec_driver_sql(f"insert into {table} values ({places})", values)

    def stored(self, at: datetime) -> datetime:
        if self.has_zone:
            return at if self.engine.dialect.name == "mysql" else at.replace(tzinfo=UTC)
        return at.replace(tzinfo=UTC).astimezone(LONDON).replace(tzinfo=None)

    def read_as(self, at: datetime) -> datetime:
        """Return the UTC time that a reader can know: the first one of a local time."""
        return at if self.has_zone else local_moment(self.stored(at), LONDON).at

    def change(self, chance: random.Random) -> None:
        """Change the shop as time does: orders, edits that keep sums, refunds, deletions."""
        for _ in range(8):
            number = max(self.orders, default=0) + chance.choice((1, 1, 3))
            self.orders[number] = (self.moment(chance), chance.choice((150, 300, 999)), None)
            for line in range(chance.randint(0, 3)):
                self.lines[number, line] = (chance.randint(1, 3), 100)
        known = sorted(self.orders)
        one, other, moved, gone, refunded, noted = (chance.choice(known) for _ in range(6))
        for number, by in ((one, 100), (other, -100)):
            at, cents, note = self.orders[number]
            self.orders[number] = (at, cents + by, note)
        at, cents, note = self.orders[moved]
        self.orders[moved] = (at + timedelta(hours=chance.choice((-30, 1, 25))), cents, note)
        self.orders[noted] = (*self.orders[noted][:2], chance.choice(("", None, "x")))
        if self.lines:
            key = chance.choice(sorted(self.lines))
            self.lines[key] = (self.lines[key][0] + 1, self.lines[key][1])
        self.refunds[len(self.refunds) + 1] = (refunded, self.moment(chance), 100)
        if gone not in (one, other, moved, noted):
            del self.orders[gone]
            self.lines = {key: row for key, row in self.lines.items() if key[0] != gone}

    def moment(self, chance: random.Random) -> datetime:
        seconds = chance.randrange(6 * 86_400)
        return FIRST.replace(tzinfo=None) + timedelta(seconds=seconds)

    def expected(self) -> dict[date, set[tuple[object, ...]]]:
        """Return the rows of each date that are read, as plain tuples."""
        found: dict[date, set[tuple[object, ...]]] = {}
        dates = {}
        for number, (at, cents, note) in self.orders.items():
            if cents:
                dates[number] = self.read_as(at).date()
                row = ("order", str(number), self.read_as(at), cents, note or None)
                found.setdefault(dates[number], set()).add(row)
        for (number, line), (quantity, cents) in self.lines.items():
            if number in dates:
                row = ("line", str(number), line, float(quantity), cents)
                found.setdefault(dates[number], set()).add(row)
        for number, (of, at, cents) in self.refunds.items():
            seen = self.read_as(at)
            row = ("refund", str(number), str(of), seen, cents)
            found.setdefault(seen.date(), set()).add(row)
        return found


def source_of(address: str, **given: object) -> SalesSettings:
    values = {"name": "shop", "kind": "sql", "columns": "map.toml", "currency": "EUR"}
    return SalesSettings.model_validate({**values, "url": address, **given})


def engine_of(address: str) -> sa.Engine:
    driver = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg2"}
    kind, _, rest = address.partition("://")
    return sa.create_engine(f"{driver[kind]}://{rest}", poolclass=sa.NullPool)
