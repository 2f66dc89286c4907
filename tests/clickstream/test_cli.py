"""The command line as a person uses it: its output and its exit code."""

from __future__ import annotations

import csv
import json
import re
import socket
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.support import lakes
from tests.support.access_log import Client, append
from tests.support.command_line import clean_environment, run_command
from tests.support.damage import flipped
from tests.support.key_periods import destroy_key
from tests.support.lakes import SQL, aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.lake.fact_files import FACT_VIEWS

DAY = "2026-11-20"
HOUR = f"{DAY}T05"


class Terminal:
    """Runs `clickstream` in a directory with the café's logs, on a lake of its own."""

    def __init__(self, directory: Path, aws: LocalAwsProcess) -> None:
        self.directory = directory
        self.settings = settings_of_a_lake(aws.endpoint, directory / "logs")
        source, lake = json.dumps(str(directory / "logs")), self.settings.lake
        self.environment = {
            **clean_environment(),
            **aws.environment(),
            "CLICKSTREAM_SOURCES": f'[{{name = "web-1", path = {source}}}]',
            "CLICKSTREAM_LAKE__BUCKET": lake.bucket,
            "CLICKSTREAM_LAKE__DATABASE": lake.database,
            "CLICKSTREAM_LAKE__KEY_SECRET": lake.key_secret,
            "CLICKSTREAM_BUILD__SQL_DIRECTORY": str(SQL),
            "COLUMNS": "100",
        }

    @property
    def lake(self) -> Lake:
        """The lake, as another process opens it."""
        return Lake(self.settings, aws_session())

    def run(self, *arguments: str, **more: str) -> CompletedProcess[str]:
        return run_command(arguments, self.directory, {**self.environment, **more})


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAwsProcess) -> Terminal:
    """A lake with one built hour: Ana looks at two pages, a line is broken."""
    return one_hour(tmp_path_factory.mktemp("cli"), local_aws)


def one_hour(directory: Path, aws: LocalAwsProcess) -> Terminal:
    """A terminal beside the log of one hour."""
    (directory / "logs").mkdir()
    ana = Client("192.0.2.1")
    lines = [ana.get(f"{HOUR}:10:00", "/"), ana.get(f"{HOUR}:12:00", "/menu"), "cut in the mid"]
    append(directory / "logs" / "access.log", lines)
    return Terminal(directory, aws)


@pytest.fixture(scope="module")
def built(terminal: Terminal) -> Terminal:
    run = terminal.run("build", HOUR, HOUR)
    assert run.returncode == 0, run.stderr
    assert "web-1: 3 new lines of 1 file" in run.stdout
    assert f"Hour {HOUR} published (built): 3 lines, 2 hits, 1 session part." in run.stderr
    assert "; 0 unchanged" in run.stdout
    assert f"Facts of {DAY} computed by {len(FACT_VIEWS)} queries of " in run.stdout
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


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "The SQL statement is empty"),
        ("/* nothing */", "SYNTAX_ERROR"),
        ("select nothing from hits", "COLUMN_NOT_FOUND"),
        ("show partitions sessions", "sessions' is a view"),
        ("select ?", "Athena"),
    ],
)
def test_a_statement_that_can_t_be_answered_says_why(built: Terminal, sql: str, says: str) -> None:
    run = built.run("query", sql)
    assert run.returncode == 1
    assert says in run.stderr
    assert "Traceback" not in run.stderr


def test_describe_is_a_table_and_json(built: Terminal) -> None:
    shown = built.run("query", "describe hits").stdout
    assert "col_name" in shown
    assert re.search(
        r"^ *hit_at +timestamp +Time at which the server logged the request", shown, re.MULTILINE
    )
    records = json.loads(built.run("query", "describe hits", "--format", "json").stdout)
    assert {"col_name": "kind", "data_type": "string"}.items() <= next(
        record for record in records if record["col_name"] == "kind"
    ).items()


def test_what_show_answers_is_printed_as_lines(built: Terminal) -> None:
    assert built.run("query", "show partitions hits").stdout == "event_date=2026-11-20\n"
    assert "hour_ledger\n" in built.run("query", "show tables").stdout
    assert "hit_at\n" in built.run("query", "show columns from hits").stdout
    created = built.run("query", "show create table hits").stdout
    assert created.startswith(f"CREATE TABLE {built.settings.lake.database}.hits (\n")
    assert "PARTITIONED BY (`event_date`)\n" in created
    assert built.run("query", "select page from hits where false").stdout == (
        "No rows. Columns: page.\n"
    )


def test_verify_says_what_it_looked_at(built: Terminal) -> None:
    """A day is its 24 hours; an hour is that hour; without a range all known hours."""
    of_lake, of_day, of_hour = (built.run("verify", *chosen) for chosen in ([], [DAY], [HOUR]))
    assert [run.returncode for run in (of_lake, of_day, of_hour)] == [0, 0, 0]
    looked = f"Checked {HOUR} to {HOUR}: 1 of 1 hour published, 3 lines.\n✓"
    assert (of_lake.stdout.startswith(looked), of_hour.stdout.startswith(looked)) == (True, True)
    assert of_day.stdout.startswith(
        f"Checked {DAY}T00 to {DAY}T23: 1 of 24 hours published, 3 lines.\n! 23 hours without raw"
    )


def test_only_verify_deep_reads_all_bytes_and_fails_if_a_stored_object_is_damaged(
    built: Terminal,
) -> None:
    whole = built.run("verify", "--deep", HOUR)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith(f"Read all stored bytes of {HOUR} to {HOUR}: ")
    assert "1 raw object with 3 lines" in whole.stdout
    assert "✓ No stored object of these hours is damaged." in whole.stdout
    assert "verify --deep" not in whole.stdout
    [one] = raw.list_raw(built.lake, Hour.parse(HOUR))
    stored = objects.get(built.lake, one.key)
    assert stored is not None
    objects.put(built.lake, one.key, flipped(stored.body, one.size // 2))
    deep, alone = built.run("verify", "--deep", HOUR), built.run("verify", HOUR)
    objects.put(built.lake, one.key, stored.body)
    assert (deep.returncode, alone.returncode) == (1, 0)
    assert one.key in "".join(deep.stderr.split())
    assert "run clickstream verify --deep." in alone.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "2027-11-20"), "No published hour"),
        (("verify", "2026-11-21", "2026-11-20"), "The range ends before it begins"),
        (("repair", "2026-11-01", "2026-11-19"), "No published hour"),
    ],
)
def test_verify_and_repair_do_not_reassure_about_nothing(
    built: Terminal, arguments: tuple[str, ...], says: str
) -> None:
    run = built.run(*arguments)
    assert (run.returncode, "✓" in run.stdout) == (1, False)
    assert says in run.stderr


def test_status_is_a_screen_and_json_with_the_same_verdict(built: Terminal) -> None:
    """The hour is days old, so the lake is late; unless that is allowed."""
    shown = built.run("status", "--since", DAY, COLUMNS="80")
    assert shown.returncode == 1, shown.stderr
    assert shown.stdout.startswith("Late or incomplete, 3 open problems at ")
    assert f"✗ Newest hour {HOUR}, ended " in shown.stdout
    assert "Waiting     none" in shown.stdout
    assert all(len(line) <= 80 for line in shown.stdout.splitlines()[:14])
    allowed = ("--max-lag", "9999d", "--max-source-lag", "9999d")
    asked = built.run("status", "--json", "--since", DAY, *allowed)
    values = json.loads(asked.stdout)
    assert len(values["problems"]) == values["exit_code"] % 2
    assert (asked.returncode, values["exit_code"]) in {(0, 0), (2, 2)}
    assert (values["newest"], values["hours"], values["missing"]) == (HOUR, 1, [])
    assert values["sources"][0]["name"] == "web-1"


def test_watch_opens_incidents_that_status_and_the_list_show_beside_mutes(built: Terminal) -> None:
    """The hour is days old. Without a channel nothing is sent."""
    watched = built.run("watch", "--once")
    assert (watched.returncode, watched.stderr) == (0, "")
    assert re.fullmatch(r"\d open incidents?; 0 alerts and 0 recoveries sent\.\n", watched.stdout)
    muted = built.run("alerts", "mute", "2h", "--why", "New [disks]", "--rule", "disk")
    assert muted.stdout.startswith("Muted until ")
    status, listed = built.run("status"), built.run("alerts", "list")
    for shown in (status.stdout, listed.stdout):
        assert "✗ Incident hours_behind (lake) for 0 minutes: No hour since " in shown
        assert re.search(r"! Alerts of disk are muted until .* UTC: New \[disks\]", shown)
    values = json.loads(built.run("status", "--json").stdout)
    assert "hours_behind" in {one["rule"] for one in values["incidents"]}
    assert [one["why"] for one in values["mutes"]] == ["New [disks]"]
    assert built.run("alerts", "unmute").stdout == "No alert is muted.\n"
    assert json.loads(built.run("alerts", "list", "--json").stdout)["mutes"] == []


def test_status_of_a_lake_that_can_t_be_reached_is_unknown(terminal: Terminal) -> None:
    run = terminal.run("status", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert run.returncode == 2
    assert "Can't reach AWS" in run.stderr


def test_status_of_a_lake_that_never_answers_is_unknown_after_the_deadline(
    terminal: Terminal,
) -> None:
    """The kernel accepts the connections of a frozen S3, and no byte comes back."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        endpoint = f"http://127.0.0.1:{frozen.getsockname()[1]}"
        run = terminal.run("status", "--timeout", "1", AWS_ENDPOINT_URL=endpoint)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("clickstream: S3 and Glue did not answer completely within 1 s")
    assert run.stderr.endswith("(CS-401)\n")


def test_maintain_says_what_it_does(built: Terminal) -> None:
    """One hour has one file, so there is nothing to compact; its staged rows are young."""
    for arguments in (("maintain", "--dry-run"), ("maintain",)):
        compacted, expired, swept = built.run(*arguments).stdout.splitlines()
        assert compacted.startswith("0 small data files")
        assert "0 of hour_ledger, 0 of suspected_visitors" in expired
        assert swept.endswith("0 of staging, 0 of facts, 0 of query results.")


NOT_SEARCHED = "No date needs a search for suspected machines."


def test_facts_are_up_to_date_after_a_build_and_are_computed_again_on_request(
    built: Terminal,
) -> None:
    run = built.run("facts")
    searched, refreshed = run.stdout.splitlines()
    assert searched == NOT_SEARCHED
    assert re.fullmatch(r"Facts are up to date: version \d+\.", refreshed), run.stderr
    planned = built.run("facts", "--all", "--dry-run")
    assert planned.stdout == (
        f"{NOT_SEARCHED}\nFacts of {DAY} would be computed by {len(FACT_VIEWS)} queries; "
        "0 dates would be removed.\n"
    )
    again = built.run("facts", "--all", COLUMNS="300")
    assert f"\nFacts of {DAY} computed by {len(FACT_VIEWS)} queries of " in again.stdout
    assert ": 0 dates changed, 0 dates removed; version " in again.stdout


def test_a_dry_run_of_a_day_says_how_its_hours_stand(built: Terminal) -> None:
    run = built.run("build", "2026-11-20", "2026-11-20", "--outdated", "--dry-run")
    assert "24 hours, 23 not built yet, 1 up to date; 3 lines published" in run.stdout
    assert (
        "Would build 23 hours not built yet: 2026-11-20T00 to 2026-11-20T04 (5 hours), "
        "2026-11-20T06 to 2026-11-20T23 (18 hours)."
    ) in run.stdout
    assert "at most 2026-11-20T05. Which ones is known only after building." in run.stdout
    assert built.run("query", "select count(*) from hour_ledger", "--format", "csv").stdout == (
        "_col0\n1\n"
    )


def test_an_hour_past_its_replay_window_is_refused_and_built_only_after_a_yes(
    tmp_path: Path, local_aws: LocalAwsProcess
) -> None:
    terminal = one_hour(tmp_path, local_aws)
    hour = Hour.parse(HOUR)
    destroy_key(lakes.built(terminal.settings, hour, hour), hour)
    refused = terminal.run("build", HOUR, HOUR)
    assert refused.returncode == 1
    assert f"Hour {HOUR} is past its replay window" in refused.stderr
    told = terminal.run("build", HOUR, HOUR, "--new-visitor-ids", "--dry-run")
    assert "1 hour, 1 of them published with 3 lines. 1 session of 1 visitor get" in told.stdout
    asked = terminal.run("build", HOUR, HOUR, "--new-visitor-ids")
    assert asked.returncode == 1
    assert "published (" not in asked.stderr
    done = terminal.run("build", HOUR, HOUR, "--new-visitor-ids", "--yes")
    assert f"Hour {HOUR} published (built)" in done.stderr


def test_an_hour_that_another_build_can_t_change_is_left_out(built: Terminal) -> None:
    run = built.run("build", HOUR, HOUR, "--outdated")
    assert run.returncode == 0, run.stderr
    assert "published (" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("build", "2026-11-21", "2026-11-20"), "The range ends before it begins"),
        (("build", "yesterday", HOUR), "'yesterday' is neither a day nor an hour"),
        (("query", "select 1", "--format", "xml"), "'xml' is not one of table, csv, json"),
        (("try", "nowhere.log"), "nowhere.log"),
        (("status", "--max-lag", "soon"), "'soon' is not a duration"),
        (("status", "--since", "soon"), "'soon' is neither a day nor an hour"),
        (("alerts", "test"), "No channel of alerts is set"),
        (("alerts", "mute", "2 hours", "--why", "x"), "'2 hours' is not a duration"),
        (("alerts", "mute", "2h", "--why", " "), "Give the reason of the mute"),
        (("alerts", "mute", "2h", "--why", "x", "--rule", "rain"), "There is no rule 'rain'"),
        (("watch", "--every", "0m"), "'0m' is less than 1m"),
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
    run = terminal.run("settings", "--json", CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS="900")
    assert json.loads(run.stdout)["sessions"]["timeout_seconds"] == 900
    assert "a longer pause ends it" in terminal.run("settings", COLUMNS="200").stdout


@pytest.mark.parametrize(
    "command",
    [
        *("try", "build", "status", "verify", "repair", "maintain", "query", "settings"),
        *("up", "demo", "digest", "watch"),
    ],
)
def test_every_command_has_help_with_an_example(terminal: Terminal, command: str) -> None:
    shown = terminal.run(command, "--help").stdout
    assert "Example:" in shown
