"""The extras of pyproject.toml have what the code imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.absent_packages import absent_modules, packages_of, run_without
from tests.support.access_log import Client
from tests.support.cases import each_case
from typer.main import get_command

from clickstream.cli import RENAMED_COMMANDS, app
from clickstream.lake.fact_files import FACT_VIEWS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
OF_LAKES_ONLY = {"asyncssh", "pyiceberg"}
LARGE = ["numpy", "pandas", "pyarrow"]
"""Packages whose import takes longer than a help page."""

OF_LOG_FILES = [
    ["bots", "check", "access.log"],
    ["settings"],
]
"""Commands that need no extra."""

STACK = "airflow,dashboard,local"
OF_EXTRAS = {
    "alerts list": "lake",
    "aws deploy": "lake",
    "aws destroy": "lake",
    "aws doctor": "lake",
    "aws open": "lake",
    "aws restore --to 2026-11-20": "lake",
    "aws status": "lake",
    "build 2026-11-20 2026-11-20": "lake",
    "facts": "lake",
    "lift plan --campaign cakes": "insight",
    "locations plan": "lake",
    "maintain": "lake",
    "query sql": "lake",
    "repair": "lake",
    "sales check": "lake,sales",
    "sales pull": "lake,sales",
    "sources check": "lake",
    "sources retire web": "lake",
    "sources show": "lake",
    "sources trust web": "lake",
    "status": "lake",
    "verify": "lake",
    "watch --once": "lake",
    "open -": "open",
    "try -": "open",
    "dashboard": "dashboard",
    "dashboard share add Ana": "dashboard",
    "dashboard share list": "dashboard",
    "digest": "dashboard",
    "demo": STACK,
    "up": STACK,
}
"""Commands that need an extra, and the extra that their error names."""

DATABASE_OF_A_SHOP = """
[[sales]]
name = "shop"
kind = "sql"
columns = "cafe-lab"
currency = "USD"
url = "mysql://reader@127.0.0.1:9/cafe"
"""
"""Settings with which `sales check` needs its extra; CSV files need none."""

OF_MODULES = {
    "clickstream": (),
    "clickstream/aws": ("lake",),
    "clickstream/collect": ("lake",),
    "clickstream/collect/sales": ("sales",),
    "clickstream/dashboard": ("dashboard",),
    "clickstream/demo": ("airflow", "dashboard", "local"),
    "clickstream/insight": ("insight",),
    "clickstream/lake": ("lake",),
    "clickstream/log_facts": ("open",),
    "clickstream/pipeline": ("lake",),
    "clickstream/report": ("open",),
    "clickstream/spark.py": ("spark",),
    "clickstream_airflow": ("airflow", "dashboard"),
    "localaws": ("local",),
    "trino_duckdb": ("open", "local"),
}
"""Modules, and the extras that may have what they import; a longer path has precedence."""


def words_of(command: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of a command, and of all commands below it."""
    below = getattr(command, "commands", {}).items()
    return [words, *(one for name, sub in below for one in words_of(sub, (*words, name)))]


COMMANDS = [words for words in words_of(get_command(app)) if not {*words} & {*RENAMED_COMMANDS}]


def test_every_command_is_tested_without_extras() -> None:
    tested = {words[0] for words in OF_LOG_FILES} | {words.split()[0] for words in OF_EXTRAS}
    assert tested == {words[0] for words in COMMANDS if words}


def test_help_of_every_command_needs_no_extra_and_imports_no_large_package(tmp_path: Path) -> None:
    commands = [[*words, "--help"] for words in COMMANDS]
    results = run_without([*absent_modules(), *LARGE], commands, tmp_path)
    for words, (status, out, err) in zip(commands, results, strict=True):
        assert (status, err) == (0, ""), words
        assert "Usage: " in out, words


def write_log(directory: Path) -> None:
    ana = Client("192.0.2.1")
    lines = [ana.get("2026-11-20T05:10:00", "/"), ana.get("2026-11-20T05:12:00", "/menu")]
    (directory / "access.log").write_text("\n".join(lines) + "\n")


def test_figures_of_log_files_need_their_extra_only(tmp_path: Path) -> None:
    write_log(tmp_path)
    absent = [*absent_modules("open"), "localaws", "clickstream_airflow"]
    commands = [
        ["open", "access.log", "--export", "facts"],
        ["try", "access.log"],
        ["try", "access.log", "--explain", "1"],
    ]
    (status, out, err), *reports = run_without(absent, commands, tmp_path)
    assert (status, out.count(".parquet")) == (0, len(FACT_VIEWS)), err
    for status, out, err in reports:
        assert (status, err) == (0, "")
        assert out


def test_a_check_of_log_files_needs_no_extra(tmp_path: Path) -> None:
    write_log(tmp_path)
    results = run_without(absent_modules(), OF_LOG_FILES, tmp_path)
    for words, (status, out, err) in zip(OF_LOG_FILES, results, strict=True):
        assert (status, err) == (0, ""), words
        assert out, words


def test_sales_in_files_need_no_extra(tmp_path: Path) -> None:
    settings = DATABASE_OF_A_SHOP.partition("url")[0].replace("sql", "csv") + 'path = "sales"'
    (tmp_path / "clickstream.toml").write_text(settings.replace("cafe-lab", "own.toml"))
    (tmp_path / "own.toml").write_text(
        'title = "own"\n[orders]\nfiles = "o.csv"\n'
        '[orders.columns]\norder_id = "id"\nordered_at = "at"\ntotal = "total"\n'
    )
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "o.csv").write_text("id,at,total\n1,2026-11-20T10:00:00Z,0\n")
    ((status, out, err),) = run_without(absent_modules(), [["sales", "check"]], tmp_path)
    assert (status, err) == (0, ""), out
    assert "1 paid order" in out


def test_a_command_without_its_packages_names_the_extra_to_install(tmp_path: Path) -> None:
    (tmp_path / "clickstream.toml").write_text(DATABASE_OF_A_SHOP)
    results = run_without(absent_modules(), [*map(str.split, OF_EXTRAS)], tmp_path)
    for (words, extra), (status, out, err) in zip(OF_EXTRAS.items(), results, strict=True):
        name = words.split()[0]
        assert err.startswith(f"clickstream: The command {name} needs the package "), words
        assert err.endswith(f"; install it with `pip install 'clickstream[{extra}]'`. (CS-107)\n")
        assert (status, out) == (2 if name == "status" else 1, ""), words


@each_case("path", OF_MODULES)
def test_the_extras_of_a_module_have_all_that_it_imports(path: str) -> None:
    absent = {*absent_modules(*OF_MODULES[path])}
    found = [file for file in SOURCE.rglob("*.py") if longest_path(file) == path]
    assert found
    assert {f"{file}: {name}" for file in found for name in absent & imports_of(file)} == set()


def longest_path(file: Path) -> str:
    """Return the path of OF_MODULES to which a file of the source belongs."""
    return max((path for path in OF_MODULES if file.is_relative_to(SOURCE / path)), key=len)


def imports_of(file: Path) -> frozenset[str]:
    """Return the top-level modules that a file imports when it runs."""
    return frozenset(name.partition(".")[0] for name in _imports(ast.parse(file.read_text())))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


@pytest.mark.parametrize("extra", ["dashboard", "airflow", "insight", "local", "spark"])
def test_all_that_works_on_a_lake_installs_the_lake(extra: str) -> None:
    assert packages_of("lake") <= packages_of(extra)


def test_opening_log_files_installs_no_libraries_of_tables_and_hosts() -> None:
    assert packages_of("lake") >= {"boto3", *OF_LAKES_ONLY}
    assert OF_LAKES_ONLY.isdisjoint(packages_of("open"))
    assert {"duckdb", "sqlglot"} <= packages_of("open")


def test_tasks_and_the_dashboard_load_no_scipy_before_they_need_it() -> None:
    """SciPy takes 0.9 s of CPU time to import; every task process and start would repeat it."""
    files = [*(ROOT / "dags").glob("*.py"), *(SOURCE / "clickstream_airflow").rglob("*.py")]
    modules = {"clickstream.dashboard.web.app", "clickstream.pipeline.sales.holdout_reader"}
    for file in files:
        modules |= {name for name in _imports(ast.parse(file.read_text())) if is_ours(name)}
    assert len(modules) > 30
    load = "for name in names: importlib.import_module(name)"
    program = (
        f"import importlib, sys; names = {sorted(modules)!r}\n{load}\n"
        "print(sorted({'scipy', 'sklearn'} & {*sys.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr


def is_ours(module: str) -> bool:
    """Whether a module is one of the library, which tasks import when they run."""
    return module.startswith("clickstream.")
