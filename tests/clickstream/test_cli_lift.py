"""`clickstream lift` on a lake whose fact views have the values of some months."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.support.command_line import CommandLine
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import athena, open_lake

REGIONS = ("England", "Scotland", "Wales", "Kent", "Devon", "York")
DAYS, TEST_DAYS = 150, 28
LAST = datetime.now(UTC).date() - timedelta(days=1)
FIRST = LAST - timedelta(days=DAYS - 1)
SETTINGS = f"""
[[sales]]
name = "shop"
kind = "csv"
columns = "generic"
currency = "EUR"
path = "sales"
[[holdouts]]
name = "autumn"
campaigns = ["Cakes near me"]
regions = ["England, GB"]
first = {LAST - timedelta(days=TEST_DAYS - 1)}
last = {LAST}
metric = "net_sales"
[[holdouts]]
name = "typo"
campaigns = ["cakes near me"]
regions = ["Englnd, GB"]
first = {LAST - timedelta(days=20)}
last = {LAST + timedelta(days=20)}
metric = "net_sales"
"""


MONEY = f"""
create or replace view money_facts as
select
    date_add('day', day, date '{FIRST}') as event_date,
    region,
    'GB' as country,
    (9000 + (day * (place * 7919 + 104729)) % 2001)
        * if(place = 0 and day >= {DAYS - TEST_DAYS}, 3, 4) * share as net_cents,
    utm_campaign,
    cast(null as varchar) as why_none,
    'GBP' as currency
from (values {", ".join(f"({n}, '{name}')" for n, name in enumerate(REGIONS))}) as r (place, region)
cross join unnest(sequence(0, {DAYS - 1})) as d (day)
cross join (values (7, null), (3, 'cakes near me')) as c (share, utm_campaign)
"""
"""Net sales with noise by arithmetic; England lacks a fourth of them in the test."""

HOURS = f"""
create or replace view hour_facts as
select
    date_add('day', day, date '{FIRST}') as event_date,
    if(day = 100 and hour > 19, 'web-2') as missing_sources
from unnest(sequence(0, {DAYS - 1})) as d (day)
cross join unnest(sequence(1, 24)) as h (hour)
"""
"""Hours with all hosts, but for 5 hours of a date."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAwsProcess) -> CommandLine:
    """The commands beside a lake whose fact views have values by arithmetic, without tables."""
    directory = tmp_path_factory.mktemp("lift")
    settings = settings_of_a_lake(local_aws.endpoint, directory)
    lake = open_lake(settings, aws_session())
    for view in (MONEY, HOURS):
        athena.query(lake, view)
    own = f'[lake]\nbucket = "{settings.lake.bucket}"\ndatabase = "{lake.database}"\n'
    return CommandLine("lift", directory, own + SETTINGS, local_aws, columns=120)


def test_a_test_is_evaluated_and_drawn(shell: CommandLine) -> None:
    done = shell.run("evaluate", "autumn", "--plot", "lift.svg")
    assert done.returncode == 0, done.stderr
    assert "Without cakes near me, the region England, GB had 2" in done.stdout
    assert "EUR in 4 weeks there." in done.stdout
    incomplete = FIRST + timedelta(days=100)
    assert f"not complete: {incomplete} (5 hours missing)." in done.stdout
    assert len(re.findall(r"\d off ", done.stdout)) == 4
    assert "The campaigns brought 75 % as much a day during the test as before" in done.stdout
    chart = ElementTree.parse(shell.directory / "lift.svg").getroot()
    texts = [one.text for one in chart.iter() if one.tag.endswith("text")]
    assert any(text and text.startswith("4,") for text in texts)  # EUR a day, not cents
    paths = [one.get("class") for one in chart.iter() if one.tag.endswith("path")]
    assert paths == ["axis", "expected", "observed"]


def test_the_result_as_json_has_the_series(shell: CommandLine) -> None:
    [found] = json.loads(shell.run("evaluate", "autumn", "--json").stdout)
    assert found["low"] < 0.25 < found["high"]
    assert found["is_found"]
    test = [day >= found["first"] for day in found["dates"]]
    observed = np.array(found["observed"])[test].sum()
    expected = np.array(found["synthetic"])[test].sum()
    assert found["share"] == pytest.approx(1 - observed / expected)
    assert found["effect"] == pytest.approx(expected - observed)


def test_a_region_without_visits_has_the_closest_name_and_the_exit_code_is_1(
    shell: CommandLine,
) -> None:
    done = shell.run("evaluate", "typo")
    assert done.returncode == 1
    assert "No visit came from the region Englnd, GB" in done.stdout
    assert "Did you mean England, GB" in done.stdout


def test_an_unknown_test_is_named_with_those_that_exist(shell: CommandLine) -> None:
    done = shell.run("evaluate", "winter")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no test winter; the settings have autumn, typo." in done.stderr


def test_a_plan_proposes_regions_and_weeks(shell: CommandLine) -> None:
    done = shell.run("plan", "--campaign", "Cakes near me", "--metric", "net_sales", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["best"]["smallest_effect"] < plan["best"]["campaign_share"]
    assert plan["best"]["campaign_share"] == pytest.approx(0.3, abs=0.01)


def test_a_plan_without_values_or_history_says_why(shell: CommandLine) -> None:
    other = shell.run("plan", "--campaign", "unknown", "--metric", "net_sales")
    assert other.returncode == 1
    assert "Nothing came by the campaign unknown within 196 days" in other.stderr
    short = shell.run(
        *("plan", "--campaign", "cakes near me", "--metric", "net_sales", "--before-days", "120")
    )
    assert short.returncode == 1
    assert "No plan: The lake has 121 complete dates" in short.stdout  # none of a test
