"""Commands work with the extras that they need, and name the extra that is missing."""

from __future__ import annotations

from pathlib import Path

from tests.support.absent_packages import absent_modules, run_without
from tests.support.access_log import Client
from typer.main import get_command

from clickstream.cli import app
from clickstream.lake.fact_files import FACT_VIEWS

LARGE_PACKAGES = ["numpy", "pandas", "pyarrow"]
"""Packages whose import takes longer than a help page."""

EXTRAS_OF_COMMANDS = {
    "dashboard": "dashboard",
    "demo": "airflow,dashboard,local",
    "lift plan --campaign cakes": "insight",
    "open -": "open",
    "sales check": "lake,sales",
    "status": "lake",
}

SALES = """
[[sales]]
name = "shop"
kind = "sql"
columns = "cafe-lab"
currency = "USD"
url = "mysql://reader@127.0.0.1:9/cafe"
"""
"""Settings with which `sales check` needs its extra."""


def words_of(command: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of a command, and of all commands below it."""
    below = getattr(command, "commands", {}).items()
    return [words, *(path for name, sub in below for path in words_of(sub, (*words, name)))]


def test_help_of_every_command_needs_no_extra_and_imports_no_large_package(tmp_path: Path) -> None:
    commands = [[*words, "--help"] for words in words_of(get_command(app))]
    results = run_without([*absent_modules(), *LARGE_PACKAGES], commands, tmp_path)
    for words, (status, out, err) in zip(commands, results, strict=True):
        assert (status, err) == (0, ""), words
        assert "Usage: " in out, words


def test_figures_of_log_files_need_only_their_extra(tmp_path: Path) -> None:
    line = Client("192.0.2.1").get("2026-11-20T05:10:00", "/")
    (tmp_path / "access.log").write_text(f"{line}\n")
    absent = [*absent_modules("open"), "localaws", "clickstream_airflow"]
    commands = [
        ["try", "access.log"],
        ["open", "access.log", "--html", "overview.html"],
        ["open", "access.log", "--export", "facts"],
    ]
    results = run_without(absent, commands, tmp_path)
    assert [status for status, _, _ in results] == [0, 0, 0], results
    assert results[2][1].count(".parquet") == len(FACT_VIEWS)


def test_a_command_without_its_packages_names_the_extra_to_install(tmp_path: Path) -> None:
    (tmp_path / "clickstream.toml").write_text(SALES)
    commands = [command.split() for command in EXTRAS_OF_COMMANDS]
    results = run_without(absent_modules(), commands, tmp_path)
    extras = EXTRAS_OF_COMMANDS.values()
    for (name, *_), extra, (status, out, err) in zip(commands, extras, results, strict=True):
        assert err.startswith(f"clickstream: The command {name} needs the package ")
        assert err.endswith(f"; install it with `pip install 'clickstream[{extra}]'`. (CS-107)\n")
        assert (status, out) == (2 if name == "status" else 1, ""), name
