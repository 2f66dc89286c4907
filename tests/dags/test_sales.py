"""The DAG of sales with a real local AWS and a real Airflow, from a shop's files to tables."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.clickstream.pipeline.sales.test_pull import MAP, rows_of_lake, rows_of_sources
from tests.support.command_line import run_command
from tests.support.dag_runs import states
from tests.support.lake_settings import ROOT
from tests.support.localaws_process import LocalAwsProcess

pytestmark = pytest.mark.airflow

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
MENU = """
[menu_items]
files = "menu*.csv"
[menu_items.columns]
item_id = "id"
price = "price"
"""
STEPS = ("pull_sales", "check_day", "register_tables")


@pytest.fixture
def shop(home: Path) -> Path:
    """The settings have a source of files, and a database whose connection does not answer."""
    sources = "".join(
        f"""
        [[sales]]
        name = "{name}"
        kind = "csv"
        columns = "map.toml"
        currency = "EUR"
        path = "{name}"
        """
        for name in ("till", "web")
    )
    path = home / "clickstream.toml"
    path.write_text(path.read_text(encoding="utf-8") + sources, encoding="utf-8")
    (home / "map.toml").write_text(MAP + MENU, encoding="utf-8")
    (home / "till").mkdir()
    (home / "till" / "menu.csv").write_text("id,price\nlatte,3.50\n", encoding="utf-8")
    for name in ("till", "web"):
        (home / name).mkdir(exist_ok=True)
        orders = [f"{name}-{day},2026-11-{day}T12:00:00Z,{day}.00" for day in (20, 21)]
        items = [f"{name}-{day},1,{day}.00" for day in (20, 21)]
        text = "\n".join(["id,at,total", *orders])
        (home / name / "orders.csv").write_text(text, encoding="utf-8")
        (home / name / "items.csv").write_text("\n".join(["order,quantity,amount", *items]))
    return home


@pytest.fixture
def dag(airflow_home, shop, monkeypatch) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    from clickstream_airflow.defaults import DEFAULT_ARGS

    monkeypatch.setitem(DEFAULT_ARGS, "retries", 0)
    return DagBag(dag_folder=ROOT / "dags" / "clickstream_sales.py").dags["clickstream_sales"]


def open_lake() -> Any:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def steps_of(run) -> set[str]:
    """Return the names of the dates that a run replaced."""
    found = states(run)
    return {name for task, name in found if task == f"replace_date.{STEPS[-1]}" and name}


@pytest.mark.lake
def test_a_run_replaces_what_differs_and_a_shop_that_is_down_fails_it_alone(
    dag, shop: Path, local_aws: LocalAwsProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="clickstream")
    first = dag.test(logical_date=AT)
    assert first.state == "success"
    assert steps_of(first) == {f"2026-11-{day} of {name}" for day in (20, 21) for name in NAMES}
    lake = open_lake()
    assert rows_of_lake(lake) == rows_of_sources(lake)
    assert "2026-11-20 of till: 1 order, 0 refunds, gross 20.00 EUR." in caplog.text
    assert "till: 1 menu item (1 changed)." in caplog.text
    assert "web: no table without dates differs." in caplog.text

    assert_commands_match_what_is_not_matched(shop, {**os.environ, **local_aws.environment()})

    orders = shop / "web" / "orders.csv"
    orders.write_text(orders.read_text(encoding="utf-8").replace("21.00", "22.50"))
    (shop / "till" / "orders.csv").write_text("id,at\n", encoding="utf-8")
    second = dag.test(logical_date=AT.replace(hour=11))
    assert second.state == "failed"
    assert steps_of(second) == {"2026-11-21 of web"}
    found = states(second)
    assert found["compare_source", "till"] == "failed"
    assert found["every_source_compared", ""] == "upstream_failed"
    assert "orders.csv of till has no column total" in caplog.text
    cents = [row for row in rows_of_lake(lake)["orders"] if "2250" in row]
    assert len(cents) == 1


NAMES = ("till", "web")


def assert_commands_match_what_is_not_matched(shop: Path, environment: Mapping[str, str]) -> None:
    """After a run nothing is left to match; with `--all` a date is compared with its rows again."""

    def match(*options: str) -> CompletedProcess[str]:
        return run_command(("sales", "match", *options), shop, environment)

    done = match("--dry-run")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "No date needs its orders matched.\n",
        "",
    )
    day = ("--from", "2026-11-20", "--to", "2026-11-20", "--all")
    planned = match(*day, "--dry-run").stdout
    assert planned == "Dates whose orders are to be matched: 2026-11-20.\n"
    matched = match(*day)
    assert matched.returncode == 0, matched.stderr
    assert "2026-11-20: 0 of 2 orders matched, 0 confirmation views, unchanged." in matched.stdout
    wrong = match("--from", "2026-11-21", *day[2:4])
    assert wrong.returncode != 0
    assert "--from 2026-11-21 is after --to 2026-11-20." in wrong.stderr


@pytest.mark.deep
def test_a_run_of_a_form_replaces_its_dates_only(dag) -> None:
    run = dag.test(logical_date=AT.replace(hour=12), run_conf={"from": "2026-11-21"})
    assert steps_of(run) == {f"2026-11-21 of {name}" for name in NAMES}
    again = dag.test(logical_date=AT.replace(hour=13), run_conf={"to": "2026-11-21"})
    assert steps_of(again) == {f"2026-11-20 of {name}" for name in NAMES}
    wrong = dag.test(
        logical_date=AT.replace(hour=14), run_conf={"from": "2026-11-22", "to": "2026-11-21"}
    )
    assert wrong.state == "failed"


def test_without_sales_a_run_does_nothing(dag, shop: Path) -> None:
    path = shop / "clickstream.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.partition("[[sales]]")[0].rstrip() + "\n", encoding="utf-8")
    run = dag.test(logical_date=AT.replace(hour=15))
    assert run.state == "success"
    assert states(run)["list_sources", ""] == "success"
    assert steps_of(run) == set()


def test_the_address_of_a_connection_reaches_only_the_driver(
    dag, shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = shop / "clickstream.toml"
    source = 'name = "db"\nkind = "sql"\ncolumns = "cafe-lab"\ncurrency = "EUR"\n'
    text = path.read_text(encoding="utf-8").partition("[[sales]]")[0].rstrip()
    path.write_text(f'{text}\n[[sales]]\n{source}connection = "shop_db"\n', encoding="utf-8")
    facts = {"conn_type": "mysql", "host": "127.0.0.1", "port": 9, "login": "reader"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({**facts, "password": "word-of-shop"}))
    run = dag.test(logical_date=AT.replace(hour=16))
    assert states(run)["compare_source", "db"] == "failed"
    assert "CS-801" in caplog.text
    assert "word-of-shop" not in caplog.text
    monkeypatch.delenv("AIRFLOW_CONN_SHOP_DB")
    run = dag.test(logical_date=AT.replace(hour=17))
    assert "Airflow has no connection shop_db" in caplog.text
