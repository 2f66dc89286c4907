"""`clickstream bots check`: the counts are those of the pipeline, and the lines are masked."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.clickstream.logs.builders import BOT, LINES, line

from clickstream.clean import Cleaner, VisitorKeys
from clickstream.core.terminal import SafeConsole
from clickstream.demo.asn_ranges import write_ranges
from clickstream.logs.bots_check import check_bots
from clickstream.logs.lines_by_date import VISITOR_KEY
from clickstream.lookups.asn import packed_address
from clickstream.parse import parse
from clickstream.settings import GeoIpSettings, Settings, SiteSettings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules, look_ups

RENTED = [
    *(line(f"198.51.100.{n}", f"09:00:0{n}", "/menu") for n in range(3)),
    line("198.51.100.0", "10:30:00", "/menu?user=mary&page=2"),
    line("198.51.100.9", "09:10:00", "/menu", agent=BOT),
]
ROBOTS = [line("203.0.113.5", "11:00:00", "/robots.txt"), line("203.0.113.5", "11:00:09", "/")]
MANY = [*LINES, *RENTED, *ROBOTS]
AMAZON = "network: hosting, Amazon (AS16509)"
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|2001:db8")

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def asn_database(tmp_path: Path) -> Path:
    path = tmp_path / "geoip" / "asn.arrow"
    path.parent.mkdir()
    ends = (packed_address("198.51.100.0"), packed_address("198.51.100.255"))
    write_ranges(path, [(*ends, 16509)], "test", date(2026, 6, 17))
    return path


@pytest.fixture
def settings(asn_database: Path) -> Settings:
    """Settings of which the rules on hosting networks and robots.txt are off."""
    return Settings(
        site=SiteSettings(domains=("cafe.example",)),
        bots=BotSettings(hosting=False, robots_txt=False),
        geoip=GeoIpSettings(asn_database=str(asn_database)),
    )


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], settings: Settings) -> Run:
    """Run the check on files; returns the exit code, the JSON (or None) and stderr."""

    def run(*paths: Path | str, chosen: Settings = settings) -> tuple[int, Any, str]:
        out = io.StringIO()
        code = check_bots([*map(str, paths)], "auto", True, Console(file=out), chosen)
        text = out.getvalue()
        return code, json.loads(text) if text else None, capsys.readouterr().err

    return run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(MANY))
    return path


def by_reason(found: Any, is_on: bool) -> dict[str, tuple[int, int]]:
    rules = [rule for rule in found["rules"] if rule["is_on"] == is_on]
    return {rule["reason"]: (rule["visitors"], rule["requests"]) for rule in rules}


def labelled(lines: list[str], settings: Settings) -> dict[str, tuple[int, int]]:
    """Count visitors and requests by reason, as an hour of the pipeline labels them."""
    cleaner = Cleaner(clean_rules(settings), VisitorKeys(VISITOR_KEY), look_ups(settings))
    cleaner.add(parse("".join(lines).encode(), "combined").table)
    bots = cleaner.requests().frame().query("is_bot")
    requests = Counter(bots["bot_reason"])
    visitors = bots.groupby("bot_reason", observed=True)["visitor_id"].nunique()
    return {reason: (int(visitors[reason]), number) for reason, number in requests.items()}


def test_rules_that_are_on_and_off_are_counted_as_the_pipeline_labels(
    check: Run, log: Path, settings: Settings
) -> None:
    code, found, errors = check(log)
    assert (code, errors) == (0, "")
    on = labelled(MANY, settings)
    all_on = labelled(MANY, settings.model_copy(update={"bots": BotSettings()}))
    assert by_reason(found, True) == on
    assert by_reason(found, False) == {r: n for r, n in all_on.items() if r not in on}
    assert by_reason(found, False) == {
        AMAZON: (3, 4),
        "behaviour: asked for robots.txt first and took no asset": (1, 2),
    }
    assert found["people"] - found["people_if_all_on"] == 4
    assert found["visitors"] == found["people"] + sum(n for n, _ in on.values())


def test_each_rule_names_its_setting_and_two_masked_lines(check: Run, log: Path) -> None:
    rules = {rule["reason"]: rule for rule in check(log)[1]["rules"]}
    rented = rules[AMAZON]
    assert (rented["setting"], rented["layer"]) == ("[bots] hosting = true", "network")
    first = len(LINES) + 1
    assert [text.split(": ")[0] for text in rented["sample_lines"]] == [
        f"access.log:{first}",
        f"access.log:{first + 1}",
    ]
    assert '"GET /menu HTTP/1.1" 200' in rented["sample_lines"][0]
    assert not ADDRESS.search(json.dumps(rules))
    assert rules["user agent: Googlebot"]["setting"] is None


def test_lines_keep_their_file_and_number_whatever_is_read_together(
    check: Run, tmp_path: Path, log: Path
) -> None:
    """Neighbouring small files are parsed together; stdin can't be read again."""
    directory = tmp_path / "logs"
    directory.mkdir()
    for n, one in enumerate(MANY):
        (directory / f"{n:02}-access.log").write_text("".join([*LINES[-1:] * n, one]))
    (directory / "99-access.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    _, found, _ = check(directory)
    (rented,) = (rule for rule in found["rules"] if rule["reason"] == AMAZON)
    first = len(LINES)
    assert [text.split(": ")[0] for text in rented["sample_lines"]] == [
        f"{first}-access.log:{first + 1}",
        f"{first + 1}-access.log:{first + 2}",
    ]


def test_standard_input_has_counts_without_lines(
    check: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = check(log)[1]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    found = check("-")[1]
    assert all(rule.pop("sample_lines") == [] for rule in found["rules"])
    for rule in expected["rules"]:
        del rule["sample_lines"]
    assert found == expected


def test_the_downloaded_database_is_used_if_none_is_set(
    check: Run, log: Path, asn_database: Path
) -> None:
    var = asn_database.parents[1] / "var"
    var.mkdir()
    asn_database.parent.rename(var / "geoip")
    chosen = Settings(directory=var.parent)
    (rented,) = (rule for rule in check(log, chosen=chosen)[1]["rules"] if not rule["is_on"])
    assert rented["setting"] == '[geoip] asn_database = "var/geoip/asn.arrow"'
    without = check(log, chosen=Settings(directory=log.parent / "elsewhere"))[1]
    assert without["networks_dated"] is None
    assert by_reason(without, False) == {}


def page(path: Path, settings: Settings) -> str:
    out = io.StringIO()
    check_bots([str(path)], "auto", False, SafeConsole(file=out, width=120), settings)
    return out.getvalue()


def test_the_page_has_a_table_for_each_setting(log: Path, settings: Settings) -> None:
    text = page(log, settings)
    assert text.startswith("9 visitors with 18 requests in ")
    for title in ("Removed now", "Would be removed by [bots] hosting = true"):
        assert re.search(rf"^{re.escape(title)} +Visitors +Share +Requests", text, re.MULTILINE)
    assert re.search(rf"^{re.escape(AMAZON)} \(other\) +3 +33.3% +4", text, re.MULTILINE)
    assert "Hosting networks of 2026-06-17." in text
    assert "trusted_proxies" not in text


def test_a_site_behind_a_proxy_is_warned(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "access.log"
    agents = [
        f"Mozilla/5.0 (Windows NT 10.0; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in "1234"
    ]
    path.write_text("".join(line("198.51.100.1", "05:00:00", "/", agent=one) for one in agents))
    assert "trusted_proxies" in page(path, settings)
    assert "make geoip" in page(path, Settings(directory=tmp_path))


@pytest.mark.parametrize("content", ["", "no log line\n" * 3])
def test_a_log_without_requests_has_an_error_and_no_result(
    check: Run, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "access.log"
    path.write_text(content)
    code, found, errors = check(path)
    assert (code, found) == (1, None)
    assert str(path) in errors


def test_a_hostile_log_controls_no_terminal_and_shows_no_address(
    tmp_path: Path, settings: Settings, check: Run
) -> None:
    path = tmp_path / "hostile\x1b[2J[red].log"
    agent = "sqlmap/1\x1b]0;x\x07 [bold]198.51.100.77[/] \u202e"
    lines = [
        line("203.0.113.9", "05:00:00", "/\x1b[31m?ip=203.0.113.9", agent=agent),
        line("203.0.113.9", "05:00:01", "/x", referrer="http://203.0.113.9/2001:db8::1"),
        line("2001:db8::9", "05:00:02", "/.env", agent="() { :; }; ping 203.0.113.9"),
        line("198.51.100.3", "05:00:03", "/" + "a" * 70_000),
        line("198.51.100.3", "05:00:04", "/" + "b" * 9_000),
        "\0\0 [red]\x1b[2J reject\n",
    ]
    path.write_text("".join(lines))
    text = page(path, settings)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert not ADDRESS.search(text)
    assert "[bold]" in text
    assert "b" * 400 not in text
    code, found, _ = check(path)
    assert code == 0
    assert not ADDRESS.search(json.dumps(found))
