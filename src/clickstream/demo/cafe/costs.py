"""What the café's paid campaigns cost on a date, as their platforms report it.

The cost depends on the expected traffic of the date, on its chance, and on the regions in which the
campaign is switched off. It has its own random generators, so the lines of the log do not depend on
it. One platform writes the campaign `spring_cakes` differently from the tag of its links.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import story
from clickstream.demo.cafe.addresses import COUNTRIES
from clickstream.demo.cafe.advertising import BY_NAME
from clickstream.demo.cafe.arrivals import share_of_campaign
from clickstream.demo.cafe.places import CITIES
from clickstream.demo.cafe.rules import CafeRules, dice, how_many, visitors_in

COLUMN_MAP = Path(__file__).with_name("cost_columns.toml")
FILE_NAME = "campaign_spend.csv"


class AdCampaign(NamedTuple):
    """A campaign at its platform: its name there, the cost of a click, and views for a click."""

    name: str
    platform: str
    campaign_id: str
    name_at_platform: str
    click_cents: int
    views: int


PAID = (
    AdCampaign("cakes near me", "google", "20481", "cakes near me", 62, 24),
    AdCampaign("spring_cakes", "meta", "23850", "Spring-Cakes", 35, 80),
    AdCampaign("coffee+cake", "microsoft", "60713", "coffee+cake", 48, 30),
)


class CampaignCost(NamedTuple):
    """A row of the file: the names are those of its columns, and `spend` is in pounds."""

    event_date: date
    platform: str
    campaign_id: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    spend: str
    impressions: int
    clicks: int


def costs_of(rules: CafeRules, day: date) -> Iterator[CampaignCost]:
    """Yield the cost of each paid campaign on a UTC date."""
    for paid in PAID:
        rng = dice(rules, day, f"cost of {paid.name}")
        off = {
            region
            for pause in rules.advertising_off
            if paid.name in pause.campaigns and pause.first <= day <= pause.last
            for region in pause.regions
        }
        clicks = how_many(rng, _expected_clicks(rules, day, paid) * (1 - share_of_regions(off)))
        cents = round(clicks * paid.click_cents * rng.uniform(0.92, 1.08))
        views = round(clicks * paid.views * rng.uniform(0.9, 1.1))
        tags = BY_NAME[paid.name]
        names = (paid.platform, paid.campaign_id, tags.source, tags.medium, paid.name_at_platform)
        yield CampaignCost(day, *names, f"{cents / 100:.2f}", views, clicks)


def _expected_clicks(rules: CafeRules, day: date, paid: AdCampaign) -> float:
    first = Hour.midnight(day)
    return sum(
        visitors_in(rules, hour)
        * (1 + story.GROWTH * (progress := story.progress(rules, hour)))
        * share_of_campaign(BY_NAME[paid.name], progress)
        for hour in hour_range(first, first.plus(23))
    )


def share_of_regions(regions: Collection[str]) -> float:
    """Return about what share of the people outside offices is in some regions."""
    everyone = sum(share for _, _, share in COUNTRIES.values())
    return sum(
        share / everyone * city.share / 16
        for country, (_, _, share) in COUNTRIES.items()
        for city in CITIES[country]
        if city.region in regions
    )


def write_costs(directory: Path, rules: CafeRules, last: date) -> None:
    """Write the file with the costs from the first date of the story to `last`.

    It is replaced as a whole, so that no reader sees a part of it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    dates = (last - rules.story_begins).days + 1
    beside = directory / "writing"
    with beside.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(CampaignCost._fields)
        for number in range(dates):
            lines.writerows(costs_of(rules, rules.story_begins + timedelta(days=number)))
    beside.replace(directory / FILE_NAME)
