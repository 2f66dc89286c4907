"""The third layer of bot detection: a visitor's requests in an hour.

Each rule compares a count per visitor with a limit, for all visitors at once. The result does not
depend on the order of the rows. The limits are high, because a family or an office with one address
and one browser looks like one visitor, and must not be classified as a bot.
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
    part for parts in read_toml("scanner_paths.toml")["paths"].values() for part in parts
)
"""Parts of paths, in lower case, that only scanners request."""

BEHAVIOURS = (
    Verdict(SCANNER, "behaviour: asked for what only scanners seek"),
    Verdict(OTHER, "behaviour: asked for robots.txt first and took no asset"),
    Verdict(OTHER, "behaviour: too many pages in a minute"),
    Verdict(OTHER, "behaviour: many pages and no asset"),
    Verdict(OTHER, "behaviour: many different pages and never a referrer"),
)
"""The verdict of each rule, in the order of precedence."""


@dataclass(frozen=True)
class BehaviourRules:
    """The limits at which a visitor counts as a bot for an hour. None switches a rule off.

    - `scanner_paths`: at least this number of different scanner paths, or one of them and no page.
      `scanner_parts` defines these paths; see `is_scanner_path`.
    - `robots_txt`: requesting robots.txt first, and no asset (the browser of a curious person loads
      assets); True or False.
    - `pages_in_a_minute`: more than this number of pages in any 60 seconds.
    - `pages_without_asset`: at least this number of pages, and no asset.
    - `pages_without_referrer`: at least this number of different pages, and no referrer in any
      request.

    The last two rules apply only in hours in which at least the share `usual` of the visitors with
    pages has assets or referrers, respectively: behind a cache, a log shows no assets, and some log
    formats have no referrer.
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
    """The requests of one hour, in any order, and the number of their visitors.

    All arrays have one value per request. `visitor` is 0 to `visitors` - 1, and `second` whole
    seconds since any fixed moment. `kind` is a position in KINDS. `path` is a number for each
    different path, -1 for none. The flags mark requests for robots.txt, requests for scanner
    paths, and requests with a referrer.
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
        """Count the chosen rows of each visitor."""
        return np.bincount(self.visitor[rows], minlength=self.visitors)

    def count_paths(self, rows: Flags) -> Numbers:
        """Count the different paths in the chosen rows of each visitor."""
        rows = rows & (self.path >= 0)
        paths = int(self.path.max(initial=0)) + 1
        pairs = np.sort(self.visitor[rows].astype(np.int64) * paths + self.path[rows])
        is_new = np.diff(pairs, prepend=-1) > 0
        return np.bincount(pairs[is_new] // paths, minlength=self.visitors)


def behaviour(requests: HourOfRequests, rules: BehaviourRules) -> npt.NDArray[np.int8]:
    """Return for each visitor the index in BEHAVIOURS of the first rule that holds, else -1.

    `requests` must contain only visitors without a verdict by user agent or network, because the
    share `usual` is that of people.
    """
    page = requests.kind == KINDS.index("page")
    pages = requests.count(page)
    has_asset = requests.count(requests.kind == KINDS.index("asset")) > 0
    is_scanner = takes_no_asset = np.zeros(requests.visitors, np.bool_)
    if (least := rules.scanner_paths) is not None:
        paths = requests.count_paths(requests.is_scanner_path)
        is_scanner = (paths >= least) | ((paths >= 1) & (pages == 0))
    least = rules.pages_without_asset
    if least is not None and _is_usual(has_asset, pages, rules.usual):
        takes_no_asset = (pages >= least) & ~has_asset
    held = (
        is_scanner,
        _robots_first(requests, is_enabled=rules.robots_txt) & ~has_asset,
        _hurries(requests, page, pages, rules.pages_in_a_minute),
        takes_no_asset,
        _has_no_referrer(requests, page, pages, rules),
    )
    rule = np.full(requests.visitors, -1, np.int8)
    for index in reversed(range(len(held))):
        rule[held[index]] = index
    return rule


def _robots_first(requests: HourOfRequests, *, is_enabled: bool) -> Flags:
    """Return a mask of the visitors that requested robots.txt first.

    It counts as first if no request of the visitor has an earlier second.
    """
    robots = requests.is_robots_txt & is_enabled
    if robots.any():
        first = np.full(requests.visitors, np.iinfo(np.int64).max)
        np.minimum.at(first, requests.visitor, requests.second)
        robots = robots & (requests.second == first[requests.visitor])
    return np.asarray(requests.count(robots) > 0)


def _hurries(requests: HourOfRequests, page: Flags, pages: Numbers, most: int | None) -> Flags:
    """Return a mask of the visitors with more than `most` pages in any 60 seconds.

    Page requests are sorted by one number: the visitor in the upper 32 bits, the second in the
    lower. Two numbers differ by less than 60 only if both have the same visitor.
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
    """Return whether `has` is true for at least the given share of the visitors with pages."""
    readers = pages > 0
    return bool(readers.any() and has[readers].mean() >= share)


def is_scanner_path(path: str, parts: tuple[str, ...] = SCANNER_PATHS) -> bool:
    """Return whether a path contains any of the parts, also in upper case or percent-encoded.

    The path is decoded twice, because scanners encode path traversals twice to hide them.
    """
    pattern = _pattern(parts)
    return pattern is not None and pattern.search(unquote(unquote(path)).lower()) is not None


@lru_cache(maxsize=16)
def _pattern(parts: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, parts))) if parts else None
