"""`try --explain` tells what the pipeline does with a line, and by which rule."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from tests.clickstream.logs.builders import LINES, OWN, line

from clickstream.core.errors import InputError
from clickstream.logs.explain import ExplainedStep, explain, show_explanation
from clickstream.logs.trial import run_trial
from clickstream.settings import PrivacySettings, Settings, SiteSettings
from clickstream.settings.labels import CleanSettings, PageSettings

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


def steps(
    raw: str, settings: Settings | None = None, log_format: str = "auto"
) -> list[ExplainedStep]:
    return [*explain(raw.encode(), log_format, settings or Settings())]


def results(raw: str, settings: Settings | None = None) -> dict[str, str]:
    """The last result of each step."""
    return {step.name: step.result for step in steps(raw, settings)}


def test_every_step_of_a_visit_from_a_newsletter() -> None:
    target = "/order/12345/?utm_source=news&utm_medium=email&gclid=x&q=tea"
    found = results(line("192.0.2.1", "05:00:00", target, agent=IPHONE))
    visitor = found.pop("Visitor")
    assert len(visitor) == 24
    assert found == {
        "Format": "combined",
        "Time": "2026-11-20 05:00:00 UTC",
        "Client": "192.0.2.1",
        "Place": "unknown",
        "Device": "mobile, Safari 17, iOS",
        "Verdict": "a person",
        "Path": "/order/12345/",
        "Query": "none",
        "Page": "/order/{id}",
        "Kind": "page",
        "Referrer": "none",
        "Tags": "utm_source=news, utm_medium=email, click_platform=google ads",
        "Channel": "Email",
        "Counted": "page_requests",
    }


def test_settings_change_what_becomes_of_a_line_and_the_reason_names_them() -> None:
    settings = Settings(
        site=SiteSettings(domains=("cafe.example",)),
        clean=CleanSettings(query_parameters=("q",)),
        pages=PageSettings(ignore_case=True, rules=(("^/drinks", "/menu"),)),
        privacy=PrivacySettings(key_days=1, confirm_cost=True),
    )
    found = steps(line("192.0.2.1", "05:00:00", "/Drinks/?q=tea", referrer=OWN), settings)
    assert (
        ExplainedStep("Query", "q=tea", "parameters are kept if clean.query_parameters lists them")
        in found
    )
    pages = [step.result for step in found if step.name == "Page"]
    assert pages == ["/drinks/", "/drinks", "/menu"]
    assert next(step for step in found if step.name == "Referrer").result == "none"


def test_a_bot_is_told_by_what_gave_it_away() -> None:
    raw = next(one for one in LINES if "Googlebot" in one)
    verdict = next(step for step in steps(raw) if step.name == "Verdict")
    assert verdict == ExplainedStep("Verdict", "a bot: search engine", "user agent: Googlebot")


def test_a_refused_line_ends_with_its_reason(tmp_path: Path) -> None:
    code, text = shown("12", LINES, tmp_path)
    assert code == 1
    assert "not an access-log line" in text
    assert "combined" in text


def test_a_line_by_its_number_is_the_line_itself(tmp_path: Path) -> None:
    for number, raw in [*enumerate(LINES[:11], 1)][::4]:
        texts = (shown(str(number), LINES, tmp_path), shown(raw.rstrip("\n"), [], tmp_path))
        by_number, itself = (text.partition("Time")[2].split() for _, text in texts)
        assert by_number == itself != []


def test_a_w3c_line_is_read_by_the_header_above_it(tmp_path: Path) -> None:
    log = [
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n",
        "2026-11-20 05:00:00 192.0.2.7 GET /menu 200\n",
        "#Fields: c-ip date time cs-method cs-uri-stem sc-status\n",
        "192.0.2.7 2026-11-20 05:00:00 GET /cakes 404\n",
    ]
    assert "/menu" in shown("2", log, tmp_path)[1]
    assert "client_errors" in shown("4", log, tmp_path)[1]


@pytest.mark.parametrize(
    ("asked", "says"),
    [("13", "has 12 lines"), ("0", "is not a line number")],
)
def test_a_line_that_is_not_there_is_refused(asked: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        shown(asked, LINES, tmp_path)


def test_a_number_needs_a_log_and_no_directory(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("".join(LINES))
    with pytest.raises(InputError, match="is a directory: name the log that has line 3"):
        show_explanation("3", [str(tmp_path)], "auto", Settings(), Console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("asked", "log"),
    [("3", "access.log"), (LINES[2], ".")],
    ids=["a number", "a line and a directory"],
)
def test_the_own_domain_is_the_one_that_the_report_on_the_logs_infers(
    asked: str, log: str, tmp_path: Path
) -> None:
    text = "".join(LINES * 30).replace("cafe.example", "my.example")
    (tmp_path / "access.log").write_text(text)
    logs, page, out = [str(tmp_path / log)], io.StringIO(), io.StringIO()
    run_trial(logs, "auto", False, Console(file=page, width=300), Settings())
    show_explanation(asked, logs, "auto", Settings(), Console(file=out, width=300))
    (own,) = re.findall(r"Own domain: my\.example, inferred from \S+ of \S+", out.getvalue())
    assert own in page.getvalue()
    assert "the site's own domains: my.example" in out.getvalue()


def shown(asked: str, log: list[str], directory: Path) -> tuple[int, str]:
    out, path = io.StringIO(), directory / "access.log"
    path.write_text("".join(log))
    console = Console(file=out, width=200)
    code = show_explanation(asked, [str(path)] if log else [], "auto", Settings(), console)
    return code, out.getvalue()
