"""Take the pictures of dashboard and weekly mail for README and docs, in docs/images/.

`make screenshots` runs it. It simulates four weeks of the café and the four weeks before, for
comparisons, builds them in its own local AWS, and takes screenshots of the dashboard in the
system's Chromium. The café's seed and the dashboard's clock are fixed, so the pictures change only
if the café or the pages change.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.people.lines import combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import CAFE
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from tests.browser.cafe_dashboard import (
    RunningDashboard,
    running_dashboard,
    settings_of_the_cafe,
)
from tests.support.airflow_server import running_airflow
from tests.support.cafe_shops import Story
from tests.support.lakes import built
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess
from tests.support.sales_files import pull_sales, write_costs, write_shop

from clickstream.core.hours import Hour
from clickstream.dashboard.mail import Week, build_digest, render_preview
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.demo.cafe.expansion import (
    CANDIDATES,
    COLUMN_MAP,
    write_candidates,
    write_expansion,
)
from clickstream.lake import Lake
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.sales.location_runs import plan_date
from clickstream.pipeline.sales.matches import match_orders
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.settings.sections import LocationSettings

console = Console()
IMAGES = Path(__file__).parents[1] / "docs" / "images"
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
"""A Monday morning, the day after the four weeks of the simulated café's story."""

DAYS = 56
RULES = CafeRules(visitors_per_hour=20, bots_per_hour=5, scanners_per_hour=1)
"""A quarter of the café's usual traffic, which is built in 90 s of CPU time."""

FLEET = 400
"""Machines that the pages leave out as suspected."""

ORDERS = 2_000
"""The monthly target of orders."""

WIDE = {"width": 1280, "height": 1400}
MAIL = {"width": 660, "height": 1000}
IN_AIRFLOW = {"width": 1440, "height": 860}
PHONE = {"width": 390, "height": 1400}


@dataclass(frozen=True)
class Picture:
    """A file of docs/images, the page that it shows, and the options of the browser."""

    file: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


PICTURES = (
    Picture("dashboard-overview.png", "/"),
    Picture("dashboard-overview-dark.png", "/", {"color_scheme": "dark"}),
    Picture("dashboard-phone.png", "/", {"viewport": PHONE, "is_mobile": True, "has_touch": True}),
    Picture("dashboard-visitors.png", "/visitors"),
    Picture("dashboard-marketing.png", "/marketing"),
    Picture("dashboard-orders.png", "/orders"),
    Picture("dashboard-places.png", "/places", {"viewport": {"width": 1280, "height": 900}}),
    Picture("locations.png", "/locations", {"viewport": {"width": 1280, "height": 1500}}),
    Picture("dashboard-machines.png", "/machines"),
    Picture("dashboard-trust.png", "/trust"),
)


def main() -> None:
    """Build the lake in a temporary directory, and take all pictures of it."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is missing: install the package chromium-headless-shell.")
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory(prefix="clickstream-screenshots-") as name:
        directory = Path(name)
        (directory / "aws").mkdir()
        with LocalAwsProcess(directory / "aws") as aws:
            settings = _of_the_shop(settings_of_the_cafe(aws.endpoint, directory), directory)
            lake = build_weeks(settings)
            with running_dashboard(settings, NOW) as dashboard, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium)
                take_pictures(browser, dashboard)
                take_mail(browser, lake)
                take_picture_in_airflow(browser, settings, directory)
                browser.close()


def _of_the_shop(settings: Settings, directory: Path) -> Settings:
    """Return the settings with the café's shop, candidates, and a target that fits the traffic."""
    dashboard = settings.dashboard.model_copy(update={"monthly_targets": {"order": ORDERS}})
    shop = SalesSettings(
        name="shop", kind="csv", columns="generic", currency="GBP", path=str(directory / "shop")
    )
    columns, path = str(COLUMN_MAP), str(directory / "expansion")
    expansion = SalesSettings(
        name="expansion", kind="csv", columns=columns, currency="GBP", path=path
    )
    locations = LocationSettings(candidates=f"{path}/{CANDIDATES}")
    changes = {"dashboard": dashboard, "sales": (shop, expansion), "locations": locations}
    return settings.model_copy(update=changes)


def build_weeks(settings: Settings) -> Lake:
    """Write the café's logs up to the last full hour, build their hours, and refresh the facts."""
    last = Hour.of(NOW).previous
    first = last.minus(DAYS * 24 - 1)
    console.print(f"Simulating and building {first} to {last}; this takes some minutes.")
    log = Path(settings.sources[0].path) / "access.log"
    log.write_bytes(b"".join(line.raw for line in simulate(first, last, RULES).lines) + fleet())
    console.print(f"{log.stat().st_size / 1e6:,.0f} MB of logs written.")
    lake = built(settings, first, last)
    later = NOW + timedelta(minutes=1)
    console.print(find_suspects(lake, now=later).sentence)
    shop = Path(settings.sales[0].path)
    write_shop(shop, Story(RULES, first, last).at(NOW))
    write_costs(shop, RULES, [NOW.date() - timedelta(days=number) for number in range(DAYS)])
    expansion = Path(settings.sales[1].path)
    write_expansion(expansion)
    write_candidates(expansion / CANDIDATES)
    pull_sales(lake, NOW)
    matched = [*match_orders(lake, NOW, "screenshots")]
    console.print(f"{sum(result.matched for result in matched):,} orders matched to their visits.")
    refresh_views(lake)
    run_id = "scheduled__2026-11-23T04:30:00+00:00"
    console.print(plan_date(lake, NOW.date(), run_id).sentence)
    console.print(refresh_facts(lake, now=later).sentence)
    return lake


def fleet() -> bytes:
    """Return the lines of machines with the user agents of browsers, on a Wednesday."""
    start = datetime(2026, 11, 18, tzinfo=UTC).timestamp()
    return combined(without_assets(Random(4), CAFE, int(start), FLEET))  # noqa: S311  simulated


def take_pictures(browser: Browser, dashboard: RunningDashboard) -> None:
    """Log in once, and take a screenshot of each page from its top."""
    context = browser.new_context()
    context.new_page().goto(dashboard.new_link())
    state = context.storage_state()
    IMAGES.mkdir(exist_ok=True)
    for picture in PICTURES:
        options: dict[str, Any] = {"viewport": WIDE, "storage_state": state, **picture.options}
        page = browser.new_context(**options, reduced_motion="reduce").new_page()
        page.goto(f"{dashboard.url}{picture.path}")
        _save(page, IMAGES / picture.file)


def take_mail(browser: Browser, lake: Lake) -> None:
    """Take a screenshot of the weekly mail of the story's last week from its top."""
    week = Week.last_complete(NOW, ZoneInfo(lake.settings.site.time_zone))
    page = browser.new_context(viewport=MAIL).new_page()
    page.set_content(render_preview(build_digest(lake, week, NOW)))
    _save(page, IMAGES / "digest.png")


def _save(page: Page, target: Path) -> None:
    page.screenshot(path=target)
    console.print(f"{target.name}: {target.stat().st_size:,} bytes")


def take_picture_in_airflow(browser: Browser, settings: Settings, directory: Path) -> None:
    """Take a screenshot of the dashboard in the navigation of a real Airflow.

    Airflow's clock can't be fixed, so the picture shows a past week.
    """
    hour = Hour.of(NOW).minus(24)
    week = f"from={NOW.date() - timedelta(days=7)}&to={NOW.date() - timedelta(days=1)}"
    home = directory / "airflow"
    home.mkdir()
    with running_airflow(settings, home, hour) as airflow:
        context = browser.new_context(viewport=IN_AIRFLOW)
        airflow.log_in(context, "owner")
        page = context.new_page()
        page.goto(f"{airflow.dashboard}/trust?{week}&hour={hour}")
        page.frame_locator("iframe").locator("#hour").wait_for()
        page.wait_for_load_state("networkidle")
        _save(page, IMAGES / "dashboard-in-airflow.png")
        context.close()


if __name__ == "__main__":
    main()
