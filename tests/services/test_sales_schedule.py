"""The lake has the rows of a shop after any faults: lost connections, kills, several processes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.changing_shop import MAP, Shop, engine_of, source_of
from tests.support.faults import Killed, dying
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.shop_databases import running_mariadb, running_postgresql

from clickstream.core.errors import ShopRefused, ShopUnreachable
from clickstream.lake import Lake, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.tables.sales import ORDER_ITEMS, ORDERS, REFUNDS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CONNECTIONS = {
    "mysql": ("select id from information_schema.processlist where user = 'reader'", "kill {}"),
    "postgresql": (
        "select pid from pg_stat_activity where usename = 'reader'",
        "select pg_terminate_backend({})",
    ),
}


@pytest.fixture(
    params=["mariadb", pytest.param("postgresql", marks=pytest.mark.deep)], scope="module"
)
def address(request, tmp_path_factory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("db")
    running = running_mariadb if request.param == "mariadb" else running_postgresql
    with running(directory) as found:
        yield found


def add_reader(engine: sa.Engine) -> None:
    """Add an account that may only read."""
    if engine.dialect.name == "mysql":
        statements = ["create user reader", f"grant select on {engine.url.database}.* to reader"]
    else:
        rights = "grant select on all tables in schema public to reader"
        statements = ["create role reader login", rights]
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@contextmanager
def lost_connections(engine: sa.Engine, chance: random.Random) -> Iterator[list[int]]:
    """End connections of the reader at any moment; the block gets the list of those that ended."""
    over, ended = threading.Event(), list[int]()
    find, end = CONNECTIONS[engine.dialect.name]

    def end_some() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not over.wait(chance.uniform(0.002, 0.4)):
                for (number,) in connection.exec_driver_sql(find).all():
                    with suppress(sa.exc.DBAPIError):
                        connection.exec_driver_sql(end.format(number))
                        ended.append(number)

    thread = threading.Thread(target=end_some)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def pull(lake: Lake, run: str) -> None:
    [source] = lake.settings.sales
    for _ in pull_dates(lake, plan_pull(lake, source, NOW), run):
        pass


def rows_of(lake: Lake) -> set[tuple[Any, ...]]:
    """Return the rows of the lake as those that the shop expects, with their dates."""

    def rows(table: Any) -> list[dict[str, Any]]:
        return iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pylist()

    return {
        *(
            (
                o["event_date"],
                "order",
                o["order_id"],
                o["ordered_at"],
                o["total_cents"],
                o["coupon"],
            )
            for o in rows(ORDERS)
        ),
        *(
            (i["event_date"], "line", i["order_id"], i["line"], i["quantity"], i["amount_cents"])
            for i in rows(ORDER_ITEMS)
        ),
        *(
            (
                *(r["event_date"], "refund", r["refund_id"], r["order_id"]),
                *(r["refunded_at"], r["amount_cents"]),
            )
            for r in rows(REFUNDS)
        ),
    }


@pytest.mark.parametrize("steps", [6, pytest.param(60, marks=pytest.mark.deep)])
def test_after_any_faults_the_lake_has_the_rows_of_the_shop(
    address: str, local_aws: LocalAwsProcess, tmp_path: Path, steps: int
) -> None:
    engine = engine_of(address)
    shop = Shop(engine, has_zone=False)
    shop.create()
    with suppress(sa.exc.DBAPIError):  # the account exists from an earlier case
        add_reader(engine)
    reader = address.replace("root@", "reader@").replace("postgres@", "reader@")
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    settings = settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")
    source = source_of(reader, time_zone="Europe/London")
    lake = open_lake(
        settings.model_copy(update={"sales": (source,), "directory": tmp_path}), aws_session()
    )
    chance, faults = random.Random(steps), 0
    for step in range(steps):
        shop.change(chance)
        shop.write()
        with lost_connections(engine, chance) as ended:
            for _ in range(2):
                try:
                    pull(dying(lake, chance.randrange(80), after=bool(step % 2)), f"f{step}")
                except (Killed, ShopUnreachable, ShopRefused):
                    faults += 1
        faults += len(ended) > 0
        if step % 3 == 2 or step == steps - 1:
            pull(lake, f"s{step}")
            expected = {(day, *row) for day, rows in shop.expected().items() for row in rows}
            assert rows_of(lake) == expected, step
    assert faults > steps / 2
