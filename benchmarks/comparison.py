"""Measure how often the comparison of a page is wrong, and what it finds, on simulated shops.

python -m benchmarks.comparison              # 400 pages a cell, about 15 minutes of CPU time
python -m benchmarks.comparison --pages 40 --cells tiles

A null page has no true change. `any claim` and `tile` are shares of pages with a false one.
Coverage is of the 90 % intervals of visits, orders, net sales and order rate.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from time import process_time
from typing import Any

import numpy as np

from clickstream.insight.comparison import Amounts, compare

measure = import_module("tests.clickstream.insight.shop_worlds").measure  # mypy skips these tests

SHOWN = ("visits", "orders", "net sales", "order rate")
FOUND = SHOWN[:3]

NULL_PAGES = [
    *(
        ("middle", days, weeks, 7)
        for days in ("quiet", "noisy", "drifting", "walking", "outlier", "growing 3 %")
        for weeks in (3, 8)
    ),
    *((shop, days, weeks, 7) for shop in ("small", "filter") for days in ("quiet", "noisy")
      for weeks in (3, 8)),
    *((shop, "quiet", 8, 1) for shop in ("middle", "small")),
    *((shop, days, 8, 28) for shop in ("middle", "small", "filter") for days in ("quiet", "noisy")),
    ("middle", "growing 3 %", 8, 28),
]  # fmt: skip
NULL_TILES = [
    *(
        ("middle", days, weeks, 7)
        for days in ("quiet", "noisy", "drifting", "walking", "paydays", "outlier", "growing 3 %")
        for weeks in (3, 8)
    ),
    *(("small", days, weeks, 7) for days in ("quiet", "noisy") for weeks in (3, 8)),
    *(("large", days, 8, 7) for days in ("quiet", "noisy")),
    *(("middle", days, 8, 28) for days in ("quiet", "walking", "growing 3 %")),
]
CHANGES = [
    *(("middle", "quiet", weeks, times) for weeks in (3, 8) for times in (0.7, 1.3, 1.5)),
    *(("middle", "noisy", weeks, 1.3) for weeks in (3, 8)),
    *(("small", "quiet", weeks, times) for weeks in (3, 8) for times in (1.3, 1.5)),
]
GROWTHS = [(shop, weeks) for shop in ("middle", "large") for weeks in (3, 4, 8)]


def main(options: Sequence[str] | None = None) -> None:
    """Print the tables."""
    tables = {
        "cost": print_cost,
        "tiles": print_tiles,
        "changes": print_changes,
        "growth": print_growth,
        "pages": print_pages,
    }
    parser = argparse.ArgumentParser(description="Measure the comparison on simulated shops.")
    parser.add_argument("--pages", type=int, default=400, help="simulated pages of a cell")
    parser.add_argument("--cells", nargs="+", choices=tables, default=list(tables))
    chosen = parser.parse_args(options)
    for name in chosen.cells:
        tables[name](chosen.pages)


def print_pages(pages: int) -> None:
    """Whole pages of ten tiles and 174 numbers of lists, without a true change."""
    _head("null pages", "any claim %", "tile %", "growth said %")
    worst, total = ("", -1.0), 0.0
    for seed, (shop, days, weeks, length) in enumerate(NULL_PAGES, 100):
        found = measure(seed, shop, days, weeks, length, pages=pages, has_lists=True)
        name = f"{shop}, {days}, {weeks} weeks, {length} days"
        shares = (found.claims, found.tile_claims, found.growths)
        _row(name, *(f"{100 * share:.1f}" for share in shares))
        worst = max(worst, (name, found.claims), key=lambda cell: cell[1])
        total += found.claims
    print(
        f"\nMean {100 * total / len(NULL_PAGES):.1f} %, worst {100 * worst[1]:.1f} % ({worst[0]})"
    )


def print_tiles(pages: int) -> None:
    """Tiles without a true change."""
    _head("null tiles", "tile %", "coverage %", "as usual %", "half width %", "growth said %")
    for seed, (shop, days, weeks, length) in enumerate(NULL_TILES, 200):
        found = measure(seed, shop, days, weeks, length, pages=pages)
        _row(
            f"{shop}, {days}, {weeks} weeks, {length} days",
            f"{100 * found.tile_claims:.1f}",
            *(_percents(values) for values in (found.covered, _said(found, "usual"))),
            *(_percents(values) for values in (found.half_width, _said(found, "growth"))),
        )


def print_changes(pages: int) -> None:
    """Weeks whose visits are multiplied."""
    _head("true changes of a week", "found %", "as usual %", "coverage %")
    for seed, (shop, days, weeks, times) in enumerate(CHANGES, 300):
        found = measure(seed, shop, days, weeks, times=times, pages=pages)
        _row(
            f"{shop}, {days}, {weeks} weeks, ×{times}",
            _percents(_said(found, "more" if times > 1 else "less"), FOUND),
            _percents(_said(found, "usual"), FOUND),
            _percents(found.covered, FOUND),
        )


def print_growth(pages: int) -> None:
    """Shops that grow by a quarter each week."""
    _head("growing 25 % a week", "growth said %", "growth stated %", "more %", "coverage %")
    for seed, (shop, weeks) in enumerate(GROWTHS, 400):
        found = measure(seed, shop, "growing 25 %", weeks, pages=pages if shop != "large" else 100)
        _row(
            f"{shop}, {weeks} weeks",
            *(_percents(values, FOUND) for values in (_said(found, "growth"), found.growth)),
            *(_percents(values, FOUND) for values in (_said(found, "more"), found.covered)),
        )


def print_cost(_pages: int) -> None:
    """CPU time of a call, with the interval of each number."""
    _head("CPU ms of one call", "3 weeks", "8 weeks", "12 weeks")
    rng = np.random.default_rng(500)
    for numbers in (1, 12, 184):
        row = []
        for weeks in (3, 8, 12):
            counts = rng.poisson(80, (numbers, 7 * weeks + 7)).astype(float)
            started = process_time()
            for _ in range(10):
                compare(counts, 7, amounts=Amounts(16 * counts, 400 * counts))
            row.append(f"{100 * (process_time() - started):.1f}")
        _row(f"{numbers} numbers", *row)


def _said(found: Any, verdict: str) -> dict[str, float]:
    return {name: shares[verdict] for name, shares in found.said.items()}


def _percents(values: dict[str, float], names: Sequence[str] = SHOWN) -> str:
    return " ".join(f"{100 * values[name]:.0f}" for name in names)


def _head(*cells: str) -> None:
    print()
    _row(*cells)
    _row("---", *["---:"] * (len(cells) - 1))


def _row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
