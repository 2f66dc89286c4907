"""Three days of the café, with all that makes a lake hard to read, for the comparison of engines.

Lines come late, across a midnight; bots and a fleet of machines visit; some visitors opt out;
visitor keys change daily.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from benchmarks.people.lines import DAY, combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import CAFE
from tests.support.lakes import aws_session, build_all, settings_of_a_lake

from clickstream import settings
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.lake import Lake, open_lake
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.publish import hours_to_build, refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source

ROOT = Path(__file__).parents[2]
FIRST, LAST = Hour.parse("2026-11-18T00"), Hour.parse("2026-11-20T23")
RULES = CafeRules(visitors_per_hour=16, bots_per_hour=4)
MACHINES = 300
LATE = re.compile(rb"\S+[02468] .*\[(19/Nov/2026:23|20/Nov/2026:00):[1-4]\d:")
"""Lines of every other address in 40 minutes before midnight, and in 40 after it."""

OPTED_OUT = re.compile(rb"\S+[37] ")
"""Addresses whose browser sends Sec-GPC."""

FORMATS = {
    "with_opt_out": (
        'log_format main \'$remote_addr - $remote_user [$time_local] "$request" $status '
        '$body_bytes_sent "$http_referer" "$http_user_agent" "$http_sec_gpc"\';'
    )
}


def build_three_days(endpoint: str, logs: Path) -> Lake:
    """Build the lake and its views; `logs` becomes the directory of the log files."""
    lake = open_lake(_settings(endpoint, logs), aws_session())
    raw = [line.raw for line in simulate(FIRST, LAST, RULES).lines]
    lines = [*map(_with_opt_out, [*raw, *_fleet()])]
    logs.mkdir()
    _pull(lake, logs / "web-1-access.log", [line for line in lines if not LATE.match(line)])
    build_all(lake, FIRST, LAST, "on time")
    _pull(lake, logs / "web-2-access.log", [line for line in lines if LATE.match(line)])
    for _ in rebuild(lake, hours_to_build(lake, LAST).hours, "late"):
        pass
    refresh_views(lake)
    find_suspects(lake, now=LAST.start)
    return lake


def _fleet() -> list[bytes]:
    """The lines of machines with the user agents of browsers, on the last date."""
    fleet = without_assets(Random(4), CAFE, int(LAST.start.timestamp()) // DAY * DAY, MACHINES)
    return combined(fleet).splitlines(keepends=True)


def _settings(endpoint: str, logs: Path) -> settings.Settings:
    defaults = settings.load(ROOT / "cafe.toml", {})
    own = {
        "site": settings.SiteSettings(name="cafe", domains=RULES.domains),
        "goals": defaults.goals,
        "funnel": defaults.funnel,
        "privacy": settings.PrivacySettings(key_days=1, confirm_cost=True),
        "formats": FORMATS,
        "sources": (settings.SourceSettings(name="web-1", path=str(logs), format="with_opt_out"),),
    }
    return settings_of_a_lake(endpoint, logs).model_copy(update=own)


def _with_opt_out(line: bytes) -> bytes:
    value = b"1" if OPTED_OUT.match(line) else b"-"
    return line.rstrip(b"\n") + b' "' + value + b'"\n'


def _pull(lake: Lake, log: Path, lines: list[bytes]) -> None:
    log.write_bytes(b"".join(lines))
    pull_source(lake, lake.settings.sources[0])
