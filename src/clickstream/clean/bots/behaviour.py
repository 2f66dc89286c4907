"""The third layer: what a visitor does in an hour, whatever it calls itself.

Every rule is a count per visitor against a limit, reckoned over whole columns; the order of the
rows does not matter. The limits are high, because a family or an office behind one address and
with one browser looks like one visitor, and has to stay people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from clickstream.clean.bots.verdict import OTHER, SCANNER, Verdict
from clickstream.clean.data import read_toml
from clickstream.clean.request_kinds import KINDS

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

MINUTE = 60

SCANNER_PATHS: tuple[str, ...] = tuple(
    part for parts in read_toml("scanner_paths.toml").values() for part in parts
)
"""Parts of a path that only scanners ask for, in lower case."""

BEHAVIOURS = (
    Verdict(SCANNER, "behaviour: asked for what only scanners seek"),
    Verdict(OTHER, "behaviour: asked for robots.txt first and took no asset"),
    Verdict(OTHER, "behaviour: too many pages in a minute"),
    Verdict(OTHER, "behaviour: many pages and no asset"),
    Verdict(OTHER, "behaviour: many different pages and never a referrer"),
)
"""The verdict of each rule, in the order in which they are tried."""


@dataclass(frozen=True)
class BehaviourRules:
    """From where on a visitor's hour is a bot's. None switches a rule off.

    `scanner_paths`: so many different ones, or a single one and no page; which paths these are is
    `scanner_parts` (see `is_scanner_path`). `robots_txt`: whether to judge those who ask for
    robots.txt before anything else and take no asset, as a curious person's browser does.
    `pages_in_a_minute`: more pages than this in any 60 seconds. `pages_without_asset`: so many
    pages and no asset. `pages_without_referrer`: so many different pages and not one request with
    a referrer. The last two hold only in an hour in which at least the share `usual` of visitors
    with pages do have what is missed: behind a cache the log shows no assets, and some formats
    have no referrer.
    """

    scanner_paths: int | None = 2
    scanner_parts: tuple[str, ...] = SCANNER_PATHS
    robots_txt: bool = True
    pages_in_a_minute: int | None = 60
    pages_without_asset: int | None = 20
    pages_without_referrer: int | None = 50
    usual: float = 0.5


@dataclass(frozen=True)
class HourOfRequests:
    """One hour's requests, one row each, in any order, and how many visitors made them.

    `visitor`: 0 to `visitors` - 1. `second`: whole seconds since any moment. `kind`: index into
    KINDS. `path`: a number for each different path, -1 for none. The flags: whether the path is
    robots.txt, whether it is one that scanners seek, whether the request has a referrer.
    """

    visitors: int
    visitor: npt.NDArray[np.integer]
    second: Numbers
    kind: npt.NDArray[np.integer]
    path: npt.NDArray[np.integer]
    is_robots_txt: Flags
    is_scanner_path: Flags
    has_referrer: Flags

    def count(self, rows: Flags) -> Numbers:
        """How many of the rows each visitor made."""
        return np.bincount(self.visitor[rows], minlength=self.visitors)

    def count_paths(self, rows: Flags) -> Numbers:
        """How many different paths each visitor asked for in the rows."""
        rows = rows & (self.path >= 0)
        paths = int(self.path.max(initial=0)) + 1
        pairs = np.sort(self.visitor[rows].astype(np.int64) * paths + self.path[rows])
        is_new = np.diff(pairs, prepend=-1) > 0
        return np.bincount(pairs[is_new] // paths, minlength=self.visitors)


def behaviour(requests: HourOfRequests, rules: BehaviourRules) -> npt.NDArray[np.int8]:
    """For each visitor the index of its verdict in BEHAVIOURS, that of the first rule; else -1.

    Give it the visitors that user agent and network leave for people, for the share of those with
    assets or referrers to be people's.
    """
    page = requests.kind == KINDS.index("page")
    pages = requests.count(page)
    has_asset = requests.count(requests.kind == KINDS.index("asset")) > 0
    held = (
        _seeks(requests, pages, rules.scanner_paths),
        _robots_first(requests, is_judged=rules.robots_txt) & ~has_asset,
        _hurries(requests, page, pages, rules.pages_in_a_minute),
        _takes_no_asset(pages, has_asset, rules),
        _has_no_referrer(requests, page, pages, rules),
    )
    found = np.full(requests.visitors, -1, np.int8)
    for index in reversed(range(len(held))):
        found[held[index]] = index
    return found


def _seeks(requests: HourOfRequests, pages: Numbers, least: int | None) -> Flags:
    if least is None:
        return np.zeros(requests.visitors, np.bool_)
    paths = requests.count_paths(requests.is_scanner_path)
    return np.asarray((paths >= least) | ((paths >= 1) & (pages == 0)))


def _robots_first(requests: HourOfRequests, *, is_judged: bool) -> Flags:
    """Who asked for robots.txt in the very first second of all its requests."""
    robots = requests.is_robots_txt & is_judged
    if robots.any():
        first = np.full(requests.visitors, np.iinfo(np.int64).max)
        np.minimum.at(first, requests.visitor, requests.second)
        robots = robots & (requests.second == first[requests.visitor])
    return np.asarray(requests.count(robots) > 0)


def _hurries(requests: HourOfRequests, page: Flags, pages: Numbers, most: int | None) -> Flags:
    """Who has more than `most` pages in any 60 seconds: the last of them within a minute.

    Pages are sorted by one number, the visitor's above the second's, so that two of them differ by
    less than a minute only if they are the same visitor's.
    """
    hurries = np.zeros(requests.visitors, np.bool_)
    if most is None or not (pages > most).any():
        return hurries
    rows = page & (pages > most)[requests.visitor]
    seconds = requests.second[rows] - requests.second.min()
    moments = np.sort(requests.visitor[rows].astype(np.int64) << 32 | seconds)
    is_near = moments[most:] - moments[: len(moments) - most] < MINUTE
    hurries[moments[most:][is_near] >> 32] = True
    return hurries


def _takes_no_asset(pages: Numbers, has_asset: Flags, rules: BehaviourRules) -> Flags:
    least = rules.pages_without_asset
    if least is None or not _is_usual(has_asset, pages, rules.usual):
        return np.zeros(len(pages), np.bool_)
    return np.asarray((pages >= least) & ~has_asset)


def _has_no_referrer(
    requests: HourOfRequests, page: Flags, pages: Numbers, rules: BehaviourRules
) -> Flags:
    has = requests.count(requests.has_referrer) > 0
    least = rules.pages_without_referrer
    if least is None or not _is_usual(has, pages, rules.usual):
        return np.zeros(requests.visitors, np.bool_)
    rows = page & ((pages >= least) & ~has)[requests.visitor]
    return np.asarray((requests.count_paths(rows) >= least) & ~has)


def _is_usual(has: Flags, pages: Numbers, share: float) -> bool:
    """Whether at least the share of visitors with pages has it."""
    readers = pages > 0
    return bool(readers.any() and has[readers].mean() >= share)


def is_scanner_path(path: str, parts: tuple[str, ...] = SCANNER_PATHS) -> bool:
    """Whether the path holds any of the parts, also in capitals and percent-coded.

    It is decoded twice, because scanners code their ways out of a folder twice to hide them.
    """
    pattern = _pattern(parts)
    return pattern is not None and pattern.search(unquote(unquote(path)).lower()) is not None


@lru_cache(maxsize=16)
def _pattern(parts: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, parts))) if parts else None
