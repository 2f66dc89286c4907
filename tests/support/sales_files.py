"""Files of two shops in the layout `generic`, and pulls of them into a lake."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from tests.support.cafe_shops import readable_time

from clickstream.demo.cafe import CafeRules
from clickstream.demo.cafe.costs import costs_of
from clickstream.demo.cafe.shop import ShopState
from clickstream.lake import Lake
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.step_config import load_map

Row = Mapping[str, object]
_HEADERS = {name: one.all_columns for name, one in load_map("generic", Path()).tables.items()}
PRICES = (350, 420, 275, 1290)
CUSTOMERS = ("", "ana@mail.example", "ben@mail.example", "cem@mail.example")


def with_sales(settings: Settings, directory: Path, names: Sequence[str]) -> Settings:
    """Return settings with sources of files, each in a folder of its name."""
    sources = [
        SalesSettings(
            name=name, kind="csv", columns="generic", currency="EUR", path=str(directory / name)
        )
        for name in names
    ]
    return settings.model_copy(update={"sales": tuple(sources)})


def write_sales(directory: Path, days: Sequence[date], orders: int, seed: int = 5) -> None:
    """Write orders, their lines, some refunds, spending and consents of each date, and a menu.

    All of them reconcile.
    """
    chance = random.Random(seed)
    rows: dict[str, list[Row]] = {name: [] for name in _HEADERS}
    for day in days:
        for number in range(orders):
            _add_order(rows, f"{day:%m%d}-{number}", day, chance)
        rows["campaign_spend"] += [
            {"event_date": day, "platform": "google", "campaign_id": name, "spend": "12.50"}
            | {"utm_source": "google", "utm_campaign": tag, "clicks": 3}
            for name, tag in (("cakes", "Cakes-near-me"), ("coffee", ""))
        ]
        at = f"{day}T08:00Z"
        rows["consents"] += [
            {"customer": name, "purpose": "mail", "recorded_at": at, "state": "granted"}
            for name in ("ana@mail.example", "ben@mail.example")
        ]
    rows["menu_items"] = [
        {"item_id": f"item-{cents}", "name": "Cake", "price": _units(cents)} for cents in PRICES
    ]
    directory.mkdir(exist_ok=True)
    for name, some in rows.items():
        write_rows(directory / f"{name}.csv", name, some)


def _add_order(rows: dict[str, list[Row]], name: str, day: date, chance: random.Random) -> None:
    at = datetime.combine(day, time(), UTC) + timedelta(seconds=chance.randrange(86_400))
    prices = chance.choices(PRICES, k=chance.randint(1, 3))
    tip = chance.choice((0, 0, 50))
    rows["order_items"] += [
        {"order_id": name, "line": line, "quantity": 1, "amount": _units(cents)}
        | {"item_id": f"item-{cents}", "name": f"Cake for {_units(cents)}"}
        for line, cents in enumerate(prices, 1)
    ]
    order = {"order_id": name, "ordered_at": at.isoformat(), "status": "paid"}
    order["customer"] = CUSTOMERS[sum(prices) % len(CUSTOMERS)]
    total = _units(sum(prices) + tip)
    rows["orders"].append({**order, "tip": _units(tip), "total": total, "currency": "EUR"})
    if chance.random() < 0.1:
        refund = {"refund_id": f"r-{name}", "order_id": name, "refunded_at": at.isoformat()}
        rows["refunds"].append({**refund, "amount": _units(prices[0]), "currency": "EUR"})


def write_shop(directory: Path, state: ShopState) -> None:
    """Write the orders, their lines and the refunds of the simulated café's shop."""
    rows: dict[str, list[Row]] = {"orders": [], "order_items": [], "refunds": []}
    for one in state.orders.values():
        rows["orders"].append(
            {
                "order_id": one.number,
                "ordered_at": f"{readable_time(one.ordered_at).isoformat()}Z",
                "sold_by": one.sold_by,
                "status": one.status,
                "discount": _units(one.discount_cents),
                "tip": _units(one.tip_cents),
                "total": _units(one.total_cents),
                "customer": one.customer,
                "coupon": one.coupon,
            }
        )
        rows["order_items"] += [
            {
                "order_id": one.number,
                "line": number,
                "item_id": line.item_id,
                "name": line.name,
                "quantity": line.quantity,
                "price": _units(line.price_cents),
                "discount": _units(line.discount_cents),
                "amount": _units(line.amount_cents),
            }
            for number, line in enumerate(one.lines, 1)
        ]
    rows["refunds"] = [
        {
            "refund_id": one.number,
            "order_id": one.order_number,
            "line": one.line,
            "refunded_at": f"{readable_time(one.refunded_at).isoformat()}Z",
            "kind": one.kind,
            "amount": _units(one.amount_cents),
        }
        for one in state.refunds.values()
    ]
    directory.mkdir(exist_ok=True)
    for name, some in rows.items():
        write_rows(directory / f"{name}.csv", name, some)


def write_costs(directory: Path, rules: CafeRules, days: Sequence[date]) -> None:
    """Write what the campaigns of the simulated café cost on some dates."""
    rows = [one._asdict() for day in days for one in costs_of(rules, day)]
    write_rows(directory / "campaign_spend.csv", "campaign_spend", rows)


def write_rows(path: Path, table: str, rows: Sequence[Row]) -> None:
    """Write a file with all columns of a table of the layout."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _HEADERS[table])
        writer.writeheader()
        writer.writerows(rows)


def _units(cents: int) -> str:
    return f"{cents / 100:.2f}"


def pull_sales(lake: Lake, now: datetime) -> int:
    """Pull all dates that differ, and return their number."""
    number = 0
    for source in lake.settings.sales:
        number += len([*pull_dates(lake, plan_pull(lake, source, now), "tests")])
        pull_listings(lake, source, now.date(), "tests")
    return number


def break_sales(directory: Path, rejected: date, differing: date) -> None:
    """Make the first order of a date a reject, and change the total of another date's."""
    path = directory / "orders.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"{rejected:%m%d}-0,"):
            lines[number] = line.replace("EUR", "USD")
        elif line.startswith(f"{differing:%m%d}-0,"):
            head, total, rest = _around_total(line)
            lines[number] = f"{head}{float(total) + 1:.2f}{rest}"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _around_total(line: str) -> tuple[str, str, str]:
    place = [*_HEADERS["orders"]].index("total")
    cells = line.split(",")
    return ",".join(cells[:place]) + ",", cells[place], "," + ",".join(cells[place + 1 :])
