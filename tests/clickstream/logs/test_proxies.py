"""A proxy in front of the site is trusted and named by every command, and its option is obeyed."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.clean.builders import BROWSER
from tests.support.cases import each_case

from clickstream.cli.console import load_settings_for_logs
from clickstream.core.errors import SettingsError
from clickstream.core.networks import NetworkSet
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.web.service import DashboardService
from clickstream.logs.bots_check import check_bots
from clickstream.logs.explain import show_explanation
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import LogEngine
from clickstream.logs.site_inference import PRIVATE_NETWORKS, count_private_peers, find_proxies
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


def proxies_of(lines: list[str], trusted: tuple[str, ...] = ()) -> tuple[str, ...]:
    requests = parse("".join(lines).encode(), "main").table
    return find_proxies(count_private_peers(requests, NetworkSet.of(trusted)), len(requests))


@given(st.lists(peers, min_size=1, max_size=7, unique=True), st.lists(peers, max_size=30))
def test_all_proxies_are_found_and_none_is_left_when_they_are_trusted(
    proxies: list[str], more: list[str]
) -> None:
    lines = [line(peer, PEOPLE[0]) for peer in (*proxies, *(one for one in more if one in proxies))]
    found = proxies_of(lines)
    assert all(peer in NetworkSet.of(found) for peer in proxies)
    assert found == tuple(sorted(proxies)) or set(found) <= {*PRIVATE_NETWORKS}
    assert proxies_of(lines, found) == ()


@each_case(
    "lines",
    [
        [line("203.0.113.7", "198.51.100.1")] * 9,  # a public peer may be anybody
        [line("10.0.0.1", "-")] * 9,  # no forwarded address: there is nothing else to count by
        [line("10.0.0.1", PEOPLE[0])] * 9 + [line("203.0.113.7", "-")],  # visitors without a proxy
        [],
    ],
)
def test_without_a_proxy_in_front_of_all_none_is_trusted(lines: list[str]) -> None:
    assert proxies_of(lines) == ()


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


def test_every_command_says_which_proxy_it_trusts_and_obeys_its_option(
    log: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()

    def texts_of(*proxies: str) -> list[str]:
        settings = load_settings_for_logs(None, proxies)
        shown = []
        for command in (run_trial, check_bots):
            out = Console(file=StringIO(), width=500)
            command([str(log)], "auto", False, out, settings)
            shown.append(out.file.getvalue())
        starts = [pages_of(log, settings, tmp_path / "cache") for _ in range(2)]
        return [" ".join(text.replace("│", " ").split()) for text in (*shown, *starts)]

    def visitors(*proxies: str) -> int:
        out = Console(file=StringIO(), width=200)
        assert run_trial([str(log)], "auto", True, out, load_settings_for_logs(None, proxies)) == 0
        return int(json.loads(out.file.getvalue())["visitors"])

    found = "27 of the first 27 requests have a forwarded address and come from 10.0.0.1"
    for text in texts_of():
        assert "visitors are counted by the forwarded address" in text
        assert found in text
        assert "add --proxy none." in text
    assert visitors() == len(PEOPLE)

    for text in texts_of("none"):
        assert "A proxy" not in text
    assert visitors("none") == 1

    for text in texts_of("192.0.2.1"):  # the proxy's old address
        assert found in text
        assert "add --proxy 192.0.2.1 --proxy 10.0.0.1." in text
    assert visitors("192.0.2.1") == 1
    assert visitors("192.0.2.1", "10.0.0.1") == len(PEOPLE)


def test_one_line_is_explained_with_the_proxies_of_its_log(log: Path) -> None:
    out = Console(file=StringIO(), width=500)
    assert show_explanation("1", [str(log)], "auto", Settings(), out) == 0
    assert PEOPLE[0] in out.file.getvalue()
    assert "add --proxy none." in out.file.getvalue()


@each_case(
    "options, problem",
    [
        (("Europe/Nowhere", None), "--time-zone: site.time_zone = 'Europe/Nowhere' is not allowed"),
        ((None, ["10.0.0.999"]), "--proxy: clean.trusted_proxies.0 = '10.0.0.999' is not allowed"),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(options: Any, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(problem)}"):
        load_settings_for_logs(*options)
