"""`clickstream open --html` writes one file, and refuses what it can't use before it reads."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer
from tests.support.access_log import Client, append
from tests.support.command_line import clean_environment, run_command

from clickstream.cli.open_logs import parse_html_options
from clickstream.core.errors import InputError

FILE = "overview.html"


def open_log(directory: Path, *arguments: str) -> CompletedProcess[str]:
    """Run `clickstream open` on a log of one visit on 20 November, in its directory."""
    own = {"XDG_CACHE_HOME": str(directory / "cache"), "COLUMNS": "100", "LC_ALL": "en_GB"}
    log = directory / "access.log"
    if not log.exists():
        client = Client("192.0.2.7")
        append(log, [client.get(f"2026-11-20T05:{n}:00", "/menu") for n in (10, 11)])
    return run_command(("open", log.name, *arguments), directory, clean_environment() | own)


def test_the_command_writes_one_private_file_and_ends(tmp_path: Path) -> None:
    run = open_log(tmp_path, "--html", FILE)
    assert (run.returncode, run.stdout) == (0, f"{FILE}\n"), run.stderr
    assert {one.name for one in tmp_path.iterdir()} == {"access.log", "cache", FILE}
    written = tmp_path / FILE
    assert written.stat().st_mode & 0o777 == 0o600
    html = written.read_text(encoding="utf-8")
    assert "All figures are those of access.log." in html
    assert "<h1>Fri, 20 Nov 2026</h1>" in html


def test_an_existing_file_is_replaced_and_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    target, link = tmp_path / "kept.html", tmp_path / FILE
    target.write_text("before")
    target.chmod(0o644)
    link.symlink_to(target.name)
    run = open_log(tmp_path, "--html", FILE, "--range", "2026-11-20..2026-11-20")
    assert run.returncode == 0, run.stderr
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o644
    assert target.read_text(encoding="utf-8").endswith("</html>\n")


def test_a_range_without_lines_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("before")
    run = open_log(tmp_path, "--html", FILE, "--range", "2026-11-01..2026-11-14")
    assert run.returncode == 1
    assert "no usable line from 2026-11-01 to 2026-11-14" in run.stderr
    assert (tmp_path / FILE).read_text() == "before"


@pytest.mark.parametrize(
    ("path", "range_text", "message"),
    [
        (".", None, "is not a file"),
        ("/dev/null", None, "is not a file"),
        ("missing/x.html", None, "does not exist"),
        ("x.html", "own", "use today, yesterday, 7d, 28d, 90d, month, year, or two dates"),
        ("x.html", "28d&channel=Direct", "is not known"),
        ("x.html", "2026-11-01..soon", "'soon' is not a date"),
        ("x.html", "1990-01-01..2026-11-14", "has 3,660 days at most"),
    ],
)
def test_options_that_cant_be_used_are_refused(
    path: str, range_text: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        parse_html_options(Path(path), range_text)


def test_a_range_needs_a_file() -> None:
    assert parse_html_options(None, None) is None
    with pytest.raises(typer.BadParameter):
        parse_html_options(None, "7d")


@pytest.mark.parametrize(
    ("range_text", "query"),
    [
        (None, "?"),
        ("7d", "?range=7d"),
        ("2026-11-14..2026-11-01", "?from=2026-11-01&to=2026-11-14"),
    ],
)
def test_the_range_is_that_of_the_dashboard_s_urls(range_text: str | None, query: str) -> None:
    view = parse_html_options(Path("x.html"), range_text)
    assert view
    assert view.query == query
