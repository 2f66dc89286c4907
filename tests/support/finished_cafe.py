"""A finished lake of the simulated café: two days of its log, its shop, and all that follows.

`scripts/golden.py` digests it, and tests clone it (`tests.support.clones`). Seed, dates, keys and
files are fixed, so that the same program gives the same rows; only moments of publication, ids of
snapshots and names of data files differ from one build to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path

from tests.support.cafe_shops import Story
from tests.support.lakes import SQL, aws_session, build_all
from tests.support.sales_files import pull_sales, write_costs, write_shop

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules
from clickstream.demo.cafe.expansion import (
    CANDIDATES,
    COLUMN_MAP,
    write_candidates,
    write_expansion,
)
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.log_files import late_in
from clickstream.demo.cafe.places import write_demo_database
from clickstream.demo.cafe.weblog import render
from clickstream.lake import Lake, open_lake
from clickstream.lake.customer_secret import NAME
from clickstream.lake.visitor_keys import periods_of
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.sales.location_runs import plan_date
from clickstream.pipeline.sales.matches import match_orders
from clickstream.settings import AwsSettings, Settings, load
from clickstream.settings.sales import SalesSettings

HOURS = 48
FIRST = Hour.parse("2026-11-22T00")
LAST = FIRST.plus(HOURS - 1)
NOW = datetime(2026, 11, 24, 0, 20, tzinfo=UTC)
"""A Tuesday, soon after the last hour. The first date is the last one of the week before."""

RULES = CafeRules(visitors_per_hour=30, bots_per_hour=8, scanners_per_hour=1)
RUN = "tests"


def settings_of_the_cafe(endpoint: str, directory: Path, name: str = "cafe") -> Settings:
    """Return the project's own settings, with a lake of a name, and files below a directory."""
    ours = load(SQL.parents[1] / "cafe.toml", {})
    sales = tuple(
        SalesSettings(
            name=shop, kind="csv", columns=columns, currency="GBP", path=str(directory / shop)
        )
        for shop, columns in (("shop", "generic"), ("expansion", str(COLUMN_MAP)))
    )
    source = ours.sources[0].model_copy(update={"path": str(directory / "logs")})
    lake = {"bucket": f"lake-{name}", "database": f"lake_{name}", "key_secret": f"keys-{name}"}
    locations = {"candidates": str(directory / "expansion" / CANDIDATES)}
    return ours.model_copy(
        update={
            "sources": (source,),
            "sales": sales,
            "lake": ours.lake.model_copy(update=lake),
            "aws": AwsSettings(endpoint_url=endpoint, region="us-east-1"),
            "build": ours.build.model_copy(update={"sql_directory": str(SQL)}),
            "geoip": ours.geoip.model_copy(update={"database": str(directory / "places.mmdb")}),
            "locations": ours.locations.model_copy(update=locations),
            "dashboard": ours.dashboard.model_copy(
                update={"directory": str(directory / "dashboard")}
            ),
        }
    )


def build_cafe(
    settings: Settings, directory: Path, move_to: Callable[[datetime], object] = lambda _: None
) -> Lake:
    """Write the files of the café, build its hours, and do all that follows, as of `NOW`.

    Half of the lines of two hours come late, after their hours are published. `move_to` is called
    with the moments at which the hours are built, the late lines come, and all else is done.
    """
    move_to(NOW - timedelta(minutes=10))
    logs = directory / "logs"
    logs.mkdir()
    lake = open_lake(settings, aws_session())
    store_keys(lake)
    write_demo_database(directory / "places.mmdb")
    write_expansion(directory / "expansion")
    write_candidates(directory / "expansion" / CANDIDATES)
    write_shop(directory / "shop", Story(RULES, FIRST, LAST).at(NOW))
    dates = [FIRST.event_date, LAST.event_date]
    write_costs(directory / "shop", RULES, dates)

    late_hours = [*hour_range(FIRST.plus(10), FIRST.plus(11))]
    is_late = late_in(late_hours)
    entries = [
        (hour, entry) for hour, of_hour in islice(traffic(RULES, FIRST), HOURS) for entry in of_hour
    ]
    on_time = [render(entry) for hour, entry in entries if not is_late(hour, entry)]
    (logs / "access.log").write_bytes(b"".join(on_time))
    pull_source(lake, settings.sources[0])
    build_all(lake, FIRST, LAST, RUN)
    move_to(NOW - timedelta(minutes=5))
    late = [render(entry) for hour, entry in entries if is_late(hour, entry)]
    (logs / "web-2-access.log").write_bytes(b"".join(late))
    pull_source(lake, settings.sources[0])
    for hour in hours_to_build(lake, LAST).hours:
        build_hour(lake, hour, RUN)

    move_to(NOW)
    pull_sales(lake, NOW)
    refresh_views(lake)
    find_suspects(lake, now=NOW)
    _ = [*match_orders(lake, NOW, RUN)]
    plan_date(lake, NOW.date(), RUN)
    refresh_facts(lake, now=NOW)
    return lake


def store_keys(lake: Lake) -> None:
    """Store keys of visitors and customers that follow from their names."""
    periods = {period for hour in (FIRST, LAST) for period in periods_of(lake.settings, hour)}
    for name in [NAME, *sorted(period.name for period in periods if period)]:
        lake.secrets.create_secret(
            Name=f"{lake.settings.lake.key_secret}/{name}",
            SecretString=sha256(name.encode()).hexdigest(),
        )
