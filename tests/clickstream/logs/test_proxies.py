"""A proxy that hides the visitors is named by every command, and the advice works to the letter."""

from __future__ import annotations

import json
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.clean.builders import BROWSER
from tests.support.cases import each_case

from clickstream.core.networks import NetworkSet
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.web.service import DashboardService
from clickstream.logs.bots_check import check_bots
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import LogEngine
from clickstream.logs.site_inference import PRIVATE_NETWORKS, advise_on_proxies, count_private_peers
from clickstream.logs.trial import run_trial
from clickstream.parse import parse
from clickstream.settings import Settings

END = datetime(2026, 11, 20, 6, tzinfo=UTC)
PEOPLE = [f"203.0.113.{number}" for number in range(9)]
peers = st.sampled_from(
    ["10.0.0.1", "172.31.255.1", "192.168.1.9", "127.0.0.1", "::1", "fd00::7", "100.64.3.1"]
)


def line(peer: str, forwarded: str, minute: int = 0, page: str = "/") -> str:
    time = f"20/Nov/2026:05:{minute:02}:00 +0000"
    return f'{peer} - - [{time}] "GET {page} HTTP/1.1" 200 1 "-" "{BROWSER}" "{forwarded}"\n'


def advice_on(lines: list[str], trusted: tuple[str, ...] = ()) -> str:
    requests = parse("".join(lines).encode(), "main").table
    return advise_on_proxies(count_private_peers(requests, NetworkSet.of(trusted)), len(requests))


def trusted_by(advice: str) -> tuple[str, ...]:
    """Follow the advice: its lines from the section on are those of a settings file."""
    settings = tomllib.loads(advice[advice.index("[clean]") :])
    return tuple(settings["clean"]["trusted_proxies"])


@given(st.lists(peers, min_size=1, max_size=7, unique=True), st.lists(peers, max_size=30))
def test_the_advice_names_all_proxies_and_ends_when_it_is_followed(
    proxies: list[str], more: list[str]
) -> None:
    lines = [line(peer, PEOPLE[0]) for peer in (*proxies, *(one for one in more if one in proxies))]
    advice = advice_on(lines)
    trusted = trusted_by(advice)
    assert all(peer in NetworkSet.of(trusted) for peer in proxies)
    assert trusted == tuple(sorted(proxies)) or set(trusted) <= {*PRIVATE_NETWORKS}
    assert advice_on(lines, trusted) == ""


@each_case(
    "lines",
    [
        [line("203.0.113.7", "198.51.100.1")] * 9,  # a public peer may be anybody
        [line("10.0.0.1", "-")] * 9,  # no forwarded address: the advice would not work
        [line("10.0.0.1", PEOPLE[0])] * 9 + [line("203.0.113.7", "-")],  # visitors without a proxy
        [],
    ],
)
def test_without_a_proxy_in_front_of_all_there_is_no_advice(lines: list[str]) -> None:
    assert advice_on(lines) == ""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(
        "".join(
            line("10.0.0.1", person, number + 10 * place, page)
            for number, person in enumerate(PEOPLE)
            for place, page in enumerate(("/", "/style.css", "/menu"))
        )
    )
    return path


def pages_of(log: Path, settings: Settings, cache: Path) -> str:
    """Return the page of `clickstream open`."""
    engine = LogEngine(LogSet([str(log)], settings), cache, Console(file=StringIO()))
    with closing(engine):
        engine.refresh()
        pages = DashboardService(
            settings, lambda: END, engine=engine, log_notes=lambda: engine.notes
        )
        return pages.render_tab(View())


def test_open_try_and_bots_check_have_the_advice_until_it_is_followed(
    log: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()

    def said(settings: Settings) -> list[str]:
        shown = []
        for command in (run_trial, check_bots):
            out = Console(file=StringIO(), width=500)
            command([str(log)], "auto", False, out, settings)
            shown.append(out.file.getvalue())
        starts = [pages_of(log, settings, tmp_path / "cache") for _ in range(2)]
        return [*shown, *starts]

    before = said(Settings())
    assert all("A proxy is in front of the site" in text for text in before)
    [written] = {line for line in before[0].splitlines() if "trusted_proxies" in line}
    trusted = json.loads(written[written.index("[") : written.index("]") + 1])
    followed = Settings.model_validate({"clean": {"trusted_proxies": tuple(trusted)}})
    assert all("A proxy is in front of the site" not in text for text in said(followed))
    out = Console(file=StringIO(), width=200)
    assert run_trial([str(log)], "auto", True, out, followed) == 0
    assert json.loads(out.file.getvalue())["visitors"] == len(PEOPLE)
