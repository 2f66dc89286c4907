"""What code may import: the layers of pyproject.toml, and the packages of each extra."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.absent_packages import absent_modules, packages_of
from tests.support.access_log import Client

from clickstream.dashboard.ask.view import TABS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"

EXTRAS_OF_MODULES = {
    "clickstream": (),
    "clickstream/aws": ("lake",),
    "clickstream/collect": ("lake",),
    "clickstream/collect/sales": ("sales",),
    "clickstream/dashboard": ("dashboard",),
    "clickstream/demo": ("airflow", "dashboard", "local"),
    "clickstream/insight": ("insight",),
    "clickstream/lake": ("lake",),
    "clickstream/logs": ("open",),
    "clickstream/pipeline": ("lake",),
    "clickstream/spark.py": ("spark",),
    "clickstream_airflow": ("airflow", "dashboard"),
    "localaws": ("local",),
    "trino_duckdb": ("local",),
}
"""Modules, and the extras that may have what they import; a longer path has precedence."""


def test_imports_keep_to_the_contracts() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_extras_of_a_module_have_all_that_it_imports() -> None:
    absent = {path: {*absent_modules(*extras)} for path, extras in EXTRAS_OF_MODULES.items()}
    for file in SOURCE.rglob("*.py"):
        module = file.relative_to(SOURCE)
        path = max((path for path in absent if module.is_relative_to(path)), key=len)
        imports = imported_modules(ast.parse(file.read_text()))
        assert absent[path].isdisjoint(name.partition(".")[0] for name in imports), module


def imported_modules(node: ast.AST) -> Iterator[str]:
    """Yield the modules that code imports when it runs."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
    for child in ast.iter_child_nodes(node):
        yield from imported_modules(child)


def test_opening_log_files_installs_no_libraries_of_aws_and_hosts() -> None:
    of_lakes = {"asyncssh", "boto3", "isal", "pyiceberg", "pyyaml", "zstandard"}
    assert of_lakes <= packages_of("lake")
    assert of_lakes.isdisjoint(packages_of("open"))


def test_tasks_and_the_dashboard_load_no_scipy_before_they_need_it() -> None:
    """SciPy takes 0.9 s of CPU time to import; every task process and start would repeat it."""
    files = [*(ROOT / "dags").glob("*.py"), *(SOURCE / "clickstream_airflow").rglob("*.py")]
    modules = {"clickstream.dashboard.web.app", "clickstream.insight.holdout_history"}
    for file in files:
        imported = imported_modules(ast.parse(file.read_text()))
        modules |= {name for name in imported if name.startswith("clickstream.")}
    program = (
        f"import importlib, sys\nfor name in {sorted(modules)!r}: importlib.import_module(name)\n"
        "print(sorted({'scipy', 'sklearn'} & {*sys.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr


def test_commands_on_log_files_load_only_what_they_use(tmp_path: Path) -> None:
    """All of these together take 0.3 s of CPU time to import, which every start would repeat."""
    line = Client("192.0.2.1").get("2026-11-20T05:10:00", "/")
    (tmp_path / "access.log").write_text(f"{line}\n")
    for_aws = {"asyncssh", "boto3", "botocore", "isal", "pyiceberg", "urllib3"}
    for_signatures = {"bcrypt", "cryptography", "http_message_signatures", "http_sf"}
    for_pages = {"babel", "jinja2", "starlette", "clickstream.dashboard.widgets"}
    for_a_server = {"fastapi", "jwt", "uvicorn", "clickstream.dashboard.web.details"}
    for_tabs = {f"clickstream.dashboard.pages.{tab}.values" for tab in TABS if tab != "overview"}
    program = f"""
import sys
from clickstream.cli import main

def show_loaded(absent):
    print(sorted(absent & {{*sys.modules}}), file=sys.stderr)

sys.argv = ["clickstream", "try", "access.log"]
try:
    main()
except SystemExit as end:
    assert end.code == 0
show_loaded({for_aws | for_signatures | for_pages | for_a_server | for_tabs!r})
sys.argv = ["clickstream", "open", "access.log", "--html", "overview.html"]
try:
    main()
except SystemExit as end:
    assert not end.code
show_loaded({for_aws | for_signatures | for_a_server | for_tabs!r})
import clickstream.dashboard.web.app
show_loaded({for_aws | for_tabs!r})
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "overview.html").exists(), ran.stderr
    loaded = [text for text in ran.stderr.splitlines() if text.startswith("[")]
    assert (ran.returncode, loaded) == (0, ["[]"] * 3), ran.stderr
