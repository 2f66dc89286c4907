"""The lake has the rows of a shop after any faults: lost connections, kills, several processes."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
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
from clickstream.lake.compared_dates import compared_dates, still_changed
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.proof.freshness import lake_freshness
from clickstream.pipeline.sales.older_dates import are_due, compare_older_dates
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.pipeline.sales.status import describe_comparison
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
    """Let an account read the tables of now; it may exist from an earlier case."""
    if engine.dialect.name == "mysql":
        account, rights = "create user reader", f"select on {engine.url.database}.*"
    else:
        account, rights = "create role reader login", "select on all tables in schema public"
    with suppress(sa.exc.DBAPIError), engine.begin() as connection:
        connection.exec_driver_sql(account)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"grant {rights} to reader")


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


def pull(lake: Lake, run: str, first: date | None = None, last: date | None = None) -> None:
    [source] = lake.settings.sales
    for _ in pull_dates(lake, plan_pull(lake, source, NOW, first, last), run):
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


def lake_of(address: str, aws: LocalAwsProcess, directory: Path, **given: object) -> Lake:
    (directory / "map.toml").write_text(MAP, encoding="utf-8")
    settings = settings_of_a_lake(aws.endpoint, directory / "logs")
    source = source_of(address, time_zone="Europe/London", **given)
    settings = settings.model_copy(update={"sales": (source,), "directory": directory})
    return open_lake(settings, aws_session())


@pytest.mark.parametrize("steps", [6, pytest.param(60, marks=pytest.mark.deep)])
def test_after_any_faults_the_lake_has_the_rows_of_the_shop(
    address: str, local_aws: LocalAwsProcess, tmp_path: Path, steps: int
) -> None:
    engine = engine_of(address)
    shop = Shop(engine, has_zone=False)
    shop.create()
    add_reader(engine)
    reader = address.replace("root@", "reader@").replace("postgres@", "reader@")
    lake = lake_of(reader, local_aws, tmp_path)
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


HORIZON = 8
"""Days; NOW is the first of November, so half of the shop's dates are older."""


def run_printed(lake: Lake, sentence: str) -> None:
    """Run the command at the end of a sentence."""
    command = re.search(r"clickstream sales pull shop --from (\S+) --to (\S+)$", sentence)
    assert command, sentence
    pull(lake, "by hand", *map(date.fromisoformat, command.groups()))


def expected_of(shop: Shop) -> dict[date, set[tuple[Any, ...]]]:
    return {day: {(day, *row) for row in rows} for day, rows in shop.expected().items()}


def by_date(rows: set[tuple[Any, ...]]) -> dict[date, set[tuple[Any, ...]]]:
    dates: dict[date, set[tuple[Any, ...]]] = {}
    for row in rows:
        dates.setdefault(row[0], set()).add(row)
    return dates


@pytest.mark.parametrize("steps", [5, pytest.param(40, marks=pytest.mark.deep)])
def test_after_edits_of_any_age_a_comparison_and_its_commands_give_the_rows_of_the_shop(
    address: str, local_aws: LocalAwsProcess, tmp_path: Path, steps: int
) -> None:
    """An order that moves from before the horizon to after it never counts twice."""
    shop, chance = Shop(engine_of(address), has_zone=False), random.Random(steps)
    shop.create()
    lake = lake_of(address, local_aws, tmp_path, horizon_days=HORIZON)
    [source] = lake.settings.sales
    since, moved, named = NOW.date() - timedelta(days=HORIZON), 0, 0
    for step in range(steps):
        shop.change(chance)
        shop.write()
        pull(lake, f"s{step}")
        now, then = by_date(rows_of(lake)), expected_of(shop)
        assert {d: r for d, r in now.items() if d >= since} == {
            d: r for d, r in then.items() if d >= since
        }
        differ = [d for d in sorted({*now, *then}) if now.get(d) != then.get(d)]
        older = compare_older_dates(lake, source, NOW)
        assert (older.changed, older.unread) == (([], tuple(differ)) if not step else (differ, ()))
        for day in older.moved:
            pull(lake, "moved", day, day)
        ids = [row[:3] for row in rows_of(lake) if row[1] == "order"]
        assert len({number for _, _, number in ids}) == len(ids)
        moved, named = moved + len(older.moved), named + len(older.changed)
        for sentence in [*older.sentences][bool(older.moved) :]:
            run_printed(lake, sentence)
        assert by_date(rows_of(lake)) == expected_of(shop), step
        assert still_changed(lake, "shop", compared_dates(lake, "shop")) == []
    assert moved
    assert named > moved


def test_an_old_edit_is_named_with_the_command_that_reads_it(
    address: str, local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    shop = Shop(engine_of(address), has_zone=False)
    shop.create()
    times = [datetime(2026, 10, 23, 12), datetime(2026, 10, 28, 12)]
    shop.orders = {number: (times[number % 2], 500, None) for number in range(1, 7)}
    shop.write()
    lake = lake_of(address, local_aws, tmp_path, horizon_days=HORIZON)
    [source] = lake.settings.sales
    pull(lake, "first")
    assert are_due(lake, source, NOW)
    [unread] = compare_older_dates(lake, source, NOW).sentences
    assert unread == (
        "shop: the lake lacks 1 date from 2026-10-23 to 2026-10-23, older than horizon_days. "
        "To read: clickstream sales pull shop --from 2026-10-23 --to 2026-10-23"
    )
    run_printed(lake, unread)
    assert [*describe_comparison(lake, "shop")] == [
        "shop: dates since 2026-10-24 compared with the source on 2026-11-01 00:00 UTC, older ones "
        "on 2026-11-01 00:00 UTC."
    ]
    shop.orders[2] = (times[0], 10_500, None)
    del shop.orders[4]
    shop.write()
    pull(lake, "an hour later")
    assert not are_due(lake, source, NOW + timedelta(days=6))
    assert are_due(lake, source, NOW + timedelta(days=7))
    assert by_date(rows_of(lake)) != expected_of(shop)
    compared = compare_older_dates(lake, source, NOW + timedelta(hours=1))
    [edited] = compared.sentences
    assert edited == (
        "shop: 1 date has changed at the source since the last read: 2026-10-23. "
        "To read again: clickstream sales pull shop --from 2026-10-23 --to 2026-10-23"
    )
    [problem] = [p for p in lake_freshness(lake, NOW).problems if p.kind == "edits"]
    assert problem.sentence == f"Sales of {edited} (CS-719)"
    assert [*describe_comparison(lake, "shop")][1:] == [edited]
    run_printed(lake, edited)
    assert by_date(rows_of(lake)) == expected_of(shop)
    assert [*describe_comparison(lake, "shop")][1:] == []
    assert not [p for p in lake_freshness(lake, NOW).problems if p.kind == "edits"]

    assert compared_dates(lake, "shop").compared_at(date(2026, 10, 23))
    other = source.model_copy(update={"currency": "USD"})
    [outdated] = compare_older_dates(lake, other, NOW).sentences
    assert outdated == (
        "shop: 1 date up to 2026-10-23 was read with other settings. To read again: "
        "clickstream sales pull shop --from 2026-10-23 --to 2026-10-23"
    )
    assert compared_dates(lake, "shop").compared_at(date(2026, 10, 23)) is None


def test_an_old_edit_that_was_undone_is_named_until_it_is_compared_again(
    address: str, local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    shop = Shop(engine_of(address), has_zone=False)
    shop.create()
    day = date(2026, 10, 23)
    shop.orders = {1: (datetime(2026, 10, 23, 12), 500, None)}
    shop.write()
    lake = lake_of(address, local_aws, tmp_path, horizon_days=HORIZON)
    [source] = lake.settings.sales
    pull(lake, "first", day, day)
    for cents, changed in ((600, [day]), (500, [])):
        shop.orders = {1: (datetime(2026, 10, 23, 12), cents, None)}
        shop.write()
        if not changed:
            plan_pull(lake, source, NOW, day, day)
            assert still_changed(lake, "shop", compared_dates(lake, "shop")) == []
        assert compare_older_dates(lake, source, NOW).changed == changed
