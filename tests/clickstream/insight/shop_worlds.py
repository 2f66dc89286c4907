"""Sums by day of simulated shops with a known true change, and how a page judges them.

The rules are those of `Weeks` (tests/clickstream/dashboard/week_facts.py), without rows: the
weekdays, a day's own noise, a slow drift, and channels that have both of their own. A true change
multiplies the rate, so added visits are drawn anew. The test and the benchmark of the comparison
measure with `measure`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from tests.clickstream.dashboard.week_facts import (
    CHANNELS,
    COUNTRIES,
    DEVICES,
    PAGES,
    WEEKDAYS,
)

from clickstream.insight.comparison import Amounts, Compared, compare
from clickstream.insight.verdicts import PARTS_FALSE_SHARE, TILES_FALSE_SHARE, VERDICTS, judge

TILES = "tiles"
CAMPAIGNS = "campaign"
LISTS = {
    CAMPAIGNS: 4,
    "landing page": len(PAGES),
    "country": len(COUNTRIES),
    "device": len(DEVICES),
    **{"city": 20, "referrer": 20, "browser": 6, "operating system": 6},
}
WITH_ORDERS, WITH_RATES, WITH_SALES = ("landing page", "country"), (CAMPAIGNS, "city"), (CAMPAIGNS,)


@dataclass(frozen=True)
class World:
    """The rules of a shop: visits and orders a week, and what happens besides chance.

    `daily` and `slow` are the relative deviations of a day and of the drift, `wander` that of a
    random walk a week, `growth` the true one a week. The event is a day in the history of four
    times the visits, or two days of each 30 with 1.4 times the visits.
    """

    visits: float = 600.0
    orders: float = 280.0
    daily: float = 0.05
    slow: float = 0.03
    wander: float = 0.0
    growth: float = 0.0
    event: str = ""
    is_filter: bool = False


SHOPS = {
    "filter": World(20, 3, is_filter=True),
    "small": World(250, 40),
    "middle": World(600, 280),
    "large": World(17_280, 3_718),
}
DAYS = {
    "quiet": {},
    "noisy": {"daily": 0.15, "slow": 0.05},
    "drifting": {"slow": 0.05},
    "walking": {"slow": 0.0, "wander": 0.05},
    "paydays": {"event": "payday"},
    "outlier": {"event": "outlier"},
    "growing 3 %": {"growth": 0.03},
    "growing 25 %": {"growth": 0.25},
}


def world(shop: str, days: str) -> World:
    """A shop with days of a kind."""
    return replace(SHOPS[shop], **DAYS[days])  # type: ignore[arg-type]


@dataclass
class Numbers:
    """Numbers of one kind by their family and name; the arrays are of pages x days."""

    labels: list[tuple[str, str]]
    counts: list[np.ndarray]
    more: list[tuple[np.ndarray, ...]]

    def compare(self, page: int, length: int) -> Compared:
        """Compare the numbers of a page in one call."""
        counts = np.array([array[page] for array in self.counts], float)
        rest = [
            np.array([array[page] for array in arrays], float)
            for arrays in zip(*self.more, strict=True)
        ]
        if len(rest) == 1:
            return compare(counts, length, trials=rest[0])
        return compare(counts, length, amounts=Amounts(*rest) if rest else None)


class Pages:
    """The numbers of pages: ten tiles, and with lists 174 more."""

    def __init__(
        self,
        rng: np.random.Generator,
        rules: World,
        pages: int,
        history: int,
        length: int,
        times: float = 1.0,
        has_lists: bool = True,
    ) -> None:
        self.rng, self.length = rng, length
        self.weekday = int(rng.integers(7))
        self.kinds: defaultdict[int, Numbers] = defaultdict(lambda: Numbers([], [], []))
        size = np.exp(rng.uniform(-1.4, 1.1, (pages, 1))) if rules.is_filter else 1.0
        rate = size * rules.visits / 7 * self._rates(rules, pages, history)
        rate[:, history:] *= times
        own = [share * self._noise(rules, rate.shape) for share in CHANNELS.values()]
        channels = rng.poisson(np.array(own) * rate)
        visits = channels.sum(axis=0)
        swing = np.exp(rng.normal(0, rules.daily / 2, visits.shape))
        ordered = rng.binomial(channels, np.clip(rules.orders / rules.visits * swing, 0, 1))
        orders = ordered.sum(axis=0)
        money = self._amounts(ordered)
        self._add(TILES, "visits", visits)
        self._add(TILES, "visitors", rng.binomial(visits, 0.8))
        self._add(TILES, "returning visitors", rng.binomial(visits, 0.3))
        self._add(TILES, "page views", visits, *self._views(visits))
        self._add(TILES, "orders", orders)
        self._add(TILES, "net sales", orders, *(sums.sum(axis=0) for sums in money))
        self._add(TILES, "order rate", orders, visits)
        self._add(TILES, "engaged rate", rng.binomial(visits, 0.45), visits)
        self._add(TILES, "failed rate", rng.binomial(visits, 0.02), visits)
        self._add(TILES, "machines", rng.poisson(30, visits.shape))
        if has_lists:
            for number, name in enumerate(CHANNELS):
                self._add("visits by channel", name, channels[number])
                self._add("orders by channel", name, ordered[number])
                self._add("rates by channel", name, ordered[number], channels[number])
                self._add("sales by channel", name, ordered[number], *(m[number] for m in money))
            for name, parts in LISTS.items():
                self._add_list(name, visits, orders, parts)
            for number, views in enumerate(self._split(2 * visits, 15)):
                self._add("views by page", str(number), views)

    def _add(self, family: str, name: str, counts: np.ndarray, *more: np.ndarray) -> None:
        kind = self.kinds[len(more)]
        kind.labels.append((family, name))
        kind.counts.append(counts)
        kind.more.append(more)

    def _add_list(self, name: str, visits: np.ndarray, orders: np.ndarray, parts: int) -> None:
        by_visits = self._split(visits, parts)
        by_orders = np.minimum(self._split(orders, parts), by_visits)
        money = self._amounts(by_orders) if name in WITH_SALES else ()
        for number in range(parts):
            self._add(f"visits by {name}", str(number), by_visits[number])
            if name in WITH_ORDERS:
                self._add(f"orders by {name}", str(number), by_orders[number])
            if name in WITH_RATES:
                self._add(f"rates by {name}", str(number), by_orders[number], by_visits[number])
            if name in WITH_SALES:
                sums = [array[number] for array in money]
                self._add(f"sales by {name}", str(number), by_orders[number], *sums)

    def _rates(self, rules: World, pages: int, history: int) -> np.ndarray:
        """Return multiples of an average day's visits (pages x days)."""
        day = np.arange(-history, self.length)
        rates = np.repeat(WEEKDAYS[(day + history + self.weekday) % 7][None], pages, axis=0)
        rates *= (1 + rules.growth) ** (day / 7)
        for page in range(pages):
            if rules.event == "payday":
                rates[page, (day + self.rng.integers(30)) % 30 < 2] *= 1.4
            if rules.event == "outlier":
                rates[page, history - 1 - self.rng.integers(min(history, 28))] *= 4
        return rates * self._noise(rules, rates.shape)

    def _noise(self, rules: World, shape: tuple[int, ...]) -> np.ndarray:
        logs = self.rng.normal(0, rules.slow * np.sqrt(1 - 0.95**2), shape)
        logs[:, 0] = self.rng.normal(0, rules.slow, shape[0])
        for day in range(1, shape[1]):
            logs[:, day] += 0.95 * logs[:, day - 1]
        logs += self.rng.normal(0, rules.daily, shape)
        logs += np.cumsum(self.rng.normal(0, rules.wander / np.sqrt(7), shape), axis=1)
        return np.exp(logs)

    def _amounts(self, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of amounts and of their squares: log-normal, one of 100 is tenfold."""
        number = int(orders.sum())
        each = np.exp(self.rng.normal(2.59, 0.6, number))
        each *= np.where(self.rng.random(number) < 0.01, 10, 1)
        at = np.repeat(np.arange(orders.size), orders.ravel())
        sums, squares = (np.bincount(at, array, orders.size) for array in (each, each**2))
        return sums.reshape(orders.shape), squares.reshape(orders.shape)

    def _views(self, visits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of one to three page views a visit, and of their squares."""
        by_views = np.moveaxis(self.rng.multinomial(visits, [1 / 3] * 3), -1, 0)
        views = np.array([1, 2, 3])
        return np.tensordot(views, by_views, 1), np.tensordot(views**2, by_views, 1)

    def _split(self, counts: np.ndarray, parts: int) -> np.ndarray:
        shares = 1 / np.arange(1, parts + 1)
        return np.moveaxis(self.rng.multinomial(counts, shares / shares.sum()), -1, 0)

    def judge(self, page: int) -> tuple[dict[tuple[str, str], str], Compared]:
        """Return the verdicts of a page by family and name, and the comparisons in their order."""
        kinds = self.kinds.values()
        every = Compared.join([kind.compare(page, self.length) for kind in kinds])
        families: defaultdict[str, list[int]] = defaultdict(list)
        labels = [label for kind in kinds for label in kind.labels]
        for number, (family, _) in enumerate(labels):
            families[family].append(number)
        verdicts: dict[int, str] = {}
        for family, numbers in families.items():
            false_share = TILES_FALSE_SHARE if family == TILES else PARTS_FALSE_SHARE
            judged = judge(every.select(numbers), false_share)
            verdicts |= dict(zip(numbers, judged, strict=True))
        return {label: verdicts[number] for number, label in enumerate(labels)}, every


@dataclass(frozen=True)
class Measured:
    """Measures of simulated pages, as shares of them.

    Those with a claim (more or less), with one about a tile, and with a growth. `covered` are the
    intervals of a tile that hold the truth, `said` the verdicts, `growth` the median of the stated
    ones, `half_width` that of the intervals.
    """

    claims: float
    tile_claims: float
    growths: float
    covered: dict[str, float]
    said: dict[str, dict[str, float]]
    growth: dict[str, float]
    half_width: dict[str, float]


CHANGED = ("visits", "visitors", "returning visitors", "page views", "orders", "net sales")
"""The tiles whose truth changes with the visits; rates keep theirs."""


def measure(
    seed: int,
    shop: str,
    days: str,
    weeks: int,
    length: int = 7,
    times: float = 1.0,
    pages: int = 400,
    has_lists: bool = False,
) -> Measured:
    """Judge simulated pages of a period whose visits are multiplied, after weeks of history."""
    rng = np.random.default_rng(seed)
    simulated = Pages(rng, world(shop, days), pages, 7 * weeks, length, times, has_lists)
    judged = [simulated.judge(page) for page in range(pages)]
    claims = [
        [family for (family, _), verdict in verdicts.items() if verdict in ("more", "less")]
        for verdicts, _ in judged
    ]
    result = Measured(
        float(np.mean([bool(families) for families in claims])),
        float(np.mean([TILES in families for families in claims])),
        float(np.mean(["growth" in verdicts.values() for verdicts, _ in judged])),
        *({}, {}, {}, {}),
    )
    for number, (family, name) in enumerate(judged[0][0]):
        if family != TILES:
            continue
        truth = times - 1 if name in CHANGED else 0.0
        low, high, growth = (
            np.array([getattr(compared, column)[number] for _, compared in judged])
            for column in ("low", "high", "growth")
        )
        said = np.array([verdicts[family, name] for verdicts, _ in judged])
        result.covered[name] = float(np.mean((low <= truth) & (truth <= high)))
        result.said[name] = {verdict: float(np.mean(said == verdict)) for verdict in VERDICTS}
        stated = growth[said == "growth"]
        result.growth[name] = float(np.median(stated)) if len(stated) else 0.0
        result.half_width[name] = float(np.median(high - low) / 2)
    return result
