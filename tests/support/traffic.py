"""Generated traffic: the access logs of two web servers, made so that every rule has its edge.

Pauses lie on both sides of the session gap; visitors share addresses; requests share seconds, on
one server and across both; some visitors stay all the time; some are bots, always or in one hour
only; lines come early and late; some are broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, cycle, islice

from hypothesis import strategies as st

from clickstream.core.hours import Hour

FIRST = Hour.parse("2026-11-20T22")
HOUR = 3600
HOSTS = ("web-1", "web-2")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1")
REQUESTS = (
    *("GET / 200", "GET /menu 200", "GET /menu 304", "GET /order 200", "POST /order 200"),
    *("GET /style.css 200", "GET /style.css 404", "GET /menu.pdf 200", "GET /gone 404"),
    *("GET /old 301", "GET /order 500", "GET /api/menu 200", "GET /health 200"),
    "GET /robots.txt 200",
)
PAUSES = (0, 1, 60, 900, 1799, 1800, 1801, 5000)
PAUSES_OF_HOURS = (*PAUSES, 7199, 7200, 7201, 28799, 28800, 28801)


@dataclass(frozen=True)
class Request:
    """One request, at a second after FIRST began; `size` is its number and in no other line."""

    second: int
    address: str
    agent: str
    asked: str
    size: int

    @property
    def line(self) -> str:
        """Its line in combined format."""
        method, path, status = self.asked.split()
        at = FIRST.start + timedelta(seconds=self.second)
        return (
            f"{self.address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "
            f'"{method} {path} HTTP/1.1" {status} {self.size} "-" "{self.agent}"'
        )


@dataclass(frozen=True)
class Traffic:
    """The lines of each server's log, in file order; each log begins with a request."""

    logs: dict[str, list[str]]
    hours: int
    """From FIRST on; no line is later."""

    @property
    def last(self) -> Hour:
        """The last hour that a request may be in."""
        return FIRST.minus(1 - self.hours)


@st.composite
def traffics(
    draw: st.DrawFn, hours: int = 3, most: int = 20, pauses: tuple[int, ...] = PAUSES
) -> Traffic:
    """Traffic of so many hours; a visitor makes `most` requests at most, save who stays all day."""
    who = st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(AGENTS))
    visitors = draw(st.lists(who, min_size=2, max_size=6, unique=True))
    asked: list[tuple[int, str, str, str, str]] = []
    for address, agent in visitors:
        visit = draw(_visits(hours, most, pauses))
        hosts = cycle(draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=5)))
        asked += [
            (second, host, address, agent, what)
            for (second, what), host in zip(visit, hosts, strict=False)
        ]
    numbered = [
        (host, Request(second, address, agent, what, number))
        for number, (second, host, address, agent, what) in enumerate(sorted(asked), start=1)
    ]
    logs = {host: [one for at, one in numbered if at == host] for host in HOSTS}
    return Traffic({host: [*_lines(draw, requests)] for host, requests in logs.items()}, hours)


@st.composite
def _visits(
    draw: st.DrawFn, hours: int, most: int, pauses: tuple[int, ...]
) -> list[tuple[int, str]]:
    """The seconds of one visitor's requests, and what is asked for."""
    made = draw(
        st.one_of(
            st.lists(st.sampled_from(pauses), min_size=most // 4, max_size=most),
            st.sampled_from((1200, 1800)).map(lambda pause: [pause] * (hours * HOUR // pause)),
        )
    )
    begin = draw(st.integers(0, HOUR))
    seconds = [at for at in accumulate(made, initial=begin) if at < hours * HOUR]
    what = draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=8))
    return [*zip(seconds, islice(cycle(what), len(seconds)), strict=True)]


def _lines(draw: st.DrawFn, requests: list[Request]) -> Iterator[str]:
    """The requests as a server logs them: some change places, and broken lines come between."""
    lines = [request.line for request in requests]
    places = st.integers(0, max(len(lines) - 1, 0))
    for one, other in draw(st.lists(st.tuples(places, places), max_size=3)):
        if lines:
            lines[one], lines[other] = lines[other], lines[one]
    broken = draw(st.sets(places, max_size=3))
    for place, line in enumerate(lines):
        yield line
        if place in broken:
            yield f"cut in the mid {place}"
