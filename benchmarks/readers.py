"""Measure how long the dashboard's pages take while many readers open them, and `/healthz` beside.

    python -m benchmarks.readers LINK --readers 50 --seconds 30

LINK is a login link of `clickstream dashboard link`. Each reader opens one page after the other
without a pause, so the load is higher than that of as many people.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from itertools import cycle
from statistics import quantiles
from urllib.parse import urlsplit

import httpx

PAGES = (
    *("/", "/visitors", "/marketing", "/orders", "/places", "/trust"),
    *("/?range=7d", "/visitors?range=7d", "/?device=mobile", "/marketing?range=90d"),
)
PROBED_EVERY_SECONDS = 0.1
PATIENCE_SECONDS = 120.0


class Load:
    """Readers of one dashboard, and the seconds that each answer took."""

    def __init__(self, client: httpx.AsyncClient, seconds: float) -> None:
        self._client, self._until = client, time.monotonic() + seconds
        self.pages: list[float] = []
        self.health: list[float] = []
        self.failed = 0

    async def read(self, number: int) -> None:
        """Open pages until the time is over; readers begin at different pages."""
        begin = number % len(PAGES)
        for path in cycle((*PAGES[begin:], *PAGES[:begin])):
            if time.monotonic() >= self._until:
                return
            self.pages.append(await self._get(path))

    async def probe(self) -> None:
        """Ask for `/healthz`, as a load balancer does."""
        while time.monotonic() < self._until:
            self.health.append(await self._get("/healthz"))
            await asyncio.sleep(PROBED_EVERY_SECONDS)

    async def _get(self, path: str) -> float:
        begin = time.perf_counter()
        answer = await self._client.get(path)
        self.failed += answer.status_code != httpx.codes.OK
        return time.perf_counter() - begin


async def measure(link: str, readers: int, seconds: float) -> Load:
    """Log in by the link, and read pages with a number of readers."""
    at = urlsplit(link)
    limits = httpx.Limits(max_connections=readers + 1)
    async with httpx.AsyncClient(
        base_url=f"{at.scheme}://{at.netloc}", limits=limits, timeout=PATIENCE_SECONDS
    ) as client:
        (await client.get(link, follow_redirects=True)).raise_for_status()
        load = Load(client, seconds)
        await asyncio.gather(load.probe(), *(load.read(number) for number in range(readers)))
    return load


def describe(name: str, seconds: list[float]) -> str:
    """Return the number of answers and their times as a row of a Markdown table."""
    at = quantiles(seconds, n=100)
    figures = " | ".join(f"{1000 * figure:,.0f}" for figure in (at[49], at[94], max(seconds)))
    return f"| {name} | {len(seconds):,} | {figures} |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("link", metavar="LINK")
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    chosen = parser.parse_args()
    load = asyncio.run(measure(chosen.link, chosen.readers, chosen.seconds))
    print("| answers | number | p50 ms | p95 ms | max ms |\n| --- | ---: | ---: | ---: | ---: |")
    print(describe(f"pages, {chosen.readers} readers", load.pages))
    print(describe("/healthz", load.health))
    if load.failed:
        print(f"\n{load.failed:,} answers were not 200.")


if __name__ == "__main__":
    main()
