"""The café's lake of docs/trust.md: what a server logged in forty minutes came late."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.lakes import build_all

from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.lake import Lake
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, refresh_views
from clickstream.pipeline.pull.host import pull_source

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
RULES = CafeRules(visitors_per_hour=100, bots_per_hour=12)
LATE = re.compile(rb"\S+[02468] .*\[20/Nov/2026:23:[1-4]\d:")
"""What the café's second server logged, which answers to every other address."""


def build_late_cafe(lake: Lake, directory: Path) -> datetime:
    """Build the café's hours in the lake, whose source is `directory`, then bring the late lines.

    Returns a moment between the two.
    """
    lines = [line.raw for line in simulate(FIRST, LAST, RULES).lines]
    late = [line for line in lines if LATE.match(line)]
    on_time = [line for line in lines if not LATE.match(line)]
    source = lake.settings.sources[0]
    (directory / "web-1-access.log").write_bytes(b"".join(on_time))
    pull_source(lake, source)
    build_all(lake, FIRST, LAST, "on time")
    between = datetime.now(UTC)
    time.sleep(0.01)  # Snapshots are told apart by milliseconds.
    (directory / "web-2-access.log").write_bytes(b"".join(late))
    pull_source(lake, source)
    for hour in hours_to_build(lake, LAST).hours:
        build_hour(lake, hour, "late")
    refresh_views(lake)
    return between
