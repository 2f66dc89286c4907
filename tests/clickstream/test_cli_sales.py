"""`clickstream sales check` on files of a shop: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import tomllib
from datetime import datetime
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.support.cases import each_case
from tests.support.command_line import run_command

from clickstream.cli.sales import show_check
from clickstream.core.terminal import SafeConsole
from clickstream.pipeline.sales.check import check_source
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings

SETTINGS = """
[[sales]]
name = "online"
kind = "csv"
columns = "shopify"
currency = "EUR"
path = "exports"

[[sales]]
name = "shop"
kind = "sql"
columns = "cafe-lab"
currency = "USD"
url = "mysql://reader@127.0.0.1:9/cafe"
password_variable = "SHOP_PASSWORD"
"""

HEADER = (
    "Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
    "Billing Name,Location,Refunded Amount,Source"
)
AT = "2026-11-20 10:00:00 +0100"
EXPORT = f"""{HEADER}
#1,a@x.example,paid,EUR,9.00,2.00,1.10,12.10,,0.00,{AT},2,Latte,3.50,L,Ana,,0.00,web
#1,,,,,,,,,,{AT},2,Donut,1.00,D,,,,
#2,b@x.example,refunded,EUR,3.00,0,0,3.00,,0.00,{AT},1,Muffin,3.00,M,Ben,,3.00,pos
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clickstream.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders_export.csv").write_text(EXPORT, encoding="utf-8")
    return tmp_path


BARE = """
title = 'x'
{map}
[orders]
files = 'orders*.csv'
[orders.columns]
order_id = 'id'
ordered_at = 'at'
total = 'total'
[refunds]
files = 'back*.csv'
[refunds.columns]
refund_id = 'id'
order_id = 'sale'
refunded_at = 'at'
amount = 'amount'
"""
CASES = tomllib.loads((Path(__file__).parent / "sales_check_cases.toml").read_text("utf-8"))


@each_case("case", CASES["cases"])
def test_a_check_says_what_is_wrong_where_and_what_to_do(tmp_path: Path, case: Any) -> None:
    """Also in a narrow terminal or a pipe, where nothing is cut."""
    for name, text in {
        "map.toml": BARE.format(map=case.get("map", "")),
        "orders.csv": f"id,at,total\n{case['order']}\n",
        "back.csv": f"id,sale,at,amount\n{case.get('refunds', '')}\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    given = {"name": "till", "kind": "csv", "columns": "map.toml", "currency": "EUR", "path": "."}
    source = SalesSettings.model_validate({**given, **case.get("settings", {})})
    console = SafeConsole(file=StringIO(), width=40)
    found = check_source(Settings(directory=tmp_path), source, 7, datetime(2026, 12, 1))
    show_check(found, console)
    assert case["expected"] in console.file.getvalue()  # type: ignore[attr-defined]
    words = ("left out", "rejected", "decimals", "none. Set")
    assert found.has_problems == any(word in case["expected"] for word in words)


def check(folder: Path, *arguments: str, **environment: str) -> CompletedProcess[str]:
    return run_command(("sales", "check", *arguments), folder, {**os.environ, **environment})


def test_an_export_of_shopify_reconciles(folder: Path) -> None:
    done = check(folder, "online")
    assert done.returncode == 0, done.stderr
    assert "1 date from 2026-11-20 to 2026-11-20: 2 orders, 3 order items, 1 refund" in done.stdout
    assert "2 paid orders, gross 15.10, refunds 3.00, net 12.10 EUR" in done.stdout
    assert "The parts of every order give its total." in done.stdout


def test_a_wrong_total_and_a_bad_row_are_named_and_the_exit_code_is_1(folder: Path) -> None:
    text = EXPORT.replace("12.10", "12.60").replace("EUR,3.00", "USD,3.00")
    (folder / "exports" / "orders_export.csv").write_text(text, encoding="utf-8")
    done = check(folder, "online")
    assert done.returncode == 1
    assert "1 order whose parts do not give the total: #1 by 0.50." in done.stdout
    assert "amount in USD, and the currency is EUR in the column Currency (#2)" in done.stdout
    [found] = json.loads(check(folder, "online", "--json").stdout)
    assert found["differences"] == [{"order_id": "#1", "cents": 50}]
    assert found["totals"]["net_cents"] == 1260
    assert {one["table"] for one in found["rejects"]} == {"orders", "order_items", "refunds"}


def test_an_export_of_orders_alone_has_no_problem_and_says_what_is_not_checked(
    folder: Path,
) -> None:
    (folder / "clickstream.toml").write_text(
        SETTINGS.replace('"shopify"', '"bare.toml"'), encoding="utf-8"
    )
    (folder / "bare.toml").write_text(
        "title = 'x'\namounts = 'hundredths'\n[orders]\nfiles = 'orders*.csv'\n[orders.columns]\n"
        "order_id = 'id'\nordered_at = 'at'\ntotal = 'total'\n",
        encoding="utf-8",
    )
    text = f"id,at,total\n1,{AT},1500\n2,{AT},900\n"
    (folder / "exports" / "orders_export.csv").write_text(text, encoding="utf-8")
    done = check(folder, "online")
    assert done.returncode == 0, done.stdout
    assert "2 paid orders, gross 24.00" in done.stdout
    assert (
        "Not checked whether parts give the total: the source has none of 2 orders." in done.stdout
    )
    assert "every order" not in done.stdout


def test_spending_and_tables_without_dates_are_shown(folder: Path) -> None:
    settings = SETTINGS.replace('"shopify"', '"generic"')
    (folder / "clickstream.toml").write_text(settings, encoding="utf-8")
    files = {
        "campaign_spend": "event_date,platform,account,campaign_id,utm_source,utm_medium,"
        "utm_campaign,spend,currency,impressions,clicks\n2026-11-20,ads,,c1,,,,12.50,,,\n",
        "menu_items": "item_id,name,category,price,cost,currency\n"
        "L,Latte,,3.50,,\nD,Donut,,1,,USD\n",
    }
    (folder / "exports" / "orders_export.csv").unlink()
    for name, text in files.items():
        (folder / "exports" / f"{name}.csv").write_text(text, encoding="utf-8")
    done = check(folder, "online")
    assert done.returncode == 1
    assert "1 date from 2026-11-20 to 2026-11-20: 1 row of campaign_spend." in done.stdout
    assert "net 0.00, spending 12.50 EUR" in done.stdout
    assert "Without dates: 1 menu item." in done.stdout
    assert "1 row of menu_items rejected: amount in USD" in done.stdout


def test_a_shop_that_is_down_does_not_hide_the_others(folder: Path) -> None:
    done = check(folder, SHOP_PASSWORD="secret-word")
    assert done.returncode == 1
    assert "net 12.10 EUR" in done.stdout
    assert "mysql://reader@127.0.0.1/cafe" in done.stdout
    assert "CS-801" in done.stdout
    assert "secret-word" not in done.stdout + done.stderr
    assert "SHOP_PASSWORD" in check(folder, "shop").stdout


def test_wrong_settings_name_the_line_and_what_to_write(folder: Path) -> None:
    path = folder / "clickstream.toml"
    wrong = {
        'currency = "EUR"': ('currency = "KWD"', "has thousandths"),
        'path = "exports"': ("", "set path, the directory of its files"),
        "reader@": ("reader:pw@", "its url has a password"),
        'name = "shop"': ('name = "online"', "two sources named online"),
        'kind = "sql"': ('kind = "csv"', "url needs kind = 'sql'"),
    }
    for right, (changed, complaint) in wrong.items():
        path.write_text(SETTINGS.replace(right, changed), encoding="utf-8")
        done = check(folder)
        assert done.returncode == 1
        assert complaint in done.stderr.replace("\n", " ")
    path.write_text("", encoding="utf-8")
    assert "add a [[sales]] section" in check(folder).stderr
