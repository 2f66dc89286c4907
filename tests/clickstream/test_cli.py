"""The command line as a person uses it: another process, its output, its exit code."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from tests.support.access_log import Client, append
from tests.support.localaws_process import LocalAwsProcess

ROOT = Path(__file__).parents[2]
HOUR = "2026-11-20T05"


class Terminal:
    """Runs `clickstream` in a directory that holds the café's logs."""

    def __init__(self, directory: Path, aws: LocalAwsProcess) -> None:
        self.directory = directory
        source = json.dumps(str(directory / "logs"))
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CLICKSTREAM_"))},
            **aws.environment(),
            "CLICKSTREAM_SOURCES": f'[{{name = "web-1", path = {source}}}]',
            "CLICKSTREAM_LAKE__BUCKET": f"cli-{directory.parent.name[-12:].strip('-_').lower()}",
            "CLICKSTREAM_BUILD__SQL_DIRECTORY": str(ROOT / "include" / "sql"),
            "COLUMNS": "100",
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "clickstream.cli", *arguments]
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A lake with one built hour: Ana looks at two pages, a line is broken."""
    directory = tmp_path_factory.mktemp("cli") / "here"
    (directory / "logs").mkdir(parents=True)
    ana = Client("192.0.2.1")
    lines = [ana.get(f"{HOUR}:10:00", "/"), ana.get(f"{HOUR}:12:00", "/menu"), "cut in the mid"]
    append(directory / "logs" / "access.log", lines)
    with LocalAwsProcess(directory / "aws") as aws:
        yield Terminal(directory, aws)


@pytest.fixture(scope="module")
def built(terminal: Terminal) -> Terminal:
    run = terminal.run("build", HOUR, HOUR)
    assert run.returncode == 0, run.stderr
    assert "web-1: 3 new lines of 1 file" in run.stdout
    assert f"Hour {HOUR} published (built): 3 lines, 2 hits, 1 session parts." in run.stderr
    assert "; 0 unchanged" in run.stdout
    return terminal


def test_a_query_is_a_table(built: Terminal) -> None:
    run = built.run("query", "select page, page_views from top_pages order by page")
    assert [line.split() for line in run.stdout.splitlines() if "/" in line] == [
        ["/", "1"],
        ["/menu", "1"],
    ]


def test_a_table_wider_than_the_terminal_is_shown_as_records(built: Terminal) -> None:
    run = built.run("query", "select * from sessions", COLUMNS="40")
    record = dict(line.split(None, 1) for line in run.stdout.splitlines() if len(line.split()) > 1)
    assert record["landing_page"].strip() == "/"
    assert record["duration_seconds"].strip() == "120"


def test_a_query_as_csv_and_json(built: Terminal) -> None:
    sql = "select session_date, page_views, is_bounce, utm_source from sessions"
    rows = list(csv.reader(StringIO(built.run("query", sql, "--format", "csv").stdout)))
    assert rows == [
        ["session_date", "page_views", "is_bounce", "utm_source"],
        ["2026-11-20", "2", "False", ""],
    ]
    (record,) = json.loads(built.run("query", sql, "--format", "json").stdout)
    assert record == {
        "session_date": "2026-11-20",
        "page_views": 2,
        "is_bounce": False,
        "utm_source": None,
    }


def test_a_query_that_fails_says_why(built: Terminal) -> None:
    run = built.run("query", "select nothing from nowhere")
    assert run.returncode == 1
    assert "TABLE_NOT_FOUND" in run.stderr
    assert "Traceback" not in run.stderr


def test_verify_is_content(built: Terminal) -> None:
    run = built.run("verify")
    assert (run.returncode, run.stdout.startswith("✓")) == (0, True)


def test_upkeep_says_what_it_does(built: Terminal) -> None:
    """One hour has one file, so there is nothing to compact; its staged rows are young."""
    for arguments in (("upkeep", "--dry-run"), ("upkeep",)):
        compacted, expired, swept = built.run(*arguments).stdout.splitlines()
        assert compacted.startswith("0 small data files")
        assert "0 of hour_ledger." in expired
        assert swept.endswith("0 of staging, 0 of query results.")


def test_building_again_changes_nothing_but_the_publication(built: Terminal) -> None:
    sql = "select * from session_parts"
    before = built.run("query", sql, "--format", "json").stdout
    run = built.run("build", HOUR, HOUR)
    assert "0 new lines" in run.stdout
    views = len([*(ROOT / "include" / "sql").glob("*.sql")])
    assert f"{views} unchanged" in run.stdout
    assert built.run("query", sql, "--format", "json").stdout == before


def test_a_dry_run_of_a_day_says_how_its_hours_stand(built: Terminal) -> None:
    run = built.run("build", "2026-11-20", "2026-11-20", "--outdated", "--dry-run")
    assert "24 hours, 23 not built yet, 1 up to date; 3 lines published" in run.stdout
    assert "Would build 23 hours: 2026-11-20T00, " in run.stdout
    assert built.run("query", "select count(*) from hour_ledger", "--format", "csv").stdout == (
        "_col0\n1\n"
    )


def test_an_hour_that_another_build_can_t_change_is_left_out(built: Terminal) -> None:
    run = built.run("build", HOUR, HOUR, "--outdated")
    assert run.returncode == 0, run.stderr
    assert "published (" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("build", "2026-11-21", "2026-11-20"), "The range ends before it begins"),
        (("build", "yesterday", HOUR), "'yesterday' is not an hour"),
        (("query", "select 1", "--format", "xml"), "'xml' is not one of table, csv, json"),
        (("try", "nowhere.log"), "nowhere.log"),
    ],
)
def test_bad_input_is_one_clear_sentence(
    terminal: Terminal, arguments: tuple[str, ...], says: str
) -> None:
    run = terminal.run(*arguments)
    assert run.returncode != 0
    assert says in run.stderr
    assert "Traceback" not in run.stderr


def test_no_aws_is_said_with_what_to_do(terminal: Terminal) -> None:
    run = terminal.run("verify", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert run.returncode == 1
    assert "Can't reach AWS" in run.stderr
    assert "clickstream up" in run.stderr


def test_settings_show_value_and_meaning(terminal: Terminal) -> None:
    run = terminal.run("settings", "--json", CLICKSTREAM_SESSIONS__GAP_SECONDS="900")
    assert json.loads(run.stdout)["sessions"]["gap_seconds"] == 900
    assert (
        "A longer silence than this ends a session"
        in terminal.run("settings", COLUMNS="200").stdout
    )


@pytest.mark.parametrize("command", ["try", "build", "verify", "query", "settings", "up", "demo"])
def test_every_command_has_help_with_an_example(terminal: Terminal, command: str) -> None:
    shown = terminal.run(command, "--help").stdout
    assert "Example:" in shown
