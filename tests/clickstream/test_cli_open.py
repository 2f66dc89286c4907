"""`clickstream open` from the command line, up to the exported facts."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest
from tests.support.access_log import Client
from tests.support.command_line import run_command

from clickstream.cli.open_logs import tunnel_command
from clickstream.dashboard.formats import machine_language

Run = Callable[..., CompletedProcess[str]]
START = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in an empty directory, with a cache of its own."""
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*arguments: str, stdin: str = "") -> CompletedProcess[str]:
        return run_command(("open", *arguments), work, environment, stdin)

    return run


def lines_of_people(number: int) -> str:
    """Each person reads three pages."""
    lines = []
    for person in range(number):
        client = Client(f"192.0.2.{person}")
        for place, page in enumerate(("/", "/menu", "/thanks")):
            at = START + timedelta(hours=person, minutes=place)
            lines.append(client.get(f"{at:%Y-%m-%dT%H:%M:%S}", page, 200) + "\n")
    return "".join(lines)


def exported(directory: Path, sql: str) -> list[tuple[object, ...]]:
    connection = duckdb.connect()
    for path in directory.glob("*.parquet"):
        connection.execute(f"create view {path.stem} as select * from '{path}'")
    return connection.execute(sql).fetchall()


SESSIONS = (
    "select count(*), sum(page_views), sum(conversions), max(length(session_id)) from session_facts"
)


def test_facts_of_a_directory_and_of_stdin_are_the_same(run: Run, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    text = lines_of_people(5)
    (logs / "access.log").write_text(text)
    goal = ("--goal", "order=/thanks")
    for name, log, stdin in (
        ("directory", str(logs), ""),
        ("stdin", "-", text),
    ):
        done = run(log, *goal, "--export", str(tmp_path / name), stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert "15 lines of" in done.stderr
        assert exported(tmp_path / name, SESSIONS) == [(5, 15, 5, 16)]
        assert exported(tmp_path / name, "select goal, count(*) from goal_facts group by 1") == [
            ("order", 5)
        ]


def test_a_second_start_reads_the_logs_only_if_they_have_changed(run: Run, tmp_path: Path) -> None:
    log, out = tmp_path / "access.log", tmp_path / "out"
    log.write_text(lines_of_people(2))
    assert "6 lines of" in run(str(log), "--export", str(out)).stderr
    assert "Nothing has changed" in run(str(log), "--export", str(out)).stderr
    log.write_text(lines_of_people(3))
    assert "9 lines of" in run(str(log), "--export", str(out)).stderr
    assert exported(out, SESSIONS)[0][:2] == (3, 9)
    assert [path.stat().st_mode & 0o77 for path in (tmp_path / "cache").rglob("*.duckdb")] == [0]


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        ((), "", "stdin is empty"),
        ((), "no line\n", "No line of the log has a known format"),
        (("--format", "combined"), "no line\n", "None of 1 line could be parsed"),
        (("--format", "nothing"), "", "There is no log format 'nothing'"),
        (("--goal", "order"), "", "--goal order is not NAME=PAGE"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_exit_code_1(
    run: Run, arguments: tuple[str, ...], text: str, message: str
) -> None:
    done = run("-", *arguments, stdin=text)
    assert done.returncode == 1
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
APACHE = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'


@pytest.mark.parametrize("text", [COMBINED, f"log_format shop '{COMBINED}';", APACHE])
def test_the_servers_own_format_string_is_an_option(run: Run, tmp_path: Path, text: str) -> None:
    done = run("-", "--format", text, "--export", str(tmp_path / "out"), stdin=lines_of_people(2))
    assert (done.returncode, "6 lines of" in done.stderr) == (0, True)
    assert exported(tmp_path / "out", SESSIONS)[0][:2] == (2, 6)


def test_a_format_string_that_can_not_be_used_is_refused_with_its_place(run: Run) -> None:
    done = run("-", "--format", "%h %Q", stdin=lines_of_people(1))
    assert done.returncode == 1
    assert "Format --format: %Q at character 4 can't be used" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        '{"ts":"2026-11-20T05:00:00Z","who":"192.0.2.7","verb":"GET","url":"/it\'s","code":200}',
        "192.0.2.7 | 2026-11-20T05:00:00+00:00 | GET /menu HTTP/1.1 | 200 | 512 | A/5 (X; Y)",
    ],
)
def test_the_command_of_a_refusal_reads_the_log(run: Run, tmp_path: Path, line: str) -> None:
    log = tmp_path / "the site's access.log"
    log.write_text(f"{line}\n" * 3)
    refused = run(str(log), "--export", str(tmp_path / "out"))
    assert refused.returncode == 1
    *_, command = refused.stderr.splitlines()
    program, subcommand, *arguments = shlex.split(command.removeprefix("Try: "))
    assert (program, subcommand) == ("clickstream", "try")
    tried = run_command((subcommand, *arguments, "--json"), tmp_path, os.environ)
    assert (tried.returncode, json.loads(tried.stdout)["parsed"]) == (0, 3)


def test_the_tunnel_over_ssh_is_a_command_for_the_other_machine() -> None:
    session = {"SSH_CONNECTION": "198.51.100.9 4711 203.0.113.4 22", "USER": "ann"}
    tunnel = partial(tunnel_command, base_url="http://127.0.0.1:8096")
    assert tunnel(session) == "ssh -N -L 8096:127.0.0.1:8096 ann@203.0.113.4"
    other = session | {"SSH_CONNECTION": "::1 4711 2001:db8::4 2222"}
    assert tunnel(other) == "ssh -p 2222 -N -L 8096:127.0.0.1:8096 ann@2001:db8::4"
    assert tunnel({"USER": "ann"}) == ""


def test_dates_are_written_as_in_the_country_of_the_machine() -> None:
    assert machine_language({"LANG": "de_DE.UTF-8"}) == "en-DE"
    assert machine_language({"LANG": "de_DE.UTF-8", "LC_TIME": "en_US"}) == "en-US"
    assert machine_language({"LC_ALL": "C", "LANG": "en_US"}) == "en-GB"
    assert {machine_language({"LANG": name}) for name in ("", "POSIX", "ja_ZZ")} == {"en-GB"}


def test_an_export_overwrites_no_other_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    done = run("-", "--export", str(tmp_path), stdin=lines_of_people(1))
    assert done.returncode == 1
    assert "has other files, such as" in done.stderr
