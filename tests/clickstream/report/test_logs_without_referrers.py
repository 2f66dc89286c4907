"""A log without a referrer field tells no channel but what tags and click ids name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean import CleanRules, LookUps
from clickstream.parse import parse
from clickstream.parse.registry import compile_format
from clickstream.report.figures import Figures
from clickstream.report.tally import Tally
from clickstream.sessions import SessionRules

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
RULES = CleanRules(site="cafe", domains=("cafe.example",))
_NGINX = '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent'
_W3C = "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)"


class Request(NamedTuple):
    """One request of 20 November 2026: the client's last number, its second, path and query."""

    client: int
    second: int
    path: str
    query: str
    referrer: str

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def clock(self) -> str:
        """Its time of day."""
        return f"{self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"


requests = st.lists(
    st.builds(
        Request,
        st.integers(1, 3),
        st.integers(0, 6 * 3600),
        st.sampled_from(["/", "/menu", "/style.css", "/gone"]),
        st.sampled_from(["", "", "utm_source=mail&utm_medium=email", "gclid=x", "utm_campaign=a"]),
        st.sampled_from(["-", "https://cafe.example/", "https://www.google.com/"]),
    ),
    min_size=1,
    max_size=20,
)


def combined(request: Request, *, referrer: str) -> str:
    return (
        f"192.0.2.{request.client} - - [20/Nov/2026:{request.clock} +0000] "
        f'"GET {request.target} HTTP/1.1" 200 10{referrer} "{BROWSER}"\n'
    )


def with_referrers(some: Sequence[Request]) -> Figures:
    return figures("".join(combined(one, referrer=f' "{one.referrer}"') for one in some))


def without_in_own_format(some: Sequence[Request]) -> Figures:
    own = compile_format("own", f'{_NGINX} "$http_user_agent"')
    return figures("".join(combined(one, referrer="") for one in some), own)


def without_in_common(some: Sequence[Request]) -> Figures:
    lines = (combined(one, referrer="").rsplit(' "', 1)[0] + "\n" for one in some)
    return figures("".join(lines), "common")


def without_in_json(some: Sequence[Request]) -> Figures:
    lines = (
        {
            "remote_addr": f"192.0.2.{one.client}",
            "time_iso8601": f"2026-11-20T{one.clock}+00:00",
            "request": f"GET {one.target} HTTP/1.1",
            "status": 200,
            "http_user_agent": BROWSER,
        }
        for one in some
    )
    return figures("".join(json.dumps(line) + "\n" for line in lines), "json")


def without_in_w3c(some: Sequence[Request]) -> Figures:
    agent = BROWSER.replace(" ", "+")
    lines = (
        f"2026-11-20 {one.clock} 192.0.2.{one.client} GET {one.path} {one.query or '-'} 200 {agent}"
        for one in some
    )
    return figures("\n".join([_W3C, *lines, ""]), "w3c")


def figures(log: str, log_format: object = "combined") -> Figures:
    tally = Tally(RULES, SessionRules(), LookUps())
    tally.add(parse(log.encode(), log_format), "a log")
    found = tally.figures()
    assert not found.rejected
    return found


WITHOUT = [without_in_own_format, without_in_common, without_in_json, without_in_w3c]


@pytest.mark.parametrize("without", WITHOUT)
@given(requests)
def test_without_the_field_nobody_is_direct_and_tags_still_tell(
    without: Callable[[Sequence[Request]], Figures], some: list[Request]
) -> None:
    found = without(some)
    assert not found.referrers_logged
    assert "Direct" not in found.people.channels
    as_if_none_was_sent = with_referrers([one._replace(referrer="-") for one in some])
    expected = as_if_none_was_sent.people.channels
    if "Direct" in expected:
        expected["not logged"] = expected.pop("Direct")
    assert found.people.channels == expected
    assert not found.top_referrers


@given(requests)
def test_with_the_field_every_channel_is_known(some: list[Request]) -> None:
    found = with_referrers(some)
    assert found.referrers_logged
    assert "not logged" not in found.people.channels


def test_one_request_with_the_field_is_enough_for_a_session() -> None:
    """Caddy leaves out a header that the client did not send, as most visits' first referrer."""

    def line(second: int, path: str, **headers: list[str]) -> str:
        request = {"remote_ip": "192.0.2.1", "method": "GET", "uri": path, "proto": "HTTP/2.0"}
        request |= {"headers": {"User-Agent": [BROWSER], **headers}}
        return json.dumps({"ts": second, "request": request, "status": 200, "size": 1}) + "\n"

    log = line(1795150800, "/") + line(1795150801, "/style.css", Referer=["https://cafe.example/"])
    assert dict(figures(log, "json").people.channels) == {"Direct": 1}
    assert dict(figures(line(1795150800, "/"), "json").people.channels) == {"not logged": 1}


def test_the_page_and_the_report_say_so(tmp_path, page, report) -> None:
    log = tmp_path / "access.log"
    one = Request(1, 18_000, "/", "", "-")
    log.write_text(combined(one, referrer="").rsplit(' "', 1)[0] + "\n")
    text = page(log)
    assert "not logged" in text
    assert "the log has no referrer field" in text
    assert "Direct" not in text
    assert "No page view came from another site" not in text
    _, found, _ = report(log)
    assert found["channels"] == {"not logged": 1}
