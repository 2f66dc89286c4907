"""The DAG of sales with a real local AWS and a real Airflow, from a shop's files to tables."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.clickstream.pipeline.sales.test_pull import MAP, rows_of_lake, rows_of_sources
from tests.support.command_line import run_command
from tests.support.dag_runs import read_dag, states
from tests.support.localaws_process import LocalAwsProcess
from tests.support.task_calls import Call, build_run, call_task

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("few_views")]

SALES = "clickstream_sales"
AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
MENU = """
[menu_items]
files = "menu*.csv"
[menu_items.columns]
item_id = "id"
price = "price"
"""
NAMES = ("till", "web")


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
        for name in NAMES
    )
    path = home / "clickstream.toml"
    path.write_text(path.read_text(encoding="utf-8") + sources, encoding="utf-8")
    (home / "map.toml").write_text(MAP + MENU, encoding="utf-8")
    (home / "till").mkdir()
    (home / "till" / "menu.csv").write_text("id,price\nlatte,3.50\n", encoding="utf-8")
    for name in NAMES:
        (home / name).mkdir(exist_ok=True)
        orders = [f"{name}-{day},2026-11-{day}T12:00:00Z,{day}.00" for day in (20, 21)]
        items = [f"{name}-{day},1,{day}.00" for day in (20, 21)]
        text = "\n".join(["id,at,total", *orders])
        (home / name / "orders.csv").write_text(text, encoding="utf-8")
        (home / name / "items.csv").write_text("\n".join(["order,quantity,amount", *items]))
    return home


@pytest.fixture
def call(bag, shop, caplog) -> Callable[..., Call]:
    """Return a function that calls a task, by default in a run without a form."""
    caplog.set_level(logging.INFO, logger="clickstream")

    def call_by_name(task_id: str, run: Any = None, **arguments: Any) -> Call:
        task = bag.dags[SALES].get_task(task_id)
        return call_task(task, run or build_run(run_id="tests"), arguments)

    return call_by_name


def open_lake() -> Any:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def steps_of(run) -> set[str]:
    """Return the names of the batches of dates that a run replaced."""
    found = states(run)
    return {name for task, name in found if task == "replace_dates.register_tables" and name}


@pytest.mark.lake
def test_a_run_replaces_what_differs_and_a_shop_that_can_not_be_read_fails_alone(
    airflow_home,
    shop: Path,
    local_aws: LocalAwsProcess,
    call: Callable[..., Call],
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = read_dag(SALES).test(logical_date=AT)
    assert run.state == "success"
    assert steps_of(run) == {f"2026-11-20 to 2026-11-21 of {name}" for name in NAMES}
    lake = open_lake()
    assert rows_of_lake(lake) == rows_of_sources(lake)
    assert "2026-11-20 of till: 1 order, 0 refunds, gross 20.00 EUR." in caplog.text
    assert "till: 1 menu item (1 changed)." in caplog.text
    assert "web: no table without dates differs." in caplog.text

    environment = {**os.environ, **local_aws.environment()}
    assert_commands_match_what_is_not_matched(shop, environment)
    compared = run_command(("sales", "compare"), shop, environment)
    equal = "till: the lake has all 2 dates.\nweb: the lake has all 2 dates.\n"
    assert (compared.returncode, compared.stdout) == (0, equal)

    orders = shop / "web" / "orders.csv"
    orders.write_text(orders.read_text(encoding="utf-8").replace("21.00", "22.50"))
    (shop / "till" / "orders.csv").write_text("id,at\n", encoding="utf-8")
    compared = run_command(("sales", "compare"), shop, environment)
    assert (compared.returncode, compared.stdout) == (1, "web: 1 date to pull: 2026-11-21.\n")
    assert "orders.csv of till has no column total" in compared.stderr
    broken = call("compare_source", source="till")
    assert "orders.csv of till has no column total" in broken.last_line
    compared = call("compare_source", source="web").result
    (batch,) = call("dates_to_replace", differing=[compared]).result
    assert batch == {"source": "web", "name": "2026-11-21 of web", "days": ["2026-11-21"]}
    staged = call("replace_dates.pull_sales", batch=batch).result
    checked = call("replace_dates.check_rows", staged=staged).result
    assert call("replace_dates.register_tables", staged=checked).state == "success"
    cents = [row for row in rows_of_lake(lake)["orders"] if "2250" in row]
    assert len(cents) == 1


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


def test_a_form_and_a_backfill_name_the_dates_to_compare(call: Callable[..., Call]) -> None:
    def dates(run: Any) -> list[str]:
        compared = call("compare_source", run, source="till")
        assert compared.state == "success"
        return [day for batch in compared.result for day in batch["days"]]

    assert dates(build_run()) == ["2026-11-20", "2026-11-21"]
    assert dates(build_run(conf={"from": "2026-11-21"})) == ["2026-11-21"]
    assert dates(build_run(conf={"to": "2026-11-20"})) == ["2026-11-20"]
    assert call("compare_older_dates", source="till").result == []  # files have no horizon
    begin = datetime(2026, 11, 20, tzinfo=UTC)
    assert dates(build_run("backfill", data_interval_start=begin)) == ["2026-11-20"]
    wrong = build_run(conf={"from": "2026-11-22", "to": "2026-11-21"})
    assert call("compare_source", wrong, source="till").state == "failed"


def test_without_sales_a_run_does_nothing(call: Callable[..., Call], shop: Path) -> None:
    path = shop / "clickstream.toml"
    path.write_text(path.read_text(encoding="utf-8").partition("[[sales]]")[0].rstrip() + "\n")
    assert call("list_sources").result == []
    assert call("match_orders", replaced=[]).state == "skipped"


def test_the_address_of_a_connection_reaches_only_the_driver(
    call: Callable[..., Call],
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = shop / "clickstream.toml"
    source = 'name = "db"\nkind = "sql"\ncolumns = "cafe-lab"\ncurrency = "EUR"\n'
    text = path.read_text(encoding="utf-8").partition("[[sales]]")[0].rstrip()
    path.write_text(f'{text}\n[[sales]]\n{source}connection = "shop_db"\n', encoding="utf-8")
    facts = {"conn_type": "mysql", "host": "127.0.0.1", "port": 9, "login": "reader"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({**facts, "password": "word-of-shop"}))
    failed = call("compare_source", source="db")
    assert "CS-801" in failed.last_line
    assert "word-of-shop" not in failed.last_line + caplog.text
    monkeypatch.delenv("AIRFLOW_CONN_SHOP_DB")
    assert "Airflow has no connection shop_db" in call("compare_source", source="db").last_line
