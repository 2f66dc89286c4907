"""A real MariaDB and a real PostgreSQL: every change of a shop's rows is found and read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.changing_shop import LONDON, MAP, Shop, engine_of, source_of
from tests.support.shop_databases import running_mariadb, running_postgresql

from clickstream.collect.sales.reader import DayDigest, SalesReader
from clickstream.core.errors import ShopRefused, ShopUnreachable, UnusableSales
from clickstream.pipeline.sales.check import check_source
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.listings import build_listings
from clickstream.sales.sales_day import SalesDay, build_day
from clickstream.sales.value_checks import local_moment
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import CAMPAIGN_SPEND, ORDER_ITEMS, ORDERS, REFUNDS, SALES_REJECTS

OTHER_TABLES = """
title = "test"
[campaign_spend]
table = "spending"
[campaign_spend.columns]
event_date = "day"
campaign_id = "id"
spend = "cost"
[campaign_spend.constants]
platform = "ads"
[menu_items]
table = "product"
[menu_items.columns]
item_id = "id"
price = "price"
[stores]
table = "branch"
is_optional = true
[stores.columns]
store_id = "id"
"""


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def address(request, tmp_path_factory) -> Iterator[str]:
    """The address of a server's superuser."""
    directory = tmp_path_factory.mktemp("db")
    running = running_mariadb if request.param == "mariadb" else running_postgresql
    with running(directory) as found:
        yield found


def rows_of(day: SalesDay) -> set[tuple[object, ...]]:
    return {
        *(
            ("order", o["order_id"], o["ordered_at"], o["total_cents"], o["coupon"])
            for o in day.rows[ORDERS]
        ),
        *(
            ("line", i["order_id"], i["line"], i["quantity"], i["amount_cents"])
            for i in day.rows[ORDER_ITEMS]
        ),
        *(
            ("refund", r["refund_id"], r["order_id"], r["refunded_at"], r["amount_cents"])
            for r in day.rows[REFUNDS]
        ),
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    return Settings(directory=tmp_path)


@contextmanager
def reading(settings: Settings, source: SalesSettings) -> Iterator[SalesReader]:
    with open_source(settings, source, rules_of(settings, source)) as reader:
        yield reader


@pytest.mark.parametrize("has_zone", [True, False])
def test_days_whose_digest_differs_are_all_days_that_changed(
    address: str, settings: Settings, has_zone: bool
) -> None:
    shop = Shop(engine_of(address), has_zone)
    shop.create()
    source = source_of(address, time_zone=None if has_zone else "Europe/London")
    rules = rules_of(settings, source)
    chance, digests, stored = random.Random(7), {}, {}
    for _ in range(15):
        shop.change(chance)
        shop.write()
        with reading(settings, source) as reader:
            days = reader.survey().days
            changed = {day for day in {*days, *digests} if days.get(day) != digests.get(day)}
            read = {day: build_day(day, reader.read_day(day), rules) for day in changed}
        expected = shop.expected()
        before = dict(stored)
        stored |= {day: rows_of(one) for day, one in read.items()}
        digests = days
        assert {day: rows for day, rows in stored.items() if rows} == expected
        assert not any(one.rows[SALES_REJECTS] for one in read.values())
        assert changed == {d for d in stored if stored[d] != before.get(d)}
        assert {day: sum(one.rows.values()) for day, one in days.items()} == {
            day: len(rows) for day, rows in expected.items()
        }


IDS = ("a", "A", "b", "c ", "7")
"""A database may hold the first two for equal, and ignore the space of the fourth."""

WITHOUT_KEYS = {
    "sale": "id varchar(9), sold_at {}, amount numeric(10, 2), note varchar(50)",
    "sale_line": "sale_id varchar(9), line integer, quantity integer, amount numeric(10, 2)",
    "money_back": "id varchar(9), paid_at {}, amount numeric(10, 2), sale_id varchar(9)",
}


@pytest.fixture
def engine(address: str) -> Iterator[sa.Engine]:
    """An engine of the server; the views that a test creates are dropped."""
    engine = engine_of(address)
    yield engine
    with engine.begin() as connection:
        for table in WITHOUT_KEYS:
            connection.exec_driver_sql(f"drop view if exists {table}_view")


def create_without_keys(engine: sa.Engine, has_index: bool) -> None:
    """Create the tables of the map, and a view of each."""
    time = "datetime" if engine.dialect.name == "mysql" else "timestamp"
    with engine.begin() as connection:
        for table, columns in WITHOUT_KEYS.items():
            connection.exec_driver_sql(f"drop table if exists {table}")
            connection.exec_driver_sql(f"create table {table} ({columns.format(time)})")
            connection.exec_driver_sql(f"create view {table}_view as select * from {table}")
            if has_index and table != "sale_line":
                connection.exec_driver_sql(f"create index {table}_id on {table} (id)")


def write_times(engine: sa.Engine, rows: dict[str, set[tuple[str, datetime]]]) -> None:
    """Replace all rows by those with these ids and times."""
    with engine.begin() as connection:
        for table, some in rows.items():
            connection.exec_driver_sql(f"delete from {table}")
            columns = ", ".join(one.split()[0] for one in WITHOUT_KEYS[table].split(", ")[:3])
            statement = f"insert into {table} ({columns}) values (%s, %s, 5)"
            for row in sorted(some):
                connection.exec_driver_sql(statement, row)


def first_dates(rows: set[tuple[str, datetime]]) -> dict[str, date]:
    found: dict[str, date] = {}
    for row_id, at in rows:
        day = local_moment(at, LONDON).at.date()
        found[row_id.strip()] = min(day, found.get(row_id.strip(), day))
    return found


@pytest.mark.parametrize("kind", ["table", "index", "view"])
def test_an_id_without_a_key_counts_on_its_first_date_after_any_edit(
    engine: sa.Engine, address: str, settings: Settings, kind: str
) -> None:
    chance = random.Random(11)
    source = source_of(address, time_zone="Europe/London")
    create_without_keys(engine, kind == "index")
    if kind == "view":
        text = MAP.replace('"sale"', '"sale_view"').replace('"money_back"', '"money_back_view"')
        (settings.directory / "map.toml").write_text(text, encoding="utf-8")
    rules = rules_of(settings, source)
    rows: dict[str, set[tuple[str, datetime]]] = {"sale": set(), "money_back": set()}
    digests: dict[date, DayDigest] = {}
    stored: dict[date, SalesDay] = {}
    for _ in range(12):
        for some in rows.values():
            some -= {row for row in sorted(some) if chance.random() < 0.3}
            hours = [timedelta(hours=chance.randrange(96)) for _ in range(chance.randrange(4))]
            some |= {(chance.choice(IDS), datetime(2026, 10, 23) + after) for after in hours}
        write_times(engine, rows)
        with reading(settings, source) as reader:
            days = dict(reader.survey().days)
            changed = {day for day in {*days, *digests} if days.get(day) != digests.get(day)}
            for day in chance.sample(sorted(changed), len(changed)):
                stored[day] = build_day(day, reader.read_day(day), rules)
                assert reader.survey(day, day).days.get(day) == days.get(day)
        digests = days
        for table, row_id in ((ORDERS, "order_id"), (REFUNDS, "refund_id")):
            name = "sale" if table is ORDERS else "money_back"
            first = first_dates(rows[name])
            kept = [(row[row_id], day) for day, one in stored.items() for row in one.rows[table]]
            assert sorted(kept) == sorted(first.items())
            days_of_rows = [(i.strip(), local_moment(at, LONDON).at.date()) for i, at in rows[name]]
            reasons = {one["reason"] for one in stored_rejects(stored, table.name)}
            assert {one for one in reasons if one.startswith("row of")} == {
                f"row of {day} with the id of a row of {first[text]}"
                for text, day in days_of_rows
                if day > first[text]
            }


def stored_rejects(stored: dict[date, SalesDay], table: str) -> list[dict[str, Any]]:
    rejects = [one for built in stored.values() for one in built.rows[SALES_REJECTS]]
    return [one for one in rejects if one["of_table"] == table]


@pytest.mark.parametrize("has_time", [True, False])
def test_calendar_dates_and_tables_without_dates_are_read_after_any_edit(
    address: str, settings: Settings, has_time: bool
) -> None:
    """A table that is optional may be missing; a table without rows is not missing."""
    (settings.directory / "map.toml").write_text(OTHER_TABLES, encoding="utf-8")
    engine, source, chance = engine_of(address), source_of(address), random.Random(5)
    rules, spending, digests = rules_of(settings, source), {}, {}
    time = "datetime" if engine.dialect.name == "mysql" else "timestamp"
    with engine.begin() as connection:
        for table, columns in (
            ("spending", f"day {time if has_time else 'date'}, id integer, cost numeric(10, 2)"),
            ("product", "id integer, price numeric(10, 2)"),
            ("branch", "id integer"),
        ):
            connection.exec_driver_sql(f"drop table if exists {table}")
            if table != "branch":
                connection.exec_driver_sql(f"create table {table} ({columns})")
    for step in range(8):
        day = date(2026, 10, 24) + timedelta(days=chance.randrange(4))
        spending[day, step] = Decimal(chance.randrange(900)) / 100
        if step > 3:
            del spending[chance.choice(sorted(spending))]
        prices = {number: Decimal(chance.randrange(900)) / 100 for number in range(step % 3)}
        with engine.begin() as connection:
            for table, rows in (
                ("spending", [(*key, cost) for key, cost in spending.items()]),
                ("product", [*prices.items()]),
            ):
                connection.exec_driver_sql(f"delete from {table}")
                for row in rows:
                    places = ", ".join(["%s"] * len(row))
                    connection.exec_driver_sql(f"insert into {table} values ({places})", row)
        with reading(settings, source) as reader:
            days = reader.survey().days
            changed = {one for one in {*days, *digests} if days.get(one) != digests.get(one)}
            read = {one: build_day(one, reader.read_day(one), rules) for one in days}
            listed = build_listings(reader.read_listings(), rules).rows
            assert reader.survey(day, day).days == {d: one for d, one in days.items() if d == day}
        assert changed <= {day, *digests}
        digests = days
        assert {
            (day, int(row["campaign_id"])): row["spend_cents"]
            for day, one in read.items()
            for row in one.rows[CAMPAIGN_SPEND]
        } == {key: int(cost * 100) for key, cost in spending.items()}
        assert {
            table.name: {int(row["item_id"]): row["price_cents"] for row in rows}
            for table, rows in listed.items()
        } == {"menu_items": {number: int(price * 100) for number, price in prices.items()}}
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table spending")
        connection.exec_driver_sql("create table spending (day varchar(20), id text, cost text)")
    naive = r"dates in spending\.day of shop are VARCHAR"
    with pytest.raises(UnusableSales, match=naive), reading(settings, source):
        pass


@pytest.mark.parametrize("has_zone", [True, False])
def test_a_check_names_rows_without_a_usable_date_and_refunds_that_do_not_fit(
    address: str, settings: Settings, has_zone: bool
) -> None:
    shop, now = Shop(engine_of(address), has_zone), datetime(2026, 10, 24, 12)
    shop.create()
    shop.orders = {
        number: (at, 500, None)
        for number, at in enumerate((now, datetime(1999, 6, 1), datetime(2031, 6, 1)), 1)
    }
    shop.lines = {(number, 1): (1, 500) for number in (1, 2, 3, 9)}
    shop.refunds = {
        10: (1, now - timedelta(days=40), 300),
        11: (1, now, 201),
        12: (9, now, 1),
        13: (1, now + timedelta(hours=1), -601),
    }
    shop.write()
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("insert into sale (id, amount) values (4, 5)")
    source = source_of(address, time_zone=None if has_zone else "Europe/London")
    check = check_source(settings, source, 1, now)
    assert check.error is None
    assert check.survey
    assert [
        (left.table, left.reason.partition(",")[0], left.rows, *(row[:13] for row in left.examples))
        for left in sorted(check.survey.left_out, key=lambda left: (left.table, left.reason))
    ] == [
        ("order_items", "their order is missing", 1, "9: no value"),
        ("order_items", "time before 2000", 1, "2: 1999-06-01"),
        ("order_items", "time in the future", 1, "3: 2031-06-01"),
        ("orders", "time before 2000", 1, "2: 1999-06-01"),
        ("orders", "time in the future", 1, "3: 2031-06-01"),
        ("orders", "value that is no time", 1, "4: no value"),
    ]
    assert check.refund_faults == {
        "above its order": ["11"],
        "of no order": ["12"],
        "reversed beyond what was refunded": ["13"],
    }
    with reading(settings, source) as reader:  # a pull counts these rows, and names none
        counted = reader.survey(latest=date(2026, 10, 25), examples=0).left_out
    assert counted == [replace(left, examples=()) for left in check.survey.left_out]


def test_a_day_is_read_from_the_state_of_the_digests(address: str, settings: Settings) -> None:
    shop = Shop(engine_of(address), has_zone=True)
    shop.create()
    shop.change(random.Random(1))
    shop.write()
    with reading(settings, source_of(address)) as reader:
        days = [*reader.survey().days]
        shop.change(random.Random(2))
        shop.write()
        then = [reader.read_day(day) for day in days]
        assert [*reader.survey().days] == days
        assert [reader.read_day(day) for day in days] == then


def test_a_reader_cannot_write(address: str, settings: Settings) -> None:
    Shop(engine_of(address), has_zone=True).create()
    with (
        pytest.raises(ShopUnreachable, match=r"read.only|READ ONLY"),
        reading(settings, source_of(address)) as reader,
    ):
        reader._connection.exec_driver_sql("insert into sale (id) values (1)")  # type: ignore[attr-defined]


def test_what_cannot_be_read_is_named(address: str, settings: Settings) -> None:
    shop = Shop(engine_of(address), has_zone=False)
    shop.create()
    naive = r"times in sale\.sold_at of shop have no time zone"
    with pytest.raises(UnusableSales, match=naive), reading(settings, source_of(address)):
        pass
    source = source_of(address, time_zone="Europe/London")
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("alter table sale rename column note to remark")
    with (
        pytest.raises(UnusableSales, match="table sale of shop has no column note"),
        reading(settings, source),
    ):
        pass
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("alter table sale rename column remark to note")
        connection.exec_driver_sql("drop table sale_line")
    with pytest.raises(UnusableSales, match="no table sale_line"), reading(settings, source):
        pass


def test_a_wrong_login_and_a_stopped_server_differ(
    address: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD_OF_SHOP", "hidden-word")
    refused = source_of(
        address.replace("root@", "nobody@").replace("postgres@", "nobody@"),
        password_variable="PASSWORD_OF_SHOP",
    )
    with pytest.raises(ShopRefused) as error, reading(settings, refused):
        pass
    assert "hidden-word" not in str(error.value)
    lock = "role locked nologin" if "postgres" in address else "user locked@'%%' account lock"
    with engine_of(address).begin() as connection:
        connection.exec_driver_sql(f"create {lock}")
    locked = source_of(address.replace("root@", "locked@").replace("postgres@", "locked@"))
    with pytest.raises(ShopRefused), reading(settings, locked):
        pass
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "mssql://a:hidden-word@db/x")
    other = SalesSettings.model_validate(
        {**source_of(address).model_dump(), "url": "", "connection": "other"}
    )
    with pytest.raises(UnusableSales, match="must begin with") as wrong, reading(settings, other):
        pass
    assert "hidden-word" not in str(wrong.value)
    stopped = source_of("mysql://root@127.0.0.1:9/shop")
    with pytest.raises(ShopUnreachable, match="nothing is lost"), reading(settings, stopped):
        pass
