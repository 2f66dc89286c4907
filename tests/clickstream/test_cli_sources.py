"""`clickstream sources` as a person uses it: its output and exit codes, with a real SSH server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest
from click.testing import Result
from tests.support.cases import each_case
from tests.support.lakes import SQL
from tests.support.localaws_process import LocalAwsProcess
from tests.support.ssh_server import SshServer, ssh_server
from typer.testing import CliRunner

from clickstream.cli import app
from clickstream.core.errors import AwsUnavailable
from clickstream.lake import open_lake
from clickstream.pipeline.hosts.host_freshness import describe_vanished, vanished_states
from clickstream.pipeline.hosts.listing import list_hosts
from clickstream.pipeline.pull.host import Pulled, pull_all
from clickstream.settings import load

LINE = '203.0.113.7 - - [25/Nov/2026:08:00:{:02d} +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'


@dataclass
class Shop:
    """Settings of a lake whose one source is on a host, and the command line beside them."""

    directory: Path
    server: SshServer

    @property
    def host(self) -> str:
        return f"shop.127.0.0.1_{self.server.port}"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "var" / "hosts"

    def run(self, *arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, ["sources", *arguments], input=answer)

    def settings(self, text: str) -> None:
        with (self.directory / "clickstream.toml").open("a") as file:
            file.write(text)


@pytest.fixture
def shop(
    tmp_path: Path, local_aws: LocalAwsProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    with ssh_server(tmp_path / "ssh") as server:
        shop = Shop(tmp_path, server)
        shop.logs.mkdir()
        name = tmp_path.name.replace("_", "-").lower()[-20:].strip("-")
        shop.settings(f"""
[lake]
bucket = "{name}"
database = "{name.replace("-", "_")}"
[build]
sql_directory = "{SQL}"
[collect]
known_hosts = "var/hosts"
[[sources]]
name = "shop"
kind = "sftp"
path = "{shop.logs}"
hosts = ["127.0.0.1:{server.port}"]
user = "logs"
key_file = "ssh/id"
""")
        yield shop


def trusted(shop: Shop) -> Shop:
    shop.known_hosts.parent.mkdir(exist_ok=True)
    shop.known_hosts.write_text(shop.server.known_hosts.read_text())
    return shop


def pull(shop: Shop) -> None:
    lake = open_lake(load(shop.directory / "clickstream.toml"))
    [(_, pulled)] = pull_all(lake, list_hosts(lake))
    assert isinstance(pulled, Pulled)


def lines(number: int) -> str:
    return "".join(LINE.format(n) for n in range(number))


def test_a_key_is_trusted_after_it_was_shown_and_confirmed(shop: Shop) -> None:
    refused = shop.run("check")
    assert refused.exit_code == 1
    assert f"clickstream sources trust {shop.host}" in refused.output

    declined = shop.run("trust", shop.host, answer="n\n")
    assert declined.exit_code == 0
    assert "nothing is changed" in declined.output
    assert not shop.known_hosts.exists()

    fingerprint = shop.server.host_key.get_fingerprint()
    confirmed = shop.run("trust", shop.host, answer="y\n")
    assert confirmed.exit_code == 0
    assert f"ssh-ed25519 {fingerprint}" in confirmed.output
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in confirmed.output
    assert shop.known_hosts.read_text() == shop.server.known_hosts.read_text()
    assert "is trusted already" in shop.run("trust", "shop", "--yes").output


def test_a_fingerprint_decides_without_a_question(shop: Shop) -> None:
    wrong = shop.run("trust", shop.host, "--fingerprint", "SHA256:another")
    assert wrong.exit_code == 1
    assert "and not SHA256:another: nothing is changed" in wrong.output
    assert not shop.known_hosts.exists()
    right = shop.server.host_key.get_fingerprint()
    assert shop.run("trust", shop.host, "--fingerprint", right).exit_code == 0
    assert shop.known_hosts.exists()


def test_a_changed_key_is_trusted_only_as_a_replacement(shop: Shop) -> None:
    shown = shop.server.host_key
    shop.server.host_key = asyncssh.generate_private_key("ssh-ed25519")
    shop.server.trust()
    trusted(shop)
    before = shop.known_hosts.read_text()
    checked = shop.run("check")
    assert "The connection may be intercepted" in checked.output
    refused = shop.run("trust", shop.host, "--yes")
    assert refused.exit_code == 1
    assert "add --replace" in refused.output
    assert shop.known_hosts.read_text() == before
    assert shop.run("trust", shop.host, "--replace", "--yes").exit_code == 0
    shop.server.host_key = shown
    assert shop.server.key_line.split()[1] in shop.known_hosts.read_text()
    assert len(shop.known_hosts.read_text().splitlines()) == 1


def test_check_says_what_is_there(shop: Shop) -> None:
    (trusted(shop).logs / "access.log").write_text(lines(30))
    (shop.logs / "out-access.log").symlink_to("/etc/passwd")
    run = shop.run("check")
    assert run.exit_code == 0
    assert f"✓ {shop.host}  1 file, combined in access.log, newest line of 2026-11-25 08:00" in (
        run.output
    )
    assert "! out-access.log is a link that leads out of the directory" in run.output
    [found] = json.loads(shop.run("check", "--json").stdout)
    assert found["newest_line_at"] == "2026-11-25T08:00:29+00:00"
    assert (found["files"], found["log_format"], found["problems"]) == (1, "combined", [])


def test_check_reads_little_of_a_large_file(shop: Shop) -> None:
    (trusted(shop).logs / "access.log").write_text(lines(1) * 200_000 + LINE.format(42))
    [found] = json.loads(shop.run("check", "--json").stdout)
    assert found["newest_line_at"] == "2026-11-25T08:00:42+00:00"
    assert sum(size for _, size in shop.server.behaviour.reads) < 4_000_000


def test_check_names_what_does_not_match(shop: Shop) -> None:
    (trusted(shop).logs / "shop\x1b[31m.txt").write_text("")
    run = shop.run("check")
    assert run.exit_code == 1
    assert "matches the pattern *access*log*; there are: shop\\x1b[31m.txt." in run.output
    assert "\x1b[31m" not in run.output


def test_check_names_a_file_in_no_known_format(shop: Shop) -> None:
    (trusted(shop).logs / "access.log").write_text("not a line of a log\n")
    run = shop.run("check")
    assert run.exit_code == 1
    assert "access.log: No line of the log has a known format" in run.output


@pytest.fixture
def without_aws(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop on a machine where nothing answers as AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("clickstream.lake.client.ATTEMPTS", 1)
    return trusted(shop)


def test_a_host_is_checked_before_the_lake_is_needed(without_aws: Shop) -> None:
    (without_aws.logs / "access.log").write_text(lines(30))
    run = without_aws.run("check")
    assert f"✓ {without_aws.host}  1 file, combined in access.log" in run.stdout
    assert "Without the lake it is not known which hosts are retired:" in run.stderr
    assert isinstance(run.exception, AwsUnavailable)
    [found] = json.loads(without_aws.run("check", without_aws.host, "--json").stdout)
    assert (found["files"], found["problems"]) == (1, [])


def test_a_key_is_trusted_without_the_lake(without_aws: Shop) -> None:
    without_aws.known_hosts.unlink()
    assert without_aws.run("trust", "shop", "--yes").exit_code == 0
    assert without_aws.known_hosts.exists()


def test_without_the_lake_instances_are_named_as_unchecked(without_aws: Shop) -> None:
    without_aws.settings("""[[sources]]
name = "cafe"
kind = "sftp"
path = "/logs"
instances = { tags = { Role = "web" } }
user = "logs"
key_file = "ssh/id"
""")
    run = without_aws.run("check", "shop")
    assert f"! {without_aws.host}" not in run.stdout
    assert "are retired, nor the EC2 instances of cafe:" in run.stderr


def test_check_says_when_a_missing_directory_was_last_pulled(shop: Shop) -> None:
    (trusted(shop).logs / "access.log").write_text(lines(1))
    pull(shop)
    shop.logs.rename(shop.directory / "unmounted")
    run = shop.run("check")
    assert run.exit_code == 1
    assert f"{shop.host} has no directory {shop.logs}" in run.output
    assert f"! {shop.host} was last pulled at 20" in run.output


def test_check_leaves_the_login_of_a_connection_to_airflow(shop: Shop) -> None:
    trusted(shop)
    (shop.logs / "access.log").write_text(lines(1))
    shop.settings("""[[sources]]
name = "cafe"
kind = "sftp"
path = "/logs"
connection = "cafe_ssh"
""")
    run = shop.run("check")
    assert run.exit_code == 0
    assert "! cafe.cafe_ssh" in run.output
    assert "not checked: its login is in the Airflow connection cafe_ssh" in run.output
    trust = shop.run("trust", "cafe")
    assert trust.exit_code == 1
    assert "put the host's key into the connection's extra, as host_key" in trust.output


def test_show_has_what_the_last_pull_brought_and_why_one_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream.cli.build.refresh_readers", lambda _: None)  # it takes 2 s
    (trusted(shop).logs / "access.log").write_text(lines(30))
    assert "never" in shop.run("show").output
    pull(shop)
    [values] = json.loads(shop.run("show", "--json").stdout)
    assert (values["host"], values["lines"], values["bookmarks"]) == (shop.host, 30, 1)
    assert values["newest_line_at"] == "2026-11-25T08:00:29+00:00"

    shop.known_hosts.write_text("")
    build = CliRunner().invoke(app, ["build", "2026-11-25T08", "2026-11-25T08"])
    assert build.exit_code == 1
    assert f"Not pulled: {shop.host}" in build.output
    assert "No key is trusted for" in shop.run("show").output


def test_a_retired_host_is_neither_pulled_nor_listed_until_that_is_undone(shop: Shop) -> None:
    trusted(shop)
    aborted = shop.run("retire", shop.host, answer="n\n")
    assert aborted.exit_code == 1
    run = shop.run("retire", shop.host, "--yes")
    assert run.exit_code == 0
    assert f"{shop.host} was never pulled" in run.output
    assert f"retire {shop.host} --undo" in run.output
    assert "(retired)" in shop.run("show").output
    assert "retired already" in shop.run("retire", shop.host).output
    (shop.logs / "access.log").write_text("not a line of a log\n")
    checked = shop.run("check")
    assert (checked.exit_code, f"! {shop.host} is retired" in checked.output) == (0, True)
    shop.run("retire", shop.host, "--undo")
    assert "(retired)" not in shop.run("show").output


def test_a_host_that_left_the_settings_is_retired_by_the_command_that_status_names(
    shop: Shop,
) -> None:
    (trusted(shop).logs / "access.log").write_text(lines(3))
    pull(shop)
    file = shop.directory / "clickstream.toml"
    file.write_text(file.read_text().replace('name = "shop"', 'name = "store"'))
    lake = open_lake(load(file))
    [state] = vanished_states(lake)
    named = describe_vanished(state).problem.partition("clickstream sources ")[2]
    run = shop.run(*named.partition(". (")[0].split(), "--yes")
    assert (run.exit_code, f"{shop.host} is retired" in run.output) == (0, True)
    assert vanished_states(lake) == []


@each_case("command", ["check", "show", "trust", "retire"])
def test_a_host_that_is_not_in_the_settings_is_answered_with_those_that_are(
    shop: Shop, command: str
) -> None:
    run = shop.run(command, "elsewhere")
    assert f"There is no host elsewhere in the settings; there are: {shop.host}" in str(
        run.exception
    )
