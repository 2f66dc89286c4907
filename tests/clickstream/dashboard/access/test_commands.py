"""`clickstream dashboard user` and `dashboard link`, as a person types them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.clickstream.dashboard.access.builders import PASSWORD, browser, build_app, log_in
from tests.support.command_line import run_command

from clickstream.dashboard.access.shares import Shares

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `clickstream dashboard ARGUMENTS` in an empty directory."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CLICK", "STACK"))}

    def run(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        variables = {**environment, "COLUMNS": "80", **more}
        return run_command(("dashboard", *arguments), tmp_path, variables, stdin)

    return run


def test_an_account_can_log_in_from_its_addition_to_its_removal(run: Run, tmp_path: Path) -> None:
    app = build_app(tmp_path / "var" / "dashboard")
    assert run("user", "list").stdout.startswith("There are no accounts; add one with ")
    added = run("user", "add", "ana", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    assert log_in(browser(app)).status_code == 303
    listed = run("user", "list").stdout.splitlines()
    assert listed[1].split()[0] == "ana"
    assert listed[1].split()[-1] == "password"
    changed = run("user", "password", "ana", "--password-stdin", stdin="another long password\n")
    assert changed.returncode == 0, changed.stderr
    assert log_in(browser(app)).status_code == 401
    assert log_in(browser(app), password="another long password").status_code == 303
    assert run("user", "remove", "ana").returncode == 0
    assert log_in(browser(app), password="another long password").status_code == 401


def test_a_password_is_asked_for_twice_and_not_shown(run: Run, tmp_path: Path) -> None:
    typed = run("user", "add", "ana", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert typed.returncode == 0, typed.stderr
    assert PASSWORD not in typed.stdout + typed.stderr
    assert log_in(browser(build_app(tmp_path / "var" / "dashboard"))).status_code == 303


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("user", "add", "ana", "--password-stdin"), "use at least 10"),
        (("user", "add", "a b", "--password-stdin"), "is not a valid account name"),
        (("user", "remove", "ana"), "There is no account 'ana'; the accounts are: none."),
    ],
)
def test_what_is_refused_is_one_sentence(run: Run, arguments: tuple[str, ...], says: str) -> None:
    refused = run(*arguments, stdin="short\n")
    assert refused.returncode == 1
    assert says in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_only_the_link_is_on_stdout(run: Run) -> None:
    assert run("link").stdout.startswith("http://127.0.0.1:8095/login/once/")
    assert run("link").stdout.count("\n") == 1
    of_stack = run("link", STACK_DASHBOARD_URL="http://127.0.0.1:9095")
    assert of_stack.stdout.startswith("http://127.0.0.1:9095/login/once/")
    of_proxy = run("link", "--url", "https://a.example/", STACK_DASHBOARD_URL="http://b.example")
    assert of_proxy.stdout.startswith("https://a.example/login/once/")


def test_a_link_is_made_listed_and_withdrawn_in_a_shell(run: Run, tmp_path: Path) -> None:
    directory = tmp_path / "var" / "dashboard"
    app = build_app(directory, shares=Shares(directory, lambda: datetime.now(UTC)))
    assert run("share", "list").stdout.startswith("There are no links; create one with ")
    pages = ("--page", "marketing", "--page", "trust")
    made = run("share", "add", "Bean & Co", "--days", "90", *pages, "--range", "7d")
    assert made.returncode == 0, made.stderr
    assert made.stderr.startswith("The link for Bean & Co is valid until ")
    address = made.stdout.strip()
    reader = browser(app)
    assert reader.get(address).headers["location"].endswith("/marketing?range=7d")
    listed = run("share", "list").stdout
    assert "Bean & Co" in listed
    assert "marketing, trust" in listed
    assert address in listed
    assert run("share", "remove", "Bean & Co").returncode == 0
    assert reader.get(address).status_code == 410
    assert "There is no link 'Bean & Co'; the links are for: none." in " ".join(
        run("share", "remove", "Bean & Co").stderr.split()
    )


def test_a_link_leads_to_the_address_of_the_settings(run: Run, tmp_path: Path) -> None:
    assert run("share", "add", "A").stdout.startswith("http://127.0.0.1:8095/shared/")
    of_stack = run("share", "add", "B", STACK_DASHBOARD_URL="http://127.0.0.1:9095")
    assert of_stack.stdout.startswith("http://127.0.0.1:9095/shared/")
    (tmp_path / "clickstream.toml").write_text(
        '[dashboard]\nurl = "https://cafe.example/figures/"\n'
    )
    own = run("share", "add", "C", STACK_DASHBOARD_URL="http://127.0.0.1:9095")
    assert own.stdout.startswith("https://cafe.example/figures/shared/"), own.stderr
    given = run("share", "add", "D", "--url", "http://localhost")
    assert given.stdout.startswith("http://localhost/shared/")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "A", "--page", "accounts"), "A link opens one or more of these pages: overview"),
        (("add", "A", "--days", "0"), "A link is valid for 1 to 366 days, not for 0."),
        (("add", "A", "--range", "decade"), "range=decade is not known"),
        (("add", ""), "The name of the link is empty"),
        (("remove", "B"), "There is no link 'B'; the links are for: none."),
    ],
)
def test_a_link_that_is_refused_is_one_sentence(
    run: Run, arguments: tuple[str, ...], says: str
) -> None:
    refused = run("share", *arguments)
    assert refused.returncode == 1
    assert says in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_one_of_two_links_of_a_name_is_withdrawn_by_its_id(run: Run) -> None:
    for days in ("7", "30"):
        run("share", "add", "Bean", "--days", days)
    refused = run("share", "remove", "Bean")
    assert "There are 2 links for 'Bean'; give the id of one: " in " ".join(refused.stderr.split())
    found = refused.stderr.removesuffix(" (CS-102)\n").split()[-1].rstrip(".")
    assert run("share", "remove", found).returncode == 0
    assert run("share", "remove", "Bean").returncode == 0
