"""Errors by kind of client add up to those of the status codes, whatever the log holds."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.report.builders import BOT, BROWSER, line

from clickstream.clean import CleanRules, LookUps
from clickstream.parse import parse
from clickstream.report.figures import Figures
from clickstream.report.tally import Tally
from clickstream.sessions import SessionRules

requests = st.lists(
    st.builds(
        line,
        st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]),
        st.sampled_from(["05:00:00", "05:10:00", "06:00:00"]),
        st.sampled_from(
            ["/", "/menu", "/a.css", "/robots.txt", "/healthz", "/api/x", "/a.pdf", "/wp-login.php"]
        ),
        st.sampled_from([200, 204, 301, 304, 400, 403, 404, 418, 429, 499, 500, 502, 503, 599]),
        agent=st.sampled_from([BROWSER, BOT, "kube-probe/1.30", "-"]),
    ),
    max_size=60,
)


def figures_of(lines: list[str]) -> Figures:
    tally = Tally(CleanRules("cafe"), SessionRules(), LookUps())
    tally.add(parse("".join(lines).encode(), "combined"), "log")
    return tally.figures()


@given(requests)
def test_errors_by_client_add_up_to_the_status_codes_and_agree_with_the_balance(lines) -> None:
    figures = figures_of(lines)
    by_hundred: Counter[str] = Counter()
    for status, number in figures.by_status.items():
        by_hundred[f"{status // 100}xx"] += number
    for name, kind in (("4xx", "client_errors"), ("5xx", "server_errors")):
        assert sum(figures.errors[name].values()) == by_hundred[name]
        assert figures.errors[name]["people"] == figures.balance[kind]


def test_each_error_counts_with_who_asked() -> None:
    lines = [
        line("192.0.2.1", "05:00:00", "/gone", 404),
        line("192.0.2.1", "05:00:01", "/gone.css", 404),
        line("192.0.2.2", "05:00:00", "/gone", 404, agent=BOT),
        line("192.0.2.2", "05:00:00", "/gone.css", 404, agent=BOT),
        line("192.0.2.3", "05:00:00", "/", 503, agent=BOT),
        line("192.0.2.4", "05:00:00", "/healthz", 503, agent="kube-probe/1.30"),
        line("192.0.2.5", "05:00:00", "/", 502),
    ]
    errors = figures_of(lines).errors
    assert errors["4xx"] == {"people": 1, "bots": 1, "assets": 2, "others": 0}
    assert errors["5xx"]["people"] == 1
    assert sum(errors["5xx"].values()) == 3


def test_the_page_shows_errors_by_client(page, log) -> None:
    row = re.search(r"^4xx +(.*)$", page(log), re.MULTILINE)
    assert row
    assert row[1].split() == ["1", "0", "0", "0", "1"]
