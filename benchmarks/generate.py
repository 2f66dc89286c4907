"""Generates one busy hour of a web server's combined log, plain and gzipped; equal for equal seeds.

People have sessions, from many addresses and browsers, and request pages with their assets; bots
request only pages. One line in a thousand is broken, and one in a thousand is unusual but valid. A
JSON file beside the log has the numbers of each.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import crawleruseragents
import numpy as np
import numpy.typing as npt

SITE = "www.anycompany-cafe.example"
HOUR = "2026-11-20T17"
_SECONDS = 3600
_ONE_IN = 1000

Codes = npt.NDArray[np.int64]
Spoil = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Planted:
    """Counts of a log: its lines, its broken lines by kind, and its unusual but valid lines."""

    lines: int
    broken: dict[str, int]
    odd: dict[str, int]

    @property
    def requests(self) -> int:
        """The number of lines that a strict parser accepts."""
        return self.lines - sum(self.broken.values())


# Each modifies a complete line: _BROKEN so that no parser accepts it, _ODD so that it stays valid.
_BROKEN: Mapping[str, Spoil] = {
    "empty": lambda _: b"",
    "cut": lambda line: line[: line.index(b'" ') - 3],  # inside the request, so its quote is open
    "foreign": lambda _: b"2026/11/20 17:00:00 [error] 7#7: *1 open() failed (2: No such file)",
}
_ODD: Mapping[str, Spoil] = {
    "not http": lambda line: _with_request(line, rb"\x16\x03\x01\x02\x00\x01\xFC\x03\x03"),
    "no request": lambda line: _with_request(line, b"-"),
    "escaped quote": lambda line: line[:-1] + rb" \"beta\"" + b'"',
    "long target": lambda line: _with_request(line, b"GET /menu?q=%b HTTP/1.1" % (b"x" * 8000)),
    "not utf-8": lambda line: _with_request(line, b"GET /caf\xe9 HTTP/1.1"),
}


def generate(log: Path, lines: int, seed: int = 7) -> Planted:
    """Write `log`, `log`.gz and `log`.json, which has the counts of special lines."""
    rng = np.random.default_rng(seed)
    made = [*_lines(rng, lines)]
    broken, odd = _plant(rng, made)
    planted = Planted(lines, broken, odd)
    data = b"".join(line + b"\n" for line in made)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(data)
    zipped(log).write_bytes(gzip.compress(data, compresslevel=6, mtime=0))
    _note(log).write_text(json.dumps(asdict(planted), indent=2))
    return planted


def planted_in(log: Path) -> Planted:
    """Read the counts of a log that `generate` has written."""
    return Planted(**json.loads(_note(log).read_text()))


def zipped(log: Path) -> Path:
    """Return the path of the gzipped log beside the plain one."""
    return log.with_name(f"{log.name}.gz")


def _note(log: Path) -> Path:
    return log.with_name(f"{log.name}.json")


def _plant(rng: np.random.Generator, lines: list[bytes]) -> tuple[dict[str, int], dict[str, int]]:
    """Modify random lines, by one kind of modification after another."""
    each = len(lines) // _ONE_IN
    places = rng.choice(len(lines), 2 * each, replace=False).tolist()
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for count, ways, chosen in zip(
        counts, (_BROKEN, _ODD), (places[:each], places[each:]), strict=True
    ):
        for turn, index in enumerate(chosen):
            name = [*ways][turn % len(ways)]
            lines[index] = ways[name](lines[index])
            count[name] += 1
    return dict(counts[0]), dict(counts[1])


def _with_request(line: bytes, request: bytes) -> bytes:
    before, _, after = line.split(b'"', 2)
    return b'%b"%b"%b' % (before, request, after)


def _lines(rng: np.random.Generator, lines: int) -> Iterator[bytes]:
    """Return complete and valid lines, in the order of their times."""
    visitors, pages, assets = max(lines // 15, 20), _pages(rng), _assets()
    clients, agents, is_bot = _visitors(rng, visitors)
    second, visitor, page, asset, first = _hits(rng, lines, is_bot, len(pages), len(assets))
    statuses = rng.choice([200, 304, 301, 404, 500], lines, p=[0.88, 0.06, 0.025, 0.03, 0.005])
    sizes = rng.lognormal(8.5, 1.2, lines).astype(int) + 120
    referrers = _referrers(rng, pages, first)
    clicks = rng.random(lines)
    for row in range(lines):
        who, at = visitor[row], int(second[row])
        target = pages[page[row]] if asset[row] < 0 else assets[asset[row]]
        if first[row] and clicks[row] < 0.05:  # a click on an advertisement has a unique id
            target = (
                f"{target.partition('?')[0]}?utm_source=google&utm_medium=cpc&gclid=Cj{row:09x}"
            )
        yield (
            f"{clients[who]} - - [20/Nov/2026:17:{at // 60:02d}:{at % 60:02d} +0000] "
            f'"GET {target} HTTP/1.1" {statuses[row]} {sizes[row]} '
            f'"{referrers[row]}" "{agents[who]}"'
        ).encode()


def _hits(
    rng: np.random.Generator, lines: int, is_bot: npt.NDArray[np.bool_], pages: int, assets: int
) -> tuple[Codes, Codes, Codes, Codes, npt.NDArray[np.bool_]]:
    """Return second, visitor, page, asset (-1: the page itself) and whether it starts a session."""
    sessions = max(lines // 3, 50)
    who = rng.integers(0, len(is_bot), sessions)
    views = rng.geometric(np.where(is_bot[who], 1 / 15, 1 / 4))
    session = np.repeat(np.arange(sessions), views)
    first = np.diff(session, prepend=-1) > 0
    pause = np.where(first, 0, rng.lognormal(3.6, 1.1, len(session)).astype(np.int64))
    pause[rng.random(len(session)) < 0.02] += 1500  # the visitor pauses
    start = rng.integers(0, _SECONDS, sessions)
    since = np.cumsum(np.where(first, 0, pause))
    second = start[session] + since - since[first][session]
    page = _popular(rng, pages, len(session))

    loads = np.where(is_bot[who[session]], 0, rng.poisson(0.9, len(session)))
    of = np.repeat(np.arange(len(session)), loads)
    asset = np.concatenate([np.full(len(session), -1), _popular(rng, assets, len(of))])
    row = np.concatenate([np.arange(len(session)), of])
    second = np.concatenate([second, second[of] + rng.integers(0, 3, len(of))])
    inside = np.flatnonzero(second < _SECONDS)
    inside = inside[np.argsort(row[inside], kind="stable")][:lines]  # only the last session is cut
    inside = inside[np.argsort(second[inside], kind="stable")]
    row, asset = row[inside], asset[inside]
    return second[inside], who[session[row]], page[row], asset, first[row] & (asset < 0)


def _popular(rng: np.random.Generator, choices: int, count: int) -> Codes:
    """Choose among options, the n-th one with a weight of 1/n."""
    weight = 1 / np.arange(1, choices + 1)
    return rng.choice(choices, count, p=weight / weight.sum())


def _visitors(
    rng: np.random.Generator, count: int
) -> tuple[list[str], list[str], npt.NDArray[np.bool_]]:
    """Address and user agent of each visitor, and whether it is a bot; some share an address."""
    octets = rng.integers(1, 224, (count, 4)).tolist()
    groups = rng.integers(0, 65_536, (count, 3)).tolist()
    is_new, is_bot = rng.random(count) < 0.12, rng.random(count) < 0.03
    clients = [
        f"2001:db8:{g[0]:x}:{g[1]:x}::{g[2]:x}" if six else ".".join(map(str, o))
        for o, g, six in zip(octets, groups, is_new, strict=True)
    ]
    for visitor in np.flatnonzero(rng.random(count) < 0.15).tolist():
        clients[visitor] = clients[visitor // 5 * 5]
    browsers, bots = _browsers(), _bots()
    browser, bot = _popular(rng, len(browsers), count), _popular(rng, len(bots), count)
    agents = [
        bots[b] if machine else browsers[a]
        for a, b, machine in zip(browser, bot, is_bot, strict=True)
    ]
    return clients, agents, is_bot


def _browsers() -> list[str]:
    systems = {
        "Windows NT 10.0; Win64; x64": "",
        "Macintosh; Intel Mac OS X 10_15_7": "",
        "X11; Linux x86_64": "",
        "Linux; Android 10; K": " Mobile",
    }
    kit, made = "AppleWebKit/537.36 (KHTML, like Gecko)", []
    for version in range(148, 88, -1):
        for system, mobile in systems.items():
            chrome = f"Mozilla/5.0 ({system}) {kit} Chrome/{version}.0.0.0{mobile} Safari/537.36"
            made += [chrome, f"{chrome} Edg/{version}.0.{version * 17}.{version % 90}"]
            made.append(
                f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            )
    for major, minor in ((a, b) for a in range(26, 12, -1) for b in range(8)):
        made.insert(
            3 * (26 - major),
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) "
            f"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} "
            "Mobile/15E148 Safari/604.1",
        )
    return made


def _bots() -> list[str]:
    crawlers: list[dict[str, Any]] = crawleruseragents.CRAWLER_USER_AGENTS_DATA
    named = (agent for crawler in crawlers for agent in crawler.get("instances", [])[:1])
    plain = (a for a in named if a.isascii() and a.isprintable() and not set(a) & {'"', "\\"})
    return [*dict.fromkeys(plain)][:400]


def _pages(rng: np.random.Generator) -> list[str]:
    plain = ["/", "/menu", "/shop", "/cart", "/checkout", "/about", "/locations"]
    kinds = ("coffee", "tea", "cakes", "tarts", "gifts", "beans")
    plain += [f"/shop/{kind}/{number}" for number in range(150) for kind in kinds]
    tags = [
        f"utm_source={source}&utm_medium={medium}&utm_campaign={campaign}"
        for source in ("newsletter", "facebook", "instagram", "tiktok")
        for medium in ("email", "social", "cpc")
        for campaign in ("spring_sale", "mothers%20day", "new-caf%C3%A9")
    ]
    tagged = [f"{plain[rng.integers(100)]}?{tag}" for tag in tags for _ in range(8)]
    searches = [f"/search?q=cake+{word}&page={page}" for word in range(250) for page in range(4)]
    return plain + tagged + searches


def _assets() -> list[str]:
    counts = {"css": 20, "js": 60, "woff2": 12, "svg": 60, "png": 150, "webp": 250, "jpg": 100}
    return [f"/static/{kind}/{n:04x}.{kind}" for kind in counts for n in range(counts[kind])]


def _referrers(
    rng: np.random.Generator, pages: list[str], first: npt.NDArray[np.bool_]
) -> list[str]:
    """Return each hit's referrer: at a session's start none or another site, then our own site."""
    outside = ["https://www.google.com/", "https://www.bing.com/", "https://l.instagram.com/"]
    outside += [f"https://blog-{n}.example.org/post/{n * 7}?ref=cafe" for n in range(600)]
    inside = [f"https://{SITE}{page}" for page in pages[:400]]
    there, here = _popular(rng, len(outside), len(first)), _popular(rng, len(inside), len(first))
    nowhere = rng.random(len(first)) < 0.45
    return [
        inside[here[row]] if not opens else "-" if nowhere[row] else outside[there[row]]
        for row, opens in enumerate(first)
    ]


def main() -> None:
    """Generate a log from the command line."""
    parser = argparse.ArgumentParser(description="Make one busy hour of a combined log.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    generate(chosen.log, chosen.lines, chosen.seed)


if __name__ == "__main__":
    main()
