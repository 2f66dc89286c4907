"""The page shows the figures, adds up, keeps to its columns, and lets no log line steer it."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console
from tests.clickstream.logs.builders import LINES, SETTINGS, line

from clickstream.logs.trial import read_figures, run_trial
from clickstream.logs.trial_page import KINDS, show
from clickstream.settings import GoalSettings, Settings
from clickstream.tables import BALANCE


@pytest.fixture(scope="module")
def draw(tmp_path_factory) -> Callable[[Console], None]:
    """Return a function that shows the page of the small log, which is read once, on a console."""
    log = tmp_path_factory.mktemp("page") / "access.log"
    log.write_text("".join(LINES))
    figures, logs = read_figures([str(log)], "auto", SETTINGS, Console(file=io.StringIO()))
    return lambda console: show(figures, logs, 1.0, console)


@pytest.fixture(scope="module")
def text(draw) -> str:
    """The page of the small log as plain text."""
    out = io.StringIO()
    draw(Console(file=out, width=80))
    return out.getvalue()


def test_page_shows_the_figures(text):
    assert "12 lines" in text
    assert "20 Nov 2026 05:00 to 20 Nov 2026 07:00 UTC (2 hours)" in text
    assert "4 client addresses" in text
    for shown in ("visitors", "sessions", "page views", "bounce rate", "66.7%"):
        assert shown in text
    for shown in ("engaged", "33.3%", "median time", "5 s", "page requests"):
        assert shown in text
    for shown in ("/menu", "www.google.com", "news letter / email / autumn"):
        assert shown in text
    for shown in ("200 OK", "404 Not Found", "301 Moved Permanently", "Googlebot"):
        assert shown in text
    assert "not an access-log line" in text
    assert "1 not an access-log line  such as line 12 of" in text
    assert "this is no log line" in text
    row = re.search(r"^4xx +(.*)$", text, re.MULTILINE)  # errors by kind of client
    assert row
    assert row[1].split() == ["1", "0", "0", "0", "1"]


def test_page_names_the_inferred_own_domain_with_its_evidence(page, tmp_path):
    log = tmp_path / "access.log"
    log.write_text("".join(LINES * 30).replace("cafe.example", "shop.example"))
    said = " ".join(page(log, width=120, settings=Settings()).split())
    assert "Own domain: shop.example, inferred from 60 of 60 asset requests" in said


def test_one_line_of_one_file_is_in_the_singular(page, tmp_path):
    path = tmp_path / "one.log"
    path.write_text(line("192.0.2.1", "05:00:00", "/", agent="curl/8.0"))
    text = page(path)
    assert "1 line in " in text
    assert "1 client address," in text
    assert "100% of the requests without assets and health checks" in text
    assert not re.search(r"\b1 (lines|files|requests|client addresses)", text)


def test_a_file_that_could_not_be_read_is_not_counted(page, log, tmp_path):
    text = page(log, tmp_path / "nosuch", width=200)
    assert "12 lines in 1 file; 1 refused: nosuch" in text
    assert "2 files" not in text


def test_balance_on_the_page_adds_up(text):
    rows = dict(re.findall(r"^(\S.+?)  +(\d+) +[\d.]+%", text, re.MULTILINE))
    total = int(rows.pop("= lines"))
    assert len(rows) == len(BALANCE) + 1
    assert sum(map(int, rows.values())) == total == len(LINES)


def test_every_kind_of_the_balance_has_a_name():
    assert list(KINDS) == [*BALANCE, "rejected", "other_hosts"]


def test_page_keeps_to_its_columns(draw):
    for width in (60, 80, 100, 120, 200):
        out = io.StringIO()
        draw(Console(file=out, width=width))
        assert max(map(len, out.getvalue().splitlines())) <= min(width, 120)


def test_piped_page_is_plain_and_a_terminal_gets_colour(text, draw):
    assert "\x1b" not in text
    out = io.StringIO()
    draw(Console(file=out, width=80, force_terminal=True, color_system="truecolor"))
    assert "\x1b[" in out.getvalue()


def test_no_log_line_steers_the_terminal(page, tmp_path):
    path = tmp_path / "hostile\x1b[2J.log"
    targets = ["/\x1b[31mred", "/[bold]x[/]", "/\u202eevil", "/caf\u00e9"]
    referrer = "http://[red]\x1b]0;x\x07/"
    hostile = [line("192.0.2.1", "05:00:00", one, referrer=referrer) for one in targets]
    path.write_text("".join(hostile) + "[red]\x1b[2J reject\n")
    text = page(path)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "[red]" in text


def test_without_people_and_times_the_page_still_stands(page, tmp_path):
    path = tmp_path / "bots.log"
    path.write_text(line("192.0.2.1", "05:00:00", "/", agent="curl/8.0"))
    text = page(path)
    assert "No page views." in text
    assert "No request carries utm tags." in text
    assert "None: all lines could be parsed." in text


def test_a_page_for_an_ascii_terminal_is_ascii(draw, tmp_path):
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as out:
        draw(Console(file=out, width=80))
    assert "----" in path.read_text(encoding="ascii")


def test_a_hostile_line_is_escaped_on_an_ascii_terminal(tmp_path):
    log = tmp_path / "access.log"
    rejected = "café \u202e\x1b[2J is no log line, and longer than a row of the terminal\n"
    log.write_text(rejected + "".join(LINES))
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as out:
        run_trial([str(log)], "auto", False, Console(file=out, width=60), SETTINGS)
    shown = path.read_text(encoding="ascii")
    assert "caf\\xe9 \\u202e\\x1b[2J is no log line" in shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", shown)


def test_bars_are_as_long_as_their_share(page, tmp_path):
    path = tmp_path / "bots.log"
    agents = ["Googlebot/2.1"] * 4 + ["GPTBot/1.0"] * 2
    lines = [line("192.0.2.1", f"05:00:0{n}", "/", agent=a) for n, a in enumerate(agents)]
    path.write_text("".join(lines))
    bars = re.findall(r"^user agent: .* (━+)╸? *$", page(path), re.MULTILINE)
    assert len(bars[0]) == pytest.approx(2 * len(bars[1]), abs=1)


def test_goals_and_their_sessions_are_named(page, log):
    goals = {"menu": GoalSettings(page="/menu"), "never": GoalSettings(page="/nowhere")}
    shown = page(log, settings=SETTINGS.model_copy(update={"goals": goals}))
    assert "2 of the sessions met the goal menu." in shown
    assert "never" not in shown


def test_markup_of_a_request_is_shown_as_it_is(page, tmp_path):
    texts = ["[/x]", "[red]", "[link=x]", ":cat:", "\\"]
    log = tmp_path / "access[red].log"
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
    lines = [
        line("192.0.2.1", "05:50:00", f"/{text}?utm_source={text}&utm_campaign={text}", agent=agent)
        for text in texts
    ]
    log.write_text("".join(lines) + f"no log line {' '.join(texts)}\n")
    shown = page(log, width=200)
    for text in texts:
        assert f"{text} / - / {text}" in shown  # source, medium, campaign
    assert f"no log line {' '.join(texts)}" in shown
