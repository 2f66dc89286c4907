"""`clickstream try` and the lake's views count the same log alike."""

from __future__ import annotations

import io
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console
from tests.clickstream.pipeline.builders import write
from tests.support.access_log import BOT, Client
from tests.support.lakes import built

from clickstream.hours import Hour
from clickstream.lake import Lake, athena
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.report import run_trial
from clickstream.settings import Settings
from clickstream.tables import BALANCE

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
PATHS = ["/", "/menu", "/menu/cakes", "/?utm_source=news&utm_medium=email", "/a.css", "/gone"]
VIEWS = """
select
    count(*) as sessions,
    count(distinct visitor_id) as visitors,
    sum(page_views) as page_views,
    count_if(is_engaged) as engaged_sessions
from sessions
"""
TOP_PAGES = "select page, sum(page_views) as page_views from top_pages group by page"
CHANNELS = "select channel, count(*) as sessions from sessions group by channel"
MEDIANS = "select duration_seconds from sessions order by duration_seconds"


def lines_of_visitors(seed: int) -> list[str]:
    """Visitors over hour edges, of whom some show in one hour only that they are bots."""
    rng, lines = random.Random(seed), []
    for number in range(30):
        client = Client(f"192.0.2.{number}", *([BOT] if number % 10 == 0 else []))
        at = FIRST.start + timedelta(seconds=rng.randrange(9000))
        while at < LAST.end:
            betrays_itself = number % 3 == 1 and at >= FIRST.next.start
            path = "/robots.txt" if betrays_itself and rng.random() < 0.5 else rng.choice(PATHS)
            status = 404 if path == "/gone" else 200
            lines.append((at, client.get(f"{at:%Y-%m-%dT%H:%M:%S}", path, status) + "\n"))
            at += timedelta(seconds=rng.choice([5, 60, 600, 900, 1799, 1801]))
    return [line for _, line in sorted(lines)]


def tried(settings: Settings) -> dict[str, Any]:
    out = io.StringIO()
    log = str(settings.resolve(settings.sources[0].path) / "access.log")
    assert run_trial([log], "auto", True, Console(file=out), settings) == 0
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def lake_of(settings: Settings, seed: int) -> Lake:
    write(settings.resolve(settings.sources[0].path), lines_of_visitors(seed))
    lake = built(settings, FIRST, LAST)
    refresh_views(lake)
    return lake


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_log_gives_the_same_figures(seed: int, lake_settings: Settings) -> None:
    lake = lake_of(lake_settings, seed)
    report = tried(lake_settings)
    sums = ", ".join(f"sum({kind}) as {kind}" for kind in BALANCE)
    (balance,) = athena.query(lake, f"select {sums} from hour_ledger").records()
    assert report["balance"] == balance
    (views,) = athena.query(lake, VIEWS).records()
    assert {name: report[name] for name in views} == views
    (daily,) = athena.query(lake, "select sum(page_views) as n from daily_traffic").records()
    assert report["page_views"] == daily["n"] < balance["page_requests"]
    pages = {one["page"]: one["page_views"] for one in report["top_pages"]}
    assert pages == dict(athena.query(lake, TOP_PAGES).rows)
    assert report["channels"] == dict(athena.query(lake, CHANNELS).rows)
    lengths = [length for (length,) in athena.query(lake, MEDIANS).rows]
    middle = len(lengths) // 2
    assert report["median_session_seconds"] == (lengths[middle] + lengths[~middle]) / 2
