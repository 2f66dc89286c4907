"""`clickstream dashboard user` and `dashboard link`, as a person types them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clickstream.dashboard.access.builders import PASSWORD, browser, build_app, log_in

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `clickstream dashboard ARGUMENTS` in an empty directory."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CLICK", "STACK"))}

    def run(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "clickstream.cli", "dashboard", *arguments],
            cwd=tmp_path,
            env={**environment, "COLUMNS": "80", **more},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_account_can_log_in_from_its_addition_to_its_removal(run: Run, tmp_path: Path) -> None:
    app = build_app(tmp_path / "var" / "dashboard")
    assert run("user", "list").stdout.startswith("There are no accounts; add one by ")
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
        (("user", "add", "a b", "--password-stdin"), "can't be the name of an account"),
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
