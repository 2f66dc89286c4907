"""A lake that holds a few simulated hours of the café, around a midnight, and the views over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.lakes import built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream import settings
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, Truth, write_history
from clickstream.lake import Lake
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.settings.sections import LOCAL_BUCKET, QUERY_RESULTS

ROOT = Path(__file__).parents[2]
FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
RULES = CafeRules(seed=5, visitors_per_hour=120, bots_per_hour=8)
"""Of this seed, these quiet hours hold something for every view, errors of people included."""


@pytest.fixture(scope="session")
def cafe_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsProcess]:
    """A local AWS as `clickstream up` starts it, for the examples of docs/sql.md."""
    workgroup = f"primary=s3://{LOCAL_BUCKET}/{QUERY_RESULTS}"
    with LocalAwsProcess(tmp_path_factory.mktemp("cafe-aws"), "--workgroup", workgroup) as process:
        yield process


@pytest.fixture(scope="session")
def cafe(cafe_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Truth]:
    """The lake, built hour by hour from the café's log, and the truth about that log."""
    logs = tmp_path_factory.mktemp("cafe") / "logs"
    truth = write_history(logs, FIRST, LAST, RULES)
    hopes = settings.load(ROOT / "cafe.toml", {})
    own = {
        "site": settings.SiteSettings(
            name="cafe", domains=RULES.domains, time_zone="America/New_York"
        ),
        "lake": settings.LakeSettings(),
        "goals": hopes.goals,
        "funnel": hopes.funnel,
    }
    chosen = settings_of_a_lake(cafe_aws.endpoint, logs).model_copy(update=own)
    lake = built(chosen, FIRST, LAST)
    refresh_views(lake)
    find_suspects(lake, now=LAST.start)
    return lake, truth


@pytest.fixture(scope="session")
def lake(cafe: tuple[Lake, Truth]) -> Lake:
    return cafe[0]


@pytest.fixture(scope="session")
def truth(cafe: tuple[Lake, Truth]) -> Truth:
    return cafe[1]
