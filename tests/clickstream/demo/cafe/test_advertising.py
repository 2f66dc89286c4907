"""What the café's campaigns cause and cost, with and without a region in which they are off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.demo.cafe.advertising import BY_NAME, caused_by
from clickstream.demo.cafe.arrivals import DIRECTLY
from clickstream.demo.cafe.costs import COLUMN_MAP, PAID, costs_of, share_of_regions, write_costs
from clickstream.demo.cafe.people import people
from clickstream.demo.cafe.places import place_of
from clickstream.demo.cafe.rules import HOUR, AdvertisingPause
from clickstream.demo.cafe.weblog import Client, Request, VisitSource, render
from clickstream.pipeline.sales.check import check_source
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings

ON = CafeRules(visitors_per_hour=150, story_begins=date(2026, 10, 26))
DAYS = (date(2026, 11, 21), date(2026, 11, 22))
AFTER = date(2026, 11, 23)
"""People who arrive on the two dates return until then."""

REGIONS = frozenset(("California", "England"))
PAUSED = frozenset(("spring_cakes", "autumn_cakes"))
OFF = replace(ON, advertising_off=(AdvertisingPause(PAUSED, REGIONS, DAYS[1], AFTER),))
HOURS = [*hour_range(Hour.midnight(DAYS[0]).plus(18), Hour.midnight(DAYS[1]).plus(23))]
MIDNIGHT = int(HOURS[6].start.timestamp()) * 1000


def requests(rules: CafeRules) -> Iterator[Request]:
    for hour in HOURS:
        yield from people(rules, hour)


@cache
def region_of(address: str) -> str:
    return place_of(address).region


def is_in_pause(request: Request) -> bool:
    return region_of(request.client.address) in REGIONS and request.received >= MIDNIGHT


def well_in_pause(some: list[Request]) -> list[Request]:
    """The requests in the pause without its first hours, in which earlier visits continue."""
    return [one for one in some if is_in_pause(one) and one.received >= MIDNIGHT + 3 * HOUR]


Both = tuple[list[Request], list[Request]]


@pytest.fixture(scope="module")
def both() -> Both:
    """The requests with all campaigns, and with two campaigns off in two regions on a date."""
    return [*requests(ON)], [*requests(OFF)]


def orders(some: list[Request]) -> dict[int, str]:
    receipts = [one.ask.receipt for one in some if one.ask.receipt]
    return {one.number: one.caused_by for one in receipts}


def visits_by(some: list[Request]) -> Counter[str | None]:
    return Counter(one.ask.source.utm_campaign for one in some)


def test_other_regions_and_dates_have_equal_lines(both: Both) -> None:
    on, off = ([render(one) for one in some if not is_in_pause(one)] for some in both)
    assert on == off
    assert len(on) > 10_000


def test_where_campaigns_are_off_exactly_the_orders_are_missing_that_they_cause(both: Both) -> None:
    on, off = (orders(well_in_pause(some)) for some in both)
    missing = on.keys() - off.keys()
    assert missing == {number for number, cause in on.items() if cause in PAUSED}
    assert len(missing) > 10
    assert off.items() <= on.items()


def test_where_campaigns_are_off_nobody_comes_by_them_and_the_others_stay(both: Both) -> None:
    on, off = (visits_by(well_in_pause(some)) for some in both)
    assert all(on[name] > off[name] == 0 for name in PAUSED)
    assert on["cakes near me"] == off["cakes near me"] > 0


def test_the_share_that_a_campaign_causes_is_that_of_the_rules() -> None:
    number = 4000
    for name, campaign in BY_NAME.items():
        arrival = DIRECTLY._replace(source=VisitSource(utm_campaign=name))
        found = [
            caused_by(ON, Client("198.18.0.1", "-"), moment, arrival) for moment in range(number)
        ]
        assert {*found} == {"", name}
        assert found.count("") / number == pytest.approx(campaign.anyway, abs=0.03)
    assert not caused_by(ON, Client("198.18.0.1", "-"), 0, DIRECTLY)


def test_the_truth_counts_the_orders_that_campaigns_cause(both: Both) -> None:
    truth = simulate(HOURS[0], HOURS[5], OFF).truth
    known = orders(both[1])
    confirmed = {one.number: one.caused_by for one in truth.orders if one.number in known}
    assert confirmed.items() <= known.items()
    assert sum(1 for order in truth.orders if order.caused_by) > 5


def test_a_campaign_costs_less_where_it_is_off() -> None:
    days = [DAYS[0] + timedelta(days=number) for number in range(14)]
    pause = AdvertisingPause(frozenset(("spring_cakes",)), REGIONS, days[0], days[-1])
    off = replace(ON, advertising_off=(pause,))
    rows = {rules: [row for day in days for row in costs_of(rules, day)] for rules in (ON, off)}
    clicks = {rules: Counter[str]() for rules in rows}
    for rules, some in rows.items():
        for row in some:
            clicks[rules][row.campaign_id] += row.clicks
    for paid in PAID:
        expected = 1 - share_of_regions(REGIONS) * (paid.name == "spring_cakes")
        share = clicks[off][paid.campaign_id] / clicks[ON][paid.campaign_id]
        assert share == pytest.approx(expected, abs=0.05 if expected < 1 else 0)


def test_the_file_of_costs_is_a_source_of_sales(tmp_path: Path) -> None:
    write_costs(tmp_path, ON, date(2026, 11, 21))
    source = SalesSettings(
        name="ads", kind="csv", columns=str(COLUMN_MAP), currency="GBP", path=str(tmp_path)
    )
    found = check_source(Settings(), source, 400, datetime(2027, 1, 1))
    assert not found.has_problems
    assert len(found.read) == 27
    assert found.totals.spend_cents > 10_000
    before = (tmp_path / "campaign_spend.csv").read_bytes()
    write_costs(tmp_path, ON, date(2026, 11, 22))
    assert (tmp_path / "campaign_spend.csv").read_bytes().startswith(before)
