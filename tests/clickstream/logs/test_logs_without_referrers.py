"""A log without a referrer field tells no channel but what tags and click ids name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
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


SOME = [
    Request(1, 0, "/", "", "-"),
    Request(1, 60, "/menu", "", "https://cafe.example/"),
    Request(2, 100, "/", "utm_source=mail&utm_medium=email", "-"),
    Request(2, 101, "/style.css", "", "https://cafe.example/"),
    Request(2, 9_000, "/menu", "gclid=x", "https://www.google.com/"),
    Request(3, 200, "/gone", "utm_campaign=a", "-"),
    Request(3, 9_000, "/", "", "https://www.google.com/"),
]


def combined(request: Request, *, referrer: str) -> str:
    return (
        f"192.0.2.{request.client} - - [20/Nov/2026:{request.clock} +0000] "
        f'"GET {request.target} HTTP/1.1" 200 10{referrer} "{BROWSER}"\n'
    )


def lines_in_own_format() -> tuple[list[str], str]:
    return [combined(one, referrer="") for one in SOME], f'{_NGINX} "$http_user_agent"'


def lines_in_common() -> tuple[list[str], str]:
    return [combined(one, referrer="").rsplit(' "', 1)[0] + "\n" for one in SOME], "common"


def lines_in_json() -> tuple[list[str], str]:
    lines = (
        {
            "remote_addr": f"192.0.2.{one.client}",
            "time_iso8601": f"2026-11-20T{one.clock}+00:00",
            "request": f"GET {one.target} HTTP/1.1",
            "status": 200,
            "http_user_agent": BROWSER,
        }
        for one in SOME
    )
    return [json.dumps(line) + "\n" for line in lines], "json"


def lines_in_w3c() -> tuple[list[str], str]:
    agent = BROWSER.replace(" ", "+")
    lines = (
        f"2026-11-20 {one.clock} 192.0.2.{one.client} GET {one.path} {one.query or '-'} 200 {agent}"
        for one in SOME
    )
    return [f"{line}\n" for line in (_W3C, *lines)], "w3c"


def test_without_the_field_no_session_is_direct_and_tags_still_count(
    figures_of: Callable[..., dict[str, Any]],
) -> None:
    none_sent = [combined(one, referrer=' "-"') for one in SOME]
    expected = figures_of(none_sent)["channels"]
    expected["not logged"] = expected.pop("Direct")
    for lines in (lines_in_own_format, lines_in_common, lines_in_json, lines_in_w3c):
        text, log_format = lines()
        formats = {"own": log_format} if "$" in log_format else {}
        found = figures_of(text, "own" if formats else log_format, formats=formats)
        assert (found["top_referrers"], found["channels"]) == ([], expected), log_format


def test_with_the_field_every_channel_is_known(figures_of: Callable[..., dict[str, Any]]) -> None:
    lines = [combined(one, referrer=f' "{one.referrer}"') for one in SOME]
    channels = figures_of(lines)["channels"]
    assert {"Direct", "Organic Search"} <= channels.keys()
    assert "not logged" not in channels


def test_one_request_with_the_field_is_enough_for_a_session(
    figures_of: Callable[..., dict[str, Any]],
) -> None:
    """Caddy leaves out a header that the client did not send, as most visits' first referrer."""

    def line(second: int, path: str, **headers: list[str]) -> str:
        request = {"remote_ip": "192.0.2.1", "method": "GET", "uri": path, "proto": "HTTP/2.0"}
        request |= {"headers": {"User-Agent": [BROWSER], **headers}}
        return json.dumps({"ts": second, "request": request, "status": 200, "size": 1}) + "\n"

    page = line(1795150800, "/")
    style = line(1795150801, "/style.css", Referer=["https://cafe.example/"])
    assert figures_of([page, style], "json")["channels"] == {"Direct": 1}
    assert figures_of([page], "json")["channels"] == {"not logged": 1}


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
