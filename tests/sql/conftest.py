"""A lake that holds a few simulated hours of the café, around a midnight, and the views over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.support.lakes import build_all
from tests.support.localaws_process import CREDENTIALS

from clickstream import pipeline, settings
from clickstream.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.local.cafe import CafeRules, Truth, write_history

ROOT = Path(__file__).parents[2]
FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
RULES = CafeRules(visitors_per_hour=40, bots_per_hour=8)


@pytest.fixture(scope="session")
def cafe(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Truth]:
    """The lake, built hour by hour from the café's log, and the truth about that log."""
    logs = tmp_path_factory.mktemp("cafe") / "logs"
    truth = write_history(logs, FIRST, LAST, RULES)
    hopes = settings.load(ROOT / "clickstream.toml", {})
    chosen = settings.Settings(
        site=settings.Site(name="cafe", domains=RULES.domains),
        sources=(settings.Source(name="web-1", path=str(logs)),),
        lake=settings.Lake(bucket="lake-sql", database="sql"),
        aws=settings.Aws(endpoint_url=local_aws.endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
        build=settings.Build(sql_directory=str(ROOT / "include" / "sql")),
        goals=hopes.goals,
        funnel=hopes.funnel,
    )
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    lake = open_lake(chosen, session)
    pipeline.pull(lake, chosen.sources[0])
    build_all(lake, FIRST, LAST, "tests")
    pipeline.refresh_views(lake)
    return lake, truth


@pytest.fixture(scope="session")
def lake(cafe: tuple[Lake, Truth]) -> Lake:
    return cafe[0]


@pytest.fixture(scope="session")
def truth(cafe: tuple[Lake, Truth]) -> Truth:
    return cafe[1]
