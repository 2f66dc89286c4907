"""`clickstream try`, as a person runs it on a real log, against the known figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.real_logs.counting import OWN_DOMAIN
from tests.real_logs.real_log import RealLog

pytestmark = pytest.mark.shared_data

Report = dict[str, Any]

REPORTED: dict[str, Callable[[Report], Any]] = {
    "parsed": lambda report: report["lines"],
    "parse_failures": lambda report: report["rejected"]["total"],
    "by_status": lambda report: report["by_status"],
    "bytes_sum": lambda report: report["bytes"],
    "distinct_hosts": lambda report: report["clients"],
    "distinct_utc_hours": lambda report: len(report["by_hour_utc"]),
    "by_hour_of_day_utc": lambda report: by_hour_of_day(report["by_hour_utc"]),
    "first_utc": lambda report: datetime.fromisoformat(report["first_at"]).timestamp(),
    "last_utc": lambda report: datetime.fromisoformat(report["last_at"]).timestamp(),
}
"""The known figures that the report has, too, and where."""


def by_hour_of_day(by_hour: dict[str, int]) -> dict[str, int]:
    found = dict.fromkeys(sorted(hour[-2:] for hour in by_hour), 0)
    for hour, lines in by_hour.items():
        found[hour[-2:]] += lines
    return found


def report_on(log: RealLog, directory: Path) -> Report:
    """What the command prints of a log, run in an empty directory, so by its default settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLICKSTREAM_")}
    done = subprocess.run(
        [sys.executable, "-m", "clickstream.cli", "try", "--json", *map(str, log.paths)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    report: Report = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def of_elastic(elastic: RealLog, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_on(elastic, tmp_path_factory.mktemp("elastic"))


@pytest.fixture(scope="module")
def of_iis(iis: RealLog, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_on(iis, tmp_path_factory.mktemp("iis"))


@pytest.mark.lake
@pytest.mark.parametrize("name", REPORTED)
def test_every_reported_figure_of_elastic_is_the_known_one(
    name: str, of_elastic: Report, known: Callable[[str], Any]
) -> None:
    assert REPORTED[name](of_elastic) == known("elastic-apache-first5000.json")[name]


@pytest.mark.lake
@pytest.mark.parametrize("name", REPORTED)
def test_every_reported_figure_of_iis_is_the_known_one(
    name: str, of_iis: Report, known: Callable[[str], Any]
) -> None:
    assert REPORTED[name](of_iis) == known("waikolai-iis-2009.json")[name]


@pytest.mark.lake
def test_every_hour_of_iis_has_its_known_hits(of_iis: Report, known: Callable[[str], Any]) -> None:
    rows = known("waikolai-iis-2009.hourly_utc.csv")
    expected = {row["utc_hour"].removesuffix(":00:00Z"): int(row["hits"]) for row in rows}
    assert of_iis["by_hour_utc"] == expected


@pytest.mark.lake
def test_137_files_are_one_log(of_iis: Report) -> None:
    assert (of_iis["lines"], of_iis["parsed"], of_iis["rejected"]["total"]) == (6571, 6571, 0)


@pytest.mark.lake
def test_every_line_is_in_the_balance_once(of_elastic: Report, of_iis: Report) -> None:
    assert [sum(report["balance"].values()) for report in (of_elastic, of_iis)] == [5000, 6571]


@pytest.mark.lake
def test_reported_campaigns_of_elastic_are_the_known_ones(
    of_elastic: Report, known: Callable[[str], Any]
) -> None:
    tagged = known("elastic-apache-first5000.attribution.json")
    found = [
        [campaign[name] for name in ("source", "medium", "campaign", "hits")]
        for campaign in of_elastic["campaigns"]
    ]
    assert found == tagged["by_source_medium_campaign_decoded"]


@pytest.mark.lake
def test_the_site_itself_is_no_referrer(of_elastic: Report) -> None:
    domains = [referrer["domain"] for referrer in of_elastic["top_referrers"]]
    assert domains
    assert not [domain for domain in domains if domain.endswith(OWN_DOMAIN)]
