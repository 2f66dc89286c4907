"""`clickstream try`, as a person runs it on a real log, against the known figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.real_logs.counting import OWN_DOMAIN
from tests.real_logs.real_log import RealLog
from tests.support.cases import each_case
from tests.support.command_line import clean_environment, run_command

pytestmark = [pytest.mark.lake, pytest.mark.shared_data]

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
    """Return what the command prints in an empty directory, so with its default settings."""
    arguments = ("try", "--json", *map(str, log.paths))
    done = run_command(arguments, directory, clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    report: Report = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def of_elastic(elastic: RealLog, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_on(elastic, tmp_path_factory.mktemp("elastic"))


@pytest.fixture(scope="module")
def of_iis(iis: RealLog, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_on(iis, tmp_path_factory.mktemp("iis"))


@each_case("name", REPORTED)
def test_every_reported_figure_of_elastic_is_the_known_one(
    name: str, of_elastic: Report, known: Callable[[str], Any]
) -> None:
    assert REPORTED[name](of_elastic) == known("elastic-apache-first5000.json")[name]


@pytest.mark.deep
@each_case("name", REPORTED)
def test_every_reported_figure_of_iis_is_the_known_one(
    name: str, of_iis: Report, known: Callable[[str], Any]
) -> None:
    assert REPORTED[name](of_iis) == known("waikolai-iis-2009.json")[name]


@pytest.mark.deep
def test_every_hour_of_iis_has_its_known_hits(of_iis: Report, known: Callable[[str], Any]) -> None:
    rows = known("waikolai-iis-2009.hourly_utc.csv")
    expected = {row["utc_hour"].removesuffix(":00:00Z"): int(row["hits"]) for row in rows}
    assert of_iis["by_hour_utc"] == expected


@pytest.mark.deep
def test_137_files_are_one_log(of_iis: Report) -> None:
    assert (of_iis["lines"], of_iis["parsed"], of_iis["rejected"]["total"]) == (6571, 6571, 0)
    assert sum(of_iis["balance"].values()) == 6571


def test_every_line_is_in_the_balance_once(of_elastic: Report) -> None:
    assert sum(of_elastic["balance"].values()) == 5000


def test_reported_campaigns_of_elastic_are_the_known_ones(
    of_elastic: Report, known: Callable[[str], Any]
) -> None:
    tagged = known("elastic-apache-first5000.attribution.json")
    found = [
        [campaign[name] for name in ("source", "medium", "campaign", "hits")]
        for campaign in of_elastic["campaigns"]
    ]
    assert found == tagged["by_source_medium_campaign_decoded"]


def test_the_site_itself_is_no_referrer(of_elastic: Report) -> None:
    domains = [referrer["domain"] for referrer in of_elastic["top_referrers"]]
    assert domains
    assert not [domain for domain in domains if domain.endswith(OWN_DOMAIN)]
