"""A lake with three days of the café, and the dashboard on it as a server that browsers reach."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.browser.hostile_lines import failed_orders, hostile_lines
from tests.support.app_thread import serving
from tests.support.cafe_shops import Story
from tests.support.lakes import SQL, built, settings_of_a_lake
from tests.support.sales_files import (
    break_sales,
    pull_sales,
    with_sales,
    write_costs,
    write_sales,
    write_shop,
)

from clickstream.core.hours import Hour
from clickstream.dashboard.access.link import login_link
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.service import DashboardService
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.demo.cafe.places import write_demo_database
from clickstream.lake import Lake
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.sales.matches import match_orders
from clickstream.settings import Settings, load

FIRST, LAST = Hour.parse("2026-11-22T00"), Hour.parse("2026-11-24T14")
NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)
"""A Tuesday afternoon; the first day is a Sunday."""

ATTACKED = datetime(2026, 11, 22, 11, tzinfo=UTC)
FAILED = datetime(2026, 11, 23, 16, tzinfo=UTC)
RULES = CafeRules(visitors_per_hour=14, bots_per_hour=4, scanners_per_hour=1)
COUNTER, CAFE = "counter", "cafe"
"""A shop whose orders have no visit, and the one whose orders are those of the log."""


def settings_of_the_cafe(endpoint: str, directory: Path) -> Settings:
    """The project's own settings, with a lake, logs and accounts in a test's directory."""
    logs, places = directory / "logs", directory / "places.mmdb"
    logs.mkdir()
    write_demo_database(places)
    own = settings_of_a_lake(endpoint, logs)
    ours = load(SQL.parents[1] / "cafe.toml", {})
    kept = str(directory / "dashboard")
    ours = ours.model_copy(
        update={
            "sources": own.sources,
            "lake": own.lake,
            "aws": own.aws,
            "build": own.build,
            "geoip": ours.geoip.model_copy(update={"database": str(places)}),
            "dashboard": ours.dashboard.model_copy(update={"directory": kept}),
        }
    )
    return with_sales(ours, directory, (COUNTER, CAFE))


def build_cafe_lake(settings: Settings) -> Lake:
    """Write the logs, build all hours, pull sales, and refresh the facts."""
    log = Path(settings.sources[0].path) / "access.log"
    lines = [(line.at.timestamp(), line.raw) for line in simulate(FIRST, LAST, RULES).lines]
    for hour, more in ((ATTACKED, hostile_lines(ATTACKED)), (FAILED, failed_orders(FAILED, 40))):
        lines += [(hour.timestamp() + at, raw) for at, raw in enumerate(more)]
    log.write_bytes(b"".join(raw for _, raw in sorted(lines)))
    lake = built(settings, FIRST, LAST)
    counter, dates = Path(settings.sales[0].path), (ATTACKED.date(), FAILED.date())
    write_sales(counter, [*dates, LAST.start.date()], orders=20)
    break_sales(counter, *dates)
    write_cafe(lake)
    pull_sales(lake, NOW)
    _ = [*match_orders(lake, NOW, "tests")]
    refresh_facts(lake, now=NOW)
    return lake


def write_cafe(lake: Lake) -> None:
    """Write the orders of the simulated café, and what its campaigns cost."""
    directory = Path(lake.settings.sales[-1].path)
    write_shop(directory, Story(RULES, FIRST, LAST).at(NOW))
    first, last = FIRST.start.date(), LAST.start.date()
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    write_costs(directory, RULES, dates)


@dataclass(frozen=True)
class RunningDashboard:
    """The dashboard that a browser reaches at `url`."""

    url: str
    settings: Settings
    dashboard: DashboardService

    def new_link(self) -> str:
        """A link that logs in once."""
        return login_link(self.settings.resolve(self.settings.dashboard.directory), self.url)


@contextlib.contextmanager
def running_dashboard(settings: Settings, now: datetime = NOW) -> Iterator[RunningDashboard]:
    """Serve the dashboard on a free port of 127.0.0.1, with a clock that stands still."""
    app = build_app(settings, clock=lambda: now)
    dashboard: DashboardService = app.state.dashboard
    dashboard.refresher.look()
    with serving(app) as address:
        yield RunningDashboard(address, settings, dashboard)
