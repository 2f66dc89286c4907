"""Entries of the café's log, and their lines in the combined log format.

Each request also has true facts that are not in its line: its kind, the viewed page, the source of
the visit, the order that it confirms.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import NamedTuple

from clickstream.demo.cafe.menu import Product
from clickstream.demo.cafe.rules import HOUR, SECOND

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
SLOWEST = 1900
"""Longest time of a response in milliseconds, so lines are less than 2 seconds out of order."""


class Client(NamedTuple):
    """A client. `agent` is "-" for a client that sends no user agent."""

    address: str
    agent: str
    protocol: str = "HTTP/1.1"
    is_machine: bool = False


class VisitSource(NamedTuple):
    """Source of a visit; all fields are None for a direct visit.

    `channel`, `source` and `medium` follow from referrer and tags together.
    """

    referrer_domain: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    channel: str | None = None
    source: str | None = None
    medium: str | None = None


NOWHERE = VisitSource()


class Receipt(NamedTuple):
    """Number and total of an order, as on its confirmation page; `basket` has its quantities.

    `caused_by` is the campaign without which its visit would not have happened; empty for none.
    """

    number: int
    total_cents: int
    basket: tuple[tuple[Product, int], ...]
    caused_by: str = ""


class Ask(NamedTuple):
    """The request of a client. If `method` is empty, `target` has the bytes that it sent instead.

    `goal` is the goal that the request meets if it succeeds; empty for none.
    """

    method: str
    target: str
    referrer: str = "-"
    source: VisitSource = NOWHERE
    is_asset: bool = False
    receipt: Receipt | None = None
    goal: str = ""


class Reply(NamedTuple):
    """The server's response: `size` in bytes, None without a body; `took` in milliseconds."""

    status: int
    size: int | None
    took: int


class Request(NamedTuple):
    """A request in the log. Its line has the time `received`; it is logged at `written`."""

    received: int
    written: int
    client: Client
    ask: Ask
    status: int
    size: int | None
    kind: str


class BrokenLine(NamedTuple):
    """A line of the log that is not a request."""

    received: int
    written: int
    raw: bytes


Entry = Request | BrokenLine


def log(client: Client, received: int, ask: Ask, reply: Reply) -> Request:
    """Build the log entry of a request, which is written in the hour in which it is received."""
    hour_ends = received - received % HOUR + HOUR
    written = min(received + min(reply.took, SLOWEST), hour_ends - 1)
    kind = _kind(client, ask, reply.status)
    return Request(received, written, client, ask, reply.status, reply.size, kind)


def _kind(client: Client, ask: Ask, status: int) -> str:
    """Return the column of the line balance that counts the request."""
    if ask.is_asset:
        return "assets"
    if client.is_machine:
        return "bots"
    if ask.method == "GET" and status in (200, 304):
        return "page_requests"
    return {3: "redirects", 4: "client_errors", 5: "server_errors"}.get(status // 100, "others")


def render(entry: Entry) -> bytes:
    """Return the entry's line with its newline."""
    if isinstance(entry, BrokenLine):
        return entry.raw
    client, ask = entry.client, entry.ask
    request_line = f"{ask.method} {ask.target} {client.protocol}" if ask.method else ask.target
    size = "-" if entry.size is None else entry.size
    return (
        f"{client.address} - - [{_stamp(entry.received // SECOND)}] "
        f'"{request_line}" {entry.status} {size} "{ask.referrer}" "{client.agent}"\n'
    ).encode()


@lru_cache(maxsize=4096)
def _stamp(seconds: int) -> str:
    """Format a time as in the log: 20/Nov/2026:05:07:09 +0000."""
    t = gmtime(seconds)
    return (
        f"{t.tm_mday:02}/{MONTHS[t.tm_mon - 1]}/{t.tm_year}"
        f":{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
    )
