"""`clickstream locations` on a lake whose tables have the orders of some towns."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.command_line import CommandLine
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.town_lake import CANDIDATES, SALES, store_towns, stored_plan

from clickstream.dashboard.ask.fact_copy import FactCopy
from clickstream.insight.location_sql import market_sql
from clickstream.lake import athena, open_lake
from clickstream.lake.fact_files import read_file, read_manifest
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.settings.sales import SalesSettings

LAST = datetime.now(UTC).date() - timedelta(days=1)


class Shell(CommandLine):
    """Runs `clickstream locations` beside the settings and the file of candidates."""

    def __init__(self, directory: Path, aws: LocalAwsProcess) -> None:
        shop = {"name": "shop", "kind": "csv", "columns": "generic", "currency": "GBP"}
        sales = (SalesSettings.model_validate({**shop, "path": "sales"}),)
        settings = settings_of_a_lake(aws.endpoint, directory).model_copy(update={"sales": sales})
        self.lake = open_lake(settings, aws_session())
        own = f'[lake]\nbucket = "{settings.lake.bucket}"\ndatabase = "{self.lake.database}"\n'
        super().__init__("locations", directory, own + SALES, aws, columns=160)

    def write(self, candidates: str) -> None:
        (self.directory / "candidates.csv").write_text(candidates, encoding="utf-8")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAwsProcess) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("locations"), local_aws)
    store_towns(shell.lake, LAST)
    return shell


def rows_of(text: str) -> Sequence[dict[str, str]]:
    return [*csv.DictReader(text.splitlines())]


def test_a_plan_ranks_candidates_and_says_what_it_cannot_know(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("plan")
    assert done.returncode == 1  # of the rows that can't be used
    assert "Line 4, Sea: it has no coordinates" in done.stderr
    assert "Busy is the first of 2 by the web orders that would move to the café" in done.stdout
    assert "web orders moved a month" in done.stdout
    assert "Not known: people who pass by" in done.stdout
    assert "Beats people alone: of " in done.stdout
    assert "The orders of your cafés show that" in done.stdout
    assert "orders on desktops count as those of fixed lines" in done.stdout


def test_the_plan_as_json_has_the_intervals(shell: Shell) -> None:
    shell.write("\n".join(CANDIDATES.splitlines()[:3]))
    done = shell.run("plan", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    busy, quiet = found["candidates"]
    assert (busy["name"], quiet["name"]) == ("Busy", "Quiet")
    assert busy["orders"]["low"] < busy["orders"]["middle"] < busy["orders"]["high"]
    assert busy["orders"]["middle"] > quiet["orders"]["middle"]
    assert found["beats_people_alone"]
    assert found["distance_km"]["source"] == "fitted"


def test_a_stored_plan_replaces_that_of_the_date(shell: Shell) -> None:
    shell.write(CANDIDATES)
    printed = json.loads(shell.run("plan", "--json").stdout)["candidates"]
    for candidates in ('name,place\nOther,"Town 1, England, GB"\n', CANDIDATES):
        shell.write(candidates)
        done = shell.run("plan", "--store")
        assert "Stored as the plan of" in done.stderr
    stored = stored_plan(shell.lake)
    assert [(one["rank"], one["name"]) for one in stored] == [(1, "Busy"), (2, "Quiet")]
    assert {one["orders_middle"] for one in stored} == {one["orders"]["middle"] for one in printed}
    assert "Left out: Line 4, Sea: it has no coordinates" in stored[0]["notes"]
    assert (stored[0]["first_date"], stored[0]["last_date"]) == (LAST - timedelta(days=21), LAST)


def test_a_file_without_a_candidate_leaves_the_stored_plan(shell: Shell) -> None:
    shell.write(CANDIDATES)
    shell.run("plan", "--store")
    shell.write("name,place\nSea,\n")
    done = shell.run("plan", "--store")
    assert done.returncode == 1
    assert "There is no candidate to plan with. Line 2, Sea: it has no coordinates" in done.stderr
    assert [one["name"] for one in stored_plan(shell.lake)] == ["Busy", "Quiet"]


def test_athena_the_dashboards_copy_and_the_stored_plan_agree(shell: Shell, tmp_path: Path) -> None:
    lake, day = shell.lake, LAST + timedelta(days=1)
    shell.write(CANDIDATES)
    shell.run("plan", "--store")
    refresh_facts(lake)
    stored = read_manifest(lake)
    assert stored is not None
    copy = FactCopy(tmp_path, lambda file: read_file(lake, file))
    copy.update(stored.value)
    queries = market_sql(day - timedelta(days=365), LAST)
    with copy.snapshot() as snapshot:
        copied = [snapshot.cursor.execute(sql).fetchall() for sql in queries]
        found = snapshot.cursor.execute("select name from location_facts order by rank").fetchall()
    copy.close()
    for sql, rows in zip(queries, copied, strict=True):
        assert rows
        assert Counter(map(tuple, athena.query(lake, sql).rows)) == Counter(rows)
    assert found == [(one["name"],) for one in stored_plan(lake)]


def test_an_explanation_has_the_towns_and_the_own_cafes(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("explain", "Busy")
    assert done.returncode == 0, done.stderr
    assert "Town 15, England, GB" in done.stdout
    assert "The café North loses about" in done.stdout
    found = json.loads(shell.run("explain", "Busy", "--json").stdout)
    assert found["towns"][0]["name"] == "Town 15, England, GB"
    assert found["orders"] > sum(found["from_own_cafes"].values())


def test_an_unknown_candidate_is_named_with_those_of_the_file(shell: Shell) -> None:
    shell.write(CANDIDATES)
    done = shell.run("explain", "Bussy")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no candidate Bussy; the file has Busy, Quiet." in done.stderr


def test_proposed_candidates_are_a_file_to_fill_in(shell: Shell) -> None:
    done = shell.run("candidates", "--limit", "3")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    assert len(rows) == 3
    shell.write(done.stdout)
    plan = json.loads(shell.run("plan", "--json").stdout)
    assert {one["name"] for one in plan["candidates"]} == {row["name"] for row in rows}


def test_a_missing_file_says_how_to_write_one(shell: Shell) -> None:
    (shell.directory / "candidates.csv").unlink(missing_ok=True)
    done = shell.run("plan")
    assert done.returncode == 1
    assert "write the file with `clickstream locations candidates`" in done.stderr
