"""Facts with orders of six regions over 18 weeks, and a holdout test in one of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from tests.clickstream.dashboard.builders import FactStore, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import money, order
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import View
from clickstream.settings import Settings
from clickstream.settings.holdouts import HoldoutSettings

BEGIN, FIRST, LAST = date(2026, 7, 13), date(2026, 10, 19), date(2026, 11, 15)
LACKING = date(2026, 10, 26)
"""A date of the test without the hour from 12:00."""

REGIONS = ("England, GB", "Wales, GB", "Bavaria, DE", "Saxony, DE", "Lazio, IT", "Lyon, FR")
TEST = HoldoutSettings(
    name="north", campaigns=("tea",), regions=REGIONS[:1], first=FIRST, last=LAST, before_days=42
)
SETTINGS = with_sales(Settings(holdouts=(TEST,)), Path("/srv"), ("shop",))
SHOWN = View("marketing").with_days(date(2026, 11, 1), LAST)


@cache
def store() -> tuple[FactStore, Counter[tuple[str, date]]]:
    """Orders of six regions, of which one has 40 % fewer in the test; and their numbers.

    About every third came by the campaign tea.
    """
    chance, counts = np.random.default_rng(3), Counter[tuple[str, date]]()
    rows = []
    for place, region in enumerate(REGIONS):
        name, country = region.split(", ")
        for day in Period(BEGIN, LAST).dates:
            is_off = place == 0 and day >= FIRST
            for number in range(chance.poisson((8 + place) * (0.6 if is_off else 1))):
                at = datetime(day.year, day.month, day.day, 10)
                counts[region, day] += 1
                values = {"channel": "Email", "country": country, "region": name}
                values["utm_campaign"] = ("Tea", None, "coffee")[number % 3]
                rows.append(order(at, f"{place} {day} {number}", 500, **values))
    begin, end = (datetime(d.year, d.month, d.day) for d in (BEGIN, LAST + timedelta(days=1)))
    noon = datetime(LACKING.year, LACKING.month, LACKING.day, 12)
    hours = [one for one in hours_between(begin, end) if one.hour_at != noon]
    return FactStore(fact_tables([], hours, money(rows, []))), counts
