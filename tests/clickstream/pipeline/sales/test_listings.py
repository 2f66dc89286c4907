"""Tables of a source besides its orders: the lake has their rows, and each version of a listing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.faults import dying
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import Lake, athena, open_lake
from clickstream.lake.customer_secret import customer_secret
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.views import views_of
from clickstream.pipeline.publish.facts import source_versions
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.opening import rules_of
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.pipeline.sales.status import stored_listings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import CAMPAIGN_SPEND, CONSENTS

FIRST = date(2026, 11, 20)
NOW = datetime(2026, 12, 25, tzinfo=UTC)
HEADERS = {
    "menu_items": "item_id,name,category,price,cost,currency",
    "stores": "store_id,name,kind,latitude,longitude,country,region,city,time_zone,opened_on,"
    "closed_on",
    "campaign_spend": "event_date,platform,account,campaign_id,utm_source,utm_medium,utm_campaign,"
    "spend,currency,impressions,clicks",
    "consents": "customer,purpose,recorded_at,state,text_version",
}


class Shop:
    """The files of a source, and what it has."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.menu: dict[str, int] = {}
        self.stores: dict[str, str] = {}
        self.spend: dict[tuple[date, str], int] = {}
        self.consents: dict[tuple[str, date], str] = {}
        directory.mkdir()

    def change(self, chance: random.Random) -> None:
        """Change prices, the menu, a store, spending and consents; prices can change back."""
        self.menu[chance.choice("abcde")] = chance.choice((100, 150))
        self.stores[chance.choice("xy")] = chance.choice(("Ely", "London"))
        if chance.random() < 0.4:
            self.menu.pop(chance.choice(sorted(self.menu)))
        day = FIRST + timedelta(days=chance.randrange(3))
        self.spend[day, chance.choice("mn")] = chance.randrange(1000)
        self.consents[chance.choice(("Ana@x", "ben@x")), day] = chance.choice(("granted", "denied"))
        self.write()

    def write(self) -> None:
        rows = {
            "menu_items": [f"{n},Item {n},,{c / 100:.2f},," for n, c in self.menu.items()],
            "stores": [f"{n},,online,52.4,0.26,GB,,{city},,," for n, city in self.stores.items()],
            "campaign_spend": [
                f"{day},ads,,{n},,,,{c / 100:.2f},EUR,,7" for (day, n), c in self.spend.items()
            ],
            "consents": [
                f"{who},mail,{day}T09:00:00Z,{state},v1"
                for (who, day), state in self.consents.items()
            ],
        }
        for name, lines in rows.items():
            text = "\n".join([HEADERS[name], *lines]) + "\n"
            (self.directory / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def lake(local_aws: LocalAwsProcess, tmp_path: Path) -> Lake:
    return lake_with(local_aws, tmp_path, columns="generic", path=str(tmp_path / "shop"))


def lake_with(local_aws: LocalAwsProcess, directory: Path, **given: str) -> Lake:
    source = SalesSettings.model_validate(
        {"name": "shop", "kind": "csv", "currency": "EUR", **given}
    )
    settings = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    return open_lake(settings.model_copy(update={"sales": (source,)}), aws_session())


def pull(lake: Lake, today: date) -> None:
    [source] = lake.settings.sales
    for _ in pull_dates(lake, plan_pull(lake, source, NOW), "run"):
        pass
    pull_listings(lake, source, today, "run")


def rows(lake: Lake, table: Any) -> list[dict[str, Any]]:
    return iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pylist()


def valid_on(lake: Lake, view: str, columns: str, day: date) -> dict[str, Any]:
    question = f"""select {columns} from {view}
        where coalesce(valid_from <= date '{day}', true)
        and coalesce(valid_to > date '{day}', true)"""
    return dict(athena.query(lake, question).rows)


@pytest.mark.parametrize(
    "steps", [2, pytest.param(8, marks=pytest.mark.lake), pytest.param(25, marks=pytest.mark.deep)]
)
def test_every_version_is_that_of_its_date_after_any_edits(
    lake: Lake, tmp_path: Path, steps: int
) -> None:
    """Some days have several pulls; the last one counts.

    The first version of a row is also valid before its date, so rows that come later are left out.
    """
    shop, chance = Shop(tmp_path / "shop"), random.Random(steps)
    past: dict[date, tuple[dict[str, int], dict[str, str]]] = {}
    today = FIRST
    for _ in range(steps):
        today += timedelta(days=chance.randrange(3))
        shop.change(chance)
        pull(lake, today)
        pull(dying(lake, 0, after=False), today)  # a pull without changes writes nothing
        past[today] = (dict(shop.menu), dict(shop.stores))
    refresh_views(lake)
    seen: set[str] = set()
    for day, (menu, stores) in past.items():
        seen |= menu.keys() | stores.keys()
        for view, columns, rows_then in (
            ("menu_versions", "item_id, price_cents", menu),
            ("store_versions", "store_id, city", stores),
        ):
            found = valid_on(lake, view, columns, day)
            assert {one: value for one, value in found.items() if one in seen} == rows_then, day
    assert {
        (one["event_date"], one["campaign_id"]): one["spend_cents"]
        for one in rows(lake, CAMPAIGN_SPEND)
    } == shop.spend
    rules = replace(
        rules_of(lake.settings, lake.settings.sales[0]), customer_secret=customer_secret(lake)
    )
    assert {
        (one["customer_key"], one["event_date"]): one["state"] for one in rows(lake, CONSENTS)
    } == {(rules.customer_key(who), day): state for (who, day), state in shop.consents.items()}
    [stored] = stored_listings(lake, ["shop"])
    assert stored.lost == []
    assert stored.rows == {
        "menu_items": len(shop.menu),
        "stores": len(shop.stores),
        "demographics": 0,
    }


def test_versions_have_facts_however_long_ago_they_were_stored(lake: Lake, tmp_path: Path) -> None:
    """Other facts end with [dashboard] keep_days, but a version is valid until the next one."""
    shop = Shop(tmp_path / "shop")
    shop.change(random.Random(1))
    header = "place_id,name,country,region,year,measure,value"
    path = tmp_path / "shop/demographics.csv"
    path.write_text(f"{header}\n,Ely,GB,England,2021,people,20574\n", encoding="utf-8")
    pull(lake, FIRST)
    views = views_of(lake.settings, lake.settings.sql_directory)
    found = source_versions(lake, views, FIRST + timedelta(days=4000))
    assert {*found} == {("demographic_facts", FIRST), ("store_facts", FIRST)}
