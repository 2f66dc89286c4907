"""The wheel has the compiled templates; installed without extras, it checks log files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.support.access_log import Client

from clickstream.dashboard.templates import BUILT, compile_templates

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

Clickstream = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", directory, ROOT)
    [wheel] = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def clickstream(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    """Install the wheel, and return a function that runs its command beside a log."""
    directory = tmp_path_factory.mktemp("bare")
    uv("venv", "--python", sys.executable, directory / "venv")
    pins = ("--constraint", ROOT / "requirements.txt")
    uv("pip", "install", "--python", directory / "venv", *pins, wheel)
    write_log(directory)
    return lambda *arguments: run(directory / "venv/bin/clickstream", *arguments, cwd=directory)


def write_log(directory: Path) -> None:
    ana = Client("192.0.2.1")
    lines = [ana.get("2026-11-20T05:10:00", "/"), ana.get("2026-11-20T05:12:00", "/menu")]
    (directory / "access.log").write_text("\n".join(lines) + "\n")


def uv(*arguments: object) -> None:
    """Run uv with the packages of its cache, or else with the network."""
    done = run(UV, *arguments, "--offline", cwd=ROOT)
    if done.returncode:
        done = run(UV, *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def run(
    *command: object, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, check=False, cwd=cwd, env=env, capture_output=True, text=True)


def test_the_wheel_has_the_compiled_form_of_every_template(wheel: Path) -> None:
    built = BUILT.relative_to(ROOT / "src").as_posix()
    with ZipFile(wheel) as files:
        names = [name for name in files.namelist() if "/jinja-" in name]
        compiled = {name: files.read(name).decode() for name in names}
        templates = [name for name in files.namelist() if name.endswith(".html")]
    expected = dict(compile_templates(ROOT / "src"))
    assert compiled == {f"{built}/{name}": code for name, code in expected.items()}
    assert len(compiled) == len(templates)


def test_the_wheel_has_the_views(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        names = {name.removeprefix("clickstream/sql/") for name in files.namelist()}
    assert {path.name for path in (ROOT / "include" / "sql").iterdir()} <= names


def test_a_start_from_the_wheel_compiles_no_template(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as files:
        files.extractall(tmp_path / "wheel")
    write_log(tmp_path)
    program = """
import sys
from jinja2 import Environment
from clickstream.cli import main
Environment.compile = None
sys.argv = ["clickstream", "open", "access.log", "--html", "overview.html"]
main()
"""
    environment = {"PYTHONPATH": str(tmp_path / "wheel"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = run(sys.executable, "-c", program, cwd=tmp_path, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    assert "<html" in (tmp_path / "overview.html").read_text()
    assert not (tmp_path / "cache" / "clickstream" / "templates").exists()


def test_commands_on_log_files_work(clickstream: Clickstream) -> None:
    for arguments in (["bots", "check", "access.log"], ["--help"]):
        done = clickstream(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert done.stdout, arguments


def test_other_commands_name_the_extra_to_install(clickstream: Clickstream) -> None:
    for command, extra in ((["verify"], "lake"), (["try", "access.log"], "open")):
        done = clickstream(*command)
        assert done.returncode == 1
        assert f"pip install 'clickstream[{extra}]'" in done.stderr
        assert "Traceback" not in done.stderr
