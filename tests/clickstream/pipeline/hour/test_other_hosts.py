"""Requests to the hosts of other sites change no row of the site's own, and are counted."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.lakes import beside, built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena, hour_ledger
from clickstream.pipeline.proof.verify import verify
from clickstream.settings import Settings, SourceSettings

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
OWN, OTHERS = "www.cafe.example", ["blog.cafe.example:443", "Shop.Example", "192.0.2.80"]
PLACES = ("raw_object", "line_number")


def lake_of(settings: Settings, logs: Path, lines: list[str], hosts: tuple[str, ...]) -> Lake:
    write(logs, lines)
    site = settings.site.model_copy(update={"hosts": hosts})
    source = SourceSettings(name="web-1", path=str(logs))
    return built(settings.model_copy(update={"site": site, "sources": (source,)}), FIRST, LAST)


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    answer = athena.query(lake, f"select * from {table}")
    found = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return sorted(({k: v for k, v in one.items() if k not in PLACES} for one in found), key=repr)


@pytest.fixture(scope="module")
def lakes(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> list[Lake]:
    """A lake of the site's own lines, and one of the same among those of other sites."""
    logs = tmp_path_factory.mktemp("hosts")
    own = [f"{OWN} {line}" for line in log_lines(12, FIRST, LAST)]
    random = Random(7)
    mixed = []
    for line in own:
        chosen = OTHERS if "HTTP/1.1" in line else []  # a broken line has no host
        mixed += [line.replace(OWN, host, 1) for host in chosen if random.random() < 0.5]
        mixed.append(line)
    alone = settings_of_a_lake(local_aws.endpoint, logs)
    return [
        lake_of(alone, logs / "alone", own, ()),
        lake_of(beside(alone, "mixed"), logs / "mixed", mixed, (OWN, "*.example.org")),
    ]


@pytest.mark.parametrize("table", ["hits", "session_parts", "rejects"])
def test_lines_of_other_sites_change_no_row(lakes: list[Lake], table: str) -> None:
    alone, mixed = (rows(lake, table) for lake in lakes)
    assert mixed == alone
    assert alone or table == "rejects"


def test_they_are_counted_in_the_ledger_and_every_balance_closes(lakes: list[Lake]) -> None:
    alone, mixed = (hour_ledger.ledger(lake).set_index("hour_at") for lake in lakes)
    assert alone["other_hosts"].sum() == 0 < mixed["other_hosts"].sum()
    assert (mixed["lines"] - mixed["other_hosts"]).tolist() == alone["lines"].tolist()
    for lake in lakes:
        assert verify(lake).is_proven


def test_the_hits_have_their_host(lakes: list[Lake]) -> None:
    assert {row["host"] for row in rows(lakes[1], "hits")} == {OWN}
