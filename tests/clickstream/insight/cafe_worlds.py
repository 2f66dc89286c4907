"""Visits and orders of the simulated café by region and date, with campaigns on or off.

Only the choices are drawn that matter here: the clients, their arrivals and their steps, by the
tables and functions of the café. Nothing writes requests, which takes most of the time of a log.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import NamedTuple

import numpy as np

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import addresses, menu, story
from clickstream.demo.cafe.advertising import caused_by, is_switched_off
from clickstream.demo.cafe.arrivals import CAMPAIGNS, CafeArrival, arrive
from clickstream.demo.cafe.people import LEAVE, NEXT, TEMPERS, regulars
from clickstream.demo.cafe.places import place_of
from clickstream.demo.cafe.rules import (
    AdvertisingPause,
    CafeRules,
    dice,
    how_many,
    some_moment,
    visitors_in,
)
from clickstream.demo.cafe.weblog import Client
from clickstream.insight.holdout_panel import RegionPanel

SHARE_OF_REGULARS, SHARE_OF_OFFICES, MOST_STEPS = 0.3, 0.12, 25
"""As in `people`."""

ALL = frozenset(one.name for one in CAMPAIGNS)


class Visit(NamedTuple):
    """A visit: its region, its number of orders, and whether it does not happen."""

    region: str
    orders: int
    is_lost: bool


@dataclass(frozen=True)
class World:
    """Panels of what happened, and the true share that the campaigns would have added."""

    panels: dict[str, RegionPanel]
    true_shares: dict[str, float]


def draw_world(rules: CafeRules, before_days: int, regions: frozenset[str]) -> World:
    """Draw the days before the pause of the rules and of the pause; `regions` are the tested."""
    [pause] = rules.advertising_off
    first = pause.first - timedelta(days=before_days)
    dates = [first + timedelta(days=n) for n in range((pause.last - first).days + 1)]
    found: dict[str, Counter[tuple[str, int]]] = {"visits": Counter(), "orders": Counter()}
    had, lost = Counter[str](), Counter[str]()
    for place, day in enumerate(dates):
        for one in _visits(rules, day):
            numbers = {"visits": 1, "orders": one.orders}
            if one.region in regions and day >= pause.first:
                had.update(numbers)
                lost.update(numbers if one.is_lost else {})
            if not one.is_lost:
                for metric, number in numbers.items():
                    found[metric][one.region, place] += number
    shares = {metric: lost[metric] / had[metric] for metric in found}
    return World({name: _panel(values, dates) for name, values in found.items()}, shares)


def _panel(found: Counter[tuple[str, int]], dates: list[date]) -> RegionPanel:
    regions = sorted({region for region, _ in found})
    values = [[float(found[region, n]) for n in range(len(dates))] for region in regions]
    return RegionPanel(regions, dates, np.array(values))


def _visits(rules: CafeRules, day: date) -> Iterator[Visit]:
    first = Hour.midnight(day)
    for hour in hour_range(first, first.plus(23)):
        rng, progress = dice(rules, hour, "visits"), story.progress(rules, hour)
        growth = 1 + story.GROWTH * progress
        for _ in range(how_many(rng, visitors_in(rules, hour) * growth)):
            client, arrival = _client(rng, rules, progress), arrive(rng, progress)
            now = some_moment(rng, hour)
            is_lost = is_switched_off(rules, client, now, arrival) and bool(
                caused_by(rules, client, now, arrival)
            )
            yield Visit(_region(client.address), _orders(rng, arrival), is_lost)


@cache
def _region(address: str) -> str:
    return place_of(address).region


def _client(rng: Random, rules: CafeRules, progress: float) -> Client:
    if rng.random() < SHARE_OF_REGULARS:
        return rng.choice(regulars(rules))
    at_work = rng.random() < SHARE_OF_OFFICES
    address = rng.choice(addresses.OFFICES) if at_work else addresses.home_address(rng, progress)
    return Client(address, "agent", "HTTP/2.0")


def _orders(rng: Random, arrival: CafeArrival) -> int:
    """Walk through the site, and return the number of orders."""
    pages = menu.PAGES.get(arrival.landing)
    step, orders = (pages[0].step if pages else "home"), 0
    for _ in range(MOST_STEPS):
        names, sums = _ways(arrival.temper, step)
        step = names[bisect(sums, rng.random() * sums[-1])]
        if step == LEAVE:
            break
        orders += step == "buy"
    return orders


@cache
def _ways(temper: str, step: str) -> tuple[list[str], list[int]]:
    ways = (NEXT | TEMPERS[temper])[step]
    return [*ways], [*accumulate(ways.values())]


def rules_of(seed: int, is_off: bool, regions: frozenset[str], **more: int) -> CafeRules:
    """Return the rules of a café whose campaigns are off in September for four weeks, or not."""
    pause = AdvertisingPause(
        ALL if is_off else frozenset(), regions, date(2026, 9, 28), date(2026, 10, 25)
    )
    return CafeRules(seed=seed, advertising_off=(pause,), **more)
