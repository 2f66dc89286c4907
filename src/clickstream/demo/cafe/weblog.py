"""What the web server logs: requests and how a line of the combined log format is made of one.

Every request carries its own truth beside what is logged: what kind it is, which page was viewed,
which source led here, which order it confirms.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import NamedTuple

from clickstream.demo.cafe.rules import HOUR, SECOND

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
SLOWEST = 1900
"""Milliseconds the slowest answer takes, so lines are out of order by less than 2 seconds."""


class Client(NamedTuple):
    """Who asks. `agent` is "-" for a client that does not say."""

    address: str
    agent: str
    protocol: str = "HTTP/1.1"
    is_machine: bool = False


class Source(NamedTuple):
    """Where a visitor came from; all None for nowhere in particular.

    `channel`, `source` and `medium` are what referrer and tags together stand for.
    """

    referrer_domain: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    channel: str | None = None
    source: str | None = None
    medium: str | None = None


NOWHERE = Source()


class Receipt(NamedTuple):
    """An order as its confirmation page shows it."""

    number: int
    total_cents: int


class Ask(NamedTuple):
    """What a client asks for. Without a `method`, `target` is whatever it sent instead.

    `goal` is the goal that it meets when it is answered well, empty for none.
    """

    method: str
    target: str
    referrer: str = "-"
    source: Source = NOWHERE
    is_asset: bool = False
    receipt: Receipt | None = None
    goal: str = ""


class Reply(NamedTuple):
    """What the server answers: `size` in bytes, None when no body is sent; time in ms."""

    status: int
    size: int | None
    took: int


class Request(NamedTuple):
    """One record of the log. The server stamps it when `received`, and logs it when answered."""

    received: int
    written: int
    client: Client
    ask: Ask
    status: int
    size: int | None
    kind: str


class BrokenLine(NamedTuple):
    """A line of the log that is no record."""

    received: int
    written: int
    raw: bytes


Entry = Request | BrokenLine


def log(client: Client, received: int, ask: Ask, reply: Reply) -> Request:
    """The record of a request. It is always answered within its hour, so each log holds one."""
    hour_ends = received - received % HOUR + HOUR
    written = min(received + min(reply.took, SLOWEST), hour_ends - 1)
    kind = _kind(client, ask, reply.status)
    return Request(received, written, client, ask, reply.status, reply.size, kind)


def _kind(client: Client, ask: Ask, status: int) -> str:
    """The one column of the line balance that the request counts under."""
    if ask.is_asset:
        return "assets"
    if client.is_machine:
        return "bots"
    if ask.method == "GET" and status in (200, 304):
        return "page_requests"
    return {3: "redirects", 4: "client_errors", 5: "server_errors"}.get(status // 100, "others")


def render(entry: Entry) -> bytes:
    """The entry's line, newline included."""
    if isinstance(entry, BrokenLine):
        return entry.raw
    client, ask = entry.client, entry.ask
    asked = f"{ask.method} {ask.target} {client.protocol}" if ask.method else ask.target
    size = "-" if entry.size is None else entry.size
    return (
        f"{client.address} - - [{_stamp(entry.received // SECOND)}] "
        f'"{asked}" {entry.status} {size} "{ask.referrer}" "{client.agent}"\n'
    ).encode()


@lru_cache(maxsize=4096)
def _stamp(seconds: int) -> str:
    """The time as the log shows it, e.g. 20/Nov/2026:05:07:09 +0000."""
    t = gmtime(seconds)
    return (
        f"{t.tm_mday:02}/{MONTHS[t.tm_mon - 1]}/{t.tm_year}"
        f":{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
    )
