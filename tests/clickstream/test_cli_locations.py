"""`clickstream locations` on a lake whose views and tables have the orders of some towns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.support.command_line import CommandLine
from tests.support.lakes import aws_session
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import athena, open_lake
from clickstream.settings import AwsSettings, LakeSettings, Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import ORDERS

LAST = datetime.now(UTC).date() - timedelta(days=1)
FIRST = LAST - timedelta(days=111)
BUCKET = "places-of-the-cafe"
SETTINGS = f"""
[lake]
bucket = "{BUCKET}"
[[sales]]
name = "shop"
kind = "csv"
columns = "generic"
currency = "GBP"
path = "sales"
"""
TOWNS = 16
EVERY = np.arange(TOWNS)
LATITUDES, LONGITUDES = 52 + EVERY // 4 * 0.3, 0.5 * (EVERY % 4)
PEOPLE = 50_000 + EVERY * 7919 % 90_000
NUMBERS = PEOPLE // 1000 * np.where(EVERY % 3, 1, 4)  # a third of the towns orders 4 times as much
CANDIDATES = """\
name,place,rent,opening_cost,margin,currency
Busy,"Town 15, England, GB",20,360,0.4,GBP
Quiet,"Town 14, England, GB",15,,0.4,
Sea,,,,,
Abroad,"Town 13, England, GB",300,,0.4,CHF
"""

_PLACE = "'Town ' || cast(town as varchar) as city, 'England' as region, 'GB' as country"
_TOWNS = ", ".join(
    f"({n}, {people}, {orders}, {latitude:.1f}, {longitude:.1f})"
    for n, people, orders, latitude, longitude in zip(
        *(EVERY, PEOPLE, NUMBERS, LATITUDES, LONGITUDES), strict=True
    )
)
_ORDERS = f"""
select
    'shop' as sales_source,
    cast(town * 1000 + n as varchar) as order_id,
    {_PLACE},
    'web' as sold_by,
    if(n % 3 = 0, 'desktop', 'mobile') as device,
    950 as total_cents,
    date_add('day', (n * 13 + town) % 112, date '{FIRST}') as event_date
from (values {_TOWNS}) as t (town, people, orders, latitude, longitude)
cross join unnest(sequence(1, orders)) as u (n)
"""
VIEWS = {
    "order_facts": _ORDERS,
    "place_facts": f"""
select {_PLACE}, 10 as requests, latitude, longitude, date '{LAST}' as event_date
from (values {_TOWNS}) as t (town, people, orders, latitude, longitude)
""",
    "demographic_versions": f"""
select
    'GB' as country, 'England' as region, 'Town ' || cast(town as varchar) as name,
    'people' as measure, 2021 as year, cast(people as double) as value,
    cast(null as date) as valid_to
from (values {_TOWNS}) as t (town, people, orders, latitude, longitude)
""",
    "store_versions": """
select
    'shop' as sales_source, store_id, name, 'café' as kind, latitude, longitude,
    cast(null as date) as closed_on, cast(null as date) as valid_to
from (
    values ('north', 'North', 52.9e0, 0.0e0), ('south', 'South', 52.0e0, 0.0e0)
) as t (store_id, name, latitude, longitude)
""",
}


def create_market(endpoint: str) -> None:
    """Create views of arithmetic instead of tables, and the stores of orders in their table."""
    shop = SalesSettings(name="shop", kind="csv", columns="generic", currency="GBP", path="sales")
    settings = Settings(
        lake=LakeSettings(bucket=BUCKET),
        aws=AwsSettings(endpoint_url=endpoint, region="us-east-1"),
        sales=(shop,),
    )
    lake = open_lake(settings, aws_session())
    for name, select in VIEWS.items():
        athena.query(lake, f"create or replace view {name} as {select}")
    table = lake.catalog.load_table((lake.database, "orders"))
    orders = athena.query(lake, "select order_id, event_date from order_facts").rows
    table.append(pa.Table.from_pylist([order_row(*one) for one in orders], ORDERS.arrow_schema()))


def order_row(order_id: str, day: date) -> dict[str, Any]:
    """A row of orders: half of those of the towns close to a café were picked up there."""
    town, number = divmod(int(order_id), 1000)
    picked_up_in = {0: "south", 12: "north"}.get(town) if number % 2 else None
    at = datetime(day.year, day.month, day.day)
    values = {"string": "", "long": 0, "boolean": False, "date": day, "timestamp": at}
    required = {one.name: values[one.type] for one in ORDERS.columns if one.required}
    own = {"order_id": order_id, "store_id": picked_up_in, "sales_source": "shop"}
    return required | {"event_date": day, "hour_at": at} | own


class Shell(CommandLine):
    """Runs `clickstream locations` beside the settings and the file of candidates."""

    def write(self, candidates: str) -> None:
        (self.directory / "candidates.csv").write_text(candidates, encoding="utf-8")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    directory = tmp_path_factory.mktemp("locations")
    with LocalAwsProcess(directory / "aws") as aws:
        create_market(aws.endpoint)
        yield Shell("locations", directory, SETTINGS, aws, columns=160)


def rows_of(text: str) -> Sequence[dict[str, str]]:
    return [*csv.DictReader(text.splitlines())]


def test_a_plan_ranks_candidates_and_says_what_it_cannot_know(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("plan")
    assert done.returncode == 1  # of the rows that can't be used
    assert "Line 4, Sea: it has no coordinates" in done.stderr
    assert "Line 5, Abroad: its amounts are in CHF, and the sales in GBP" in done.stderr
    assert "Busy is the first of 2 by the money that they earn" in done.stdout
    assert "breaks even" in done.stdout
    assert "Not known: people who pass by" in done.stdout
    assert "Beats people alone: of " in done.stdout
    assert "The orders of your cafés show that" in done.stdout
    assert "orders on desktops count as those of fixed lines" in done.stdout


def test_the_plan_as_json_has_the_intervals(shell: Shell) -> None:
    shell.write("\n".join(CANDIDATES.splitlines()[:3]).replace(",15,", ",,"))
    done = shell.run("plan", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    busy, quiet = found["candidates"]
    assert (busy["name"], quiet["name"]) == ("Busy", "Quiet")
    assert busy["orders"]["low"] < busy["orders"]["middle"] < busy["orders"]["high"]
    assert 0 <= busy["break_even"] <= 1
    assert (quiet["result_cents"], quiet["break_even"]) == (None, None)
    assert found["beats_people_alone"]
    assert found["distance_km"]["is_fitted"]
    assert not found["is_by_money"]
    assert "Money is shown only for candidates with a rent and a margin." in found["notes"]


def test_an_explanation_has_the_towns_and_the_own_cafes(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("explain", "Busy")
    assert done.returncode == 0, done.stderr
    assert "Town 15, England, GB" in done.stdout
    assert "The café North loses about" in done.stdout
    found = json.loads(shell.run("explain", "Busy", "--json").stdout)
    assert found["towns"][0]["name"] == "Town 15, England, GB"
    assert found["orders"] > sum(found["from_own_cafes"].values())


def test_an_unknown_candidate_is_named_with_those_of_the_file(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("explain", "Bussy")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no candidate Bussy; the file has Busy, Quiet." in done.stderr


def test_proposed_candidates_are_a_file_to_fill_in(shell: Shell) -> None:
    done = shell.run("candidates", "--limit", "3")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    assert len(rows) == 3
    assert {row["currency"] for row in rows} == {"GBP"}
    shell.write(done.stdout)
    plan = json.loads(shell.run("plan", "--json").stdout)
    assert {one["name"] for one in plan["candidates"]} == {row["name"] for row in rows}


def test_a_missing_file_says_how_to_write_one(shell: Shell) -> None:
    (shell.directory / "candidates.csv").unlink(missing_ok=True)
    done = shell.run("plan")
    assert done.returncode == 1
    assert "write the file with `clickstream locations candidates`" in done.stderr
