"""Measure the digest and the reading of a shop's sales: `python -m benchmarks.sales`.

It starts a MariaDB with the tables of the AWS Academy café lab, 200,000 orders and about 500,000
items over 400 dates, and prints seconds of this process and of the wall clock.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from tests.support.shop_databases import running_mariadb

from clickstream.collect.sales.reader import SalesReader
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.row_reader import SalesRules
from clickstream.sales.sales_day import build_day
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings

ORDERS, DAYS = 200_000, 400
FIRST = datetime(2025, 10, 1)
TABLES = (
    "create table `order` (order_number int primary key, order_date_time timestamp, "
    "amount decimal(10, 2), index (order_date_time))",
    "create table order_item (order_number int, order_item_number int, product_id int, "
    "quantity int, amount decimal(10, 2), primary key (order_number, order_item_number))",
)


def fill(address: str) -> int:
    """Create the tables with their rows; return the number of items."""
    chance, orders, items = random.Random(1), [], []
    apart = timedelta(days=DAYS) / ORDERS
    for number in range(1, ORDERS + 1):
        prices = [chance.randrange(100, 1_000, 50) for _ in range(chance.randint(1, 4))]
        total = Decimal(sum(prices)) / 100
        orders.append((number, (FIRST + number * apart).replace(microsecond=0), total))
        items += [(number, n, n, 1, Decimal(cents) / 100) for n, cents in enumerate(prices, 1)]
    engine = sa.create_engine(address.replace("mysql:", "mysql+pymysql:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("set time_zone = '+00:00'")
        for statement in TABLES:
            connection.exec_driver_sql(statement)
        for table, rows in (("`order`", orders), ("order_item", items)):
            places = ", ".join(["%s"] * len(rows[0]))
            for start in range(0, len(rows), 20_000):
                batch = rows[start : start + 20_000]
                connection.exec_driver_sql(f"insert into {table} values ({places})", batch)
    return len(items)


@contextmanager
def measured(name: str) -> Iterator[Callable[[object], None]]:
    """Print the seconds of a block, and what it passes to the function that it gets."""
    notes: list[object] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield notes.append
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(f"{name:<28} {wall:6.2f} s, of this process {cpu:5.2f} s  {notes[0]}\n")


def main() -> None:
    """Measure, and print the result."""
    with tempfile.TemporaryDirectory() as name, running_mariadb(Path(name)) as address:
        items = fill(address)
        source = SalesSettings(
            name="shop", kind="sql", columns="cafe-lab", currency="USD", url=address
        )
        settings = Settings(directory=Path(name))
        rules = rules_of(settings, source)
        middle = (FIRST + timedelta(days=DAYS // 2)).date()
        with measured("connect") as note, open_source(settings, source, rules):
            note(f"{ORDERS:,} orders, {items:,} items")
        with open_source(settings, source, rules) as reader:
            for label, first in (("digest of all dates", None), ("digest of half", middle)):
                with measured(label) as note:
                    note(f"{len(reader.survey(first).days)} dates")
            with measured("digest of one date") as note:
                note(len(reader.survey(middle, middle).days))
            with measured("read and build one date") as note:
                note(_build_note(reader, middle, rules))


def _build_note(reader: SalesReader, day: date, rules: SalesRules) -> str:
    built = build_day(day, reader.read_day(day), rules)
    return ", ".join(f"{len(rows):,} {table.name}" for table, rows in built.rows.items())


if __name__ == "__main__":
    main()
