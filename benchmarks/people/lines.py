"""Log lines of simulated visits in two formats, and what a simulated site consists of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

DAY = 86_400


class Line(NamedTuple):
    """One request: time in Unix seconds, address, target, status, size, referrer, user agent."""

    at: int
    address: str
    target: str
    status: int
    size: int
    referrer: str
    agent: str
    method: str = "GET"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True)
class Site:
    """What visits of a site are simulated from.

    `pages` has the files that each page loads, by its target. `agents`, `referrers` (empty for
    none) and `hours` have weights. `read_on` is the share of people who open a second page, and
    `cached` the share who come with a cache.
    """

    domain: str
    pages: dict[str, tuple[str, ...]]
    agents: dict[str, float]
    referrers: dict[str, float]
    hours: tuple[float, ...]
    read_on: float = 0.55
    cached: float = 0.2
    log_format: str = "combined"


def combined(lines: Iterable[Line]) -> bytes:
    """Return lines in the combined format, in order of time."""
    return "".join(
        f"{line.address} - - [{_time(line.at):%d/%b/%Y:%H:%M:%S} +0000] "
        f'"{line.method} {line.target} {line.protocol}" {line.status} {line.size} '
        f'"{line.referrer or "-"}" "{line.agent}"\n'
        for line in sorted(lines, key=lambda line: line.at)
    ).encode()


W3C_HEADER = (
    "#Fields: date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken\n"
)


def w3c(lines: Iterable[Line]) -> bytes:
    """Return lines in the W3C format of the IIS log, without referrers, in order of time."""
    return (
        W3C_HEADER
        + "".join(
            f"{_time(line.at):%Y-%m-%d %H:%M:%S} W3SVC20 67.222.136.138 {line.method} "
            f"{line.target.partition('?')[0]} {line.target.partition('?')[2] or '-'} 80 - "
            f"{line.address} {line.agent.replace(' ', '+')} {line.status} 0 0 {line.size} 400 90\n"
            for line in sorted(lines, key=lambda line: line.at)
        )
    ).encode()


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def pick(rng: Random, weights: dict[str, float]) -> str:
    """Choose one name by the weights."""
    return rng.choices(list(weights), list(weights.values()))[0]


def own_address(rng: Random) -> str:
    """Choose an address somewhere: hardly two in one network."""
    network = f"{rng.randrange(20, 120)}.{rng.randrange(256)}.{rng.randrange(256)}"
    return f"{network}.{rng.randrange(1, 255)}"


def some_time(rng: Random, site: Site, day: int) -> int:
    """Choose a time on a day when the site's people come. `day` is its start in Unix seconds."""
    hour = rng.choices(range(24), site.hours)[0]
    return day + hour * 3600 + rng.randrange(3600)
