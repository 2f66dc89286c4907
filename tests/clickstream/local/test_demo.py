"""What the demo makes of somebody's own logs, and how it shows progress."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from clickstream.errors import InputError
from clickstream.local import backfill
from clickstream.local.backfill import HoursProgress
from clickstream.local.demo import own_logs
from clickstream.settings import Settings, load

ROOT = Path(__file__).parents[3]
OWN_SITE = """
[site]
name = "shop"
domains = ["shop.example"]
[goals.sale]
page = '/thanks'
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project directory as it is checked out, beside a directory of logs."""
    shutil.copy(ROOT / "clickstream.toml", tmp_path)
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(project: Path, **environment: str) -> Settings:
    """The settings that a demo of the logs runs with."""
    return load(environment={**environment, **own_logs(project / "logs").variables})


def test_own_logs_have_nothing_of_the_cafe(project: Path) -> None:
    cafe, chosen = load(environment={}), settings_of(project)
    assert cafe.site.domains
    assert cafe.goals
    assert cafe.funnel
    assert (chosen.site.name, chosen.site.domains) == ("own-logs", ())
    assert (chosen.goals, chosen.funnel) == ({}, ())
    assert [source.path for source in chosen.sources] == [str(project / "logs")]


def test_settings_of_a_site_of_ones_own_are_kept(project: Path) -> None:
    (project / "clickstream.toml").write_text(OWN_SITE)
    chosen = settings_of(project)
    assert (chosen.site.name, chosen.site.domains) == ("shop", ("shop.example",))
    assert [*chosen.goals] == ["sale"]


def test_settings_of_the_environment_are_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"CLICKSTREAM_SITE__DOMAINS": '["shop.example"]', "CLICKSTREAM_GOALS__SALE__PAGE": "/x"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    chosen = settings_of(project, **own)
    assert chosen.site.domains == ("shop.example",)
    assert [*chosen.goals] == ["sale"]


def test_logs_of_two_places_never_share_a_state(project: Path) -> None:
    (project / "others").mkdir()
    (project / "logs" / "access.log").touch()
    paths = ("logs", "others", "logs/access.log", "others/../logs")
    states = [own_logs(project / path).state for path in paths]
    assert len(set(states)) == 3
    assert states[0] == states[3]


def test_missing_logs_are_named(project: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        own_logs(project / "nowhere")


def test_progress_without_a_terminal_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(backfill.time, "monotonic", lambda: now)
    out = io.StringIO()
    with HoursProgress(Console(file=out), 48) as progress:
        progress.show_phase("Starting")
        progress.show_phase("Starting")
        for done in range(1, 8):
            progress.show_done(done)
        now = 19.0
        progress.show_done(8)
        now = 21.0
        for _ in range(3):
            progress.show_done(8)
        progress.show_done(48)
        progress.show_done(48)
    assert out.getvalue().splitlines() == [
        "Starting …",
        "6 of 48 hours done (0 s)",
        "8 of 48 hours done (21 s)",
        "48 of 48 hours done (21 s)",
    ]


def test_progress_in_a_terminal_is_a_bar() -> None:
    out = io.StringIO()
    with HoursProgress(Console(file=out, force_terminal=True, width=80), 48) as progress:
        progress.show_phase("Starting the backfill")
        progress.show_done(12)
    assert "Starting the backfill" in out.getvalue()
    assert "12/48" in out.getvalue()
    assert "hours done" not in out.getvalue()
