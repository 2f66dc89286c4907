"""The logs that the bench mixes machines into: simulated sites, and real logs of real people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.people.counting import KEY, visitors_of_log
from benchmarks.people.lines import DAY, Line, Site, combined, w3c
from benchmarks.people.sites import BLOG, CAFE, SHOP, SMALL, cafe_log, simulated_log
from clickstream.clean import CleanRules, clean
from clickstream.parse import parse

FIRST_DAY = 20_600 * DAY
"""Start of the first simulated day, 27 May 2026, in Unix seconds."""


@dataclass(frozen=True)
class DayOfLog:
    """The log of one site on one date, in which all visitors without a bot verdict are people."""

    site: Site
    start: int
    text: bytes

    @property
    def event_date(self) -> date:
        """The UTC date."""
        return datetime.fromtimestamp(self.start, UTC).date()

    @cached_property
    def people(self) -> pd.DataFrame:
        """The visitors without machines."""
        return self.visitors_with([])

    def visitors_with(self, lines: Sequence[Line]) -> pd.DataFrame:
        """Return the visitors after lines are mixed in."""
        more = (w3c if self.site.log_format == "w3c" else combined)(lines) if lines else b""
        return visitors_of_log(self.text + more, self.site.log_format, self.site.domain)

    @cached_property
    def one_page_visits(self) -> list[list[Line]]:
        """The lines of the people who read one page on this date."""
        requests = requests_of(self.text, self.site)
        people = requests[~requests["is_bot"]]
        pages = (people["kind"] == "page").groupby(people["visitor_id"]).transform("sum")
        single_pages = people[pages == 1]
        return [[*map(_line, rows.itertuples())] for _, rows in single_pages.groupby("visitor_id")]


def requests_of(text: bytes, site: Site) -> pd.DataFrame:
    """Return the requests of a log as parsed, with visitor, kind and bot verdict."""
    parsed = parse(text, site.log_format).requests
    labels = clean(parsed, CleanRules("site", (site.domain,)), KEY)
    names = ["visitor_id", "kind", "is_bot"]
    return parsed.assign(**{name: labels[name] for name in names}).astype({"visitor_id": str})


def _line(row: Any) -> Line:
    get = {name: getattr(row, name) for name in ("client", "target", "referrer", "user_agent")}
    texts = {name: "" if pd.isna(text) else str(text) for name, text in get.items()}
    return Line(
        int(row.at.timestamp()),
        texts["client"],
        texts["target"],
        int(row.status),
        9000,
        texts["referrer"],
        texts["user_agent"],
        str(row.method),
        str(row.protocol) or "HTTP/1.1",
    )


Days = Iterator[DayOfLog]


def _cafe(seed: int) -> Days:
    for start in range(FIRST_DAY, FIRST_DAY + 400 * DAY, DAY):
        yield DayOfLog(CAFE, start, cafe_log(seed, start, 38))


def _simulate(site: Site, visitors: int) -> Callable[[int], Days]:
    def days(seed: int) -> Days:
        for start in range(FIRST_DAY, FIRST_DAY + 400 * DAY, DAY):
            yield DayOfLog(site, start, simulated_log(site, seed, start, visitors))

    return days


def elastic_days(shared: Path) -> Days:
    """Yield the whole dates of the real Apache log."""
    lines = (shared / "elastic-apache-5000" / "access.log").read_bytes().splitlines(keepends=True)
    by_date: dict[bytes, list[bytes]] = {}
    for line in lines:
        by_date.setdefault(line.partition(b"[")[2][:11], []).append(line)
    site = site_of_log(b"".join(lines), "semicomplete.com", "combined")
    for name, of_date in by_date.items():
        at = datetime.strptime(name.decode() + " +0000", "%d/%b/%Y %z")
        yield DayOfLog(site, int(at.timestamp()), b"".join(of_date))


def iis_days(shared: Path, *, second_half: bool) -> Days:
    """Yield the dates of one half of the real IIS log, a file each."""
    paths = sorted((shared / "iis-2009").glob("*.log"))
    middle = len(paths) // 2
    chosen = paths[middle:] if second_half else paths[:middle]
    site = site_of_log(b"".join(path.read_bytes() for path in chosen), "site.example", "w3c")
    for path in chosen:
        at = datetime.strptime(re.sub(r"\D", "", path.stem) + " +0000", "%y%m%d %z")
        yield DayOfLog(site, int(at.timestamp()), path.read_bytes())


def site_of_log(text: bytes, domain: str, log_format: str) -> Site:
    """Return what machines on the site of a real log are simulated from: its people's values."""
    empty = Site(domain, {}, {}, {}, (), log_format=log_format)
    requests = requests_of(text, empty)
    people = requests[~requests["is_bot"]]
    pages = people[(people["kind"] == "page") & (people["status"] == 200)]
    files = _most(people.loc[people["kind"] == "asset", "target"], 5)
    outside = pages["referrer"].astype(object).fillna("").astype(str)
    referrers = _most(outside[~outside.str.contains(domain, regex=False)], 12)
    hours = pages["at"].dt.hour.value_counts().reindex(range(24), fill_value=0) + 1
    return Site(
        domain,
        dict.fromkeys(_most(pages["target"], 30), tuple(files)),
        _most(pages["user_agent"], 25),
        referrers or {"": 1.0},
        tuple(hours.astype(float)),
        log_format=log_format,
    )


def _most(texts: pd.Series, number: int) -> dict[str, float]:
    counts = texts.astype(str).value_counts().head(number)
    return {str(text): float(count) for text, count in counts.items()}


SIMULATED: dict[str, Callable[[int], Days]] = {
    "café": _cafe,
    "shop": _simulate(SHOP, 300),
    "blog": _simulate(BLOG, 400),
    "small site": _simulate(SMALL, 30),
}
"""Simulated sites by name: a function of the seed that yields their days."""

REAL: dict[str, Callable[[Path], Days]] = {
    "Apache 2015": elastic_days,
    "IIS 2009, first half": lambda shared: iis_days(shared, second_half=False),
    "IIS 2009, second half": lambda shared: iis_days(shared, second_half=True),
}
"""Real logs by name: a function of the folder with the shared data."""
