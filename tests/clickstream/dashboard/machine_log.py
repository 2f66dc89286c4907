"""An access log of 80 kinds of machines and a few people, and what it has in it, counted by line.

The counts share nothing with the pipeline: the operator and the class of each program are written
here, and the names of pages come from the paths by two plain rules.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.robotparser import RobotFileParser
from zoneinfo import ZoneInfo

FIRST = datetime(2026, 11, 21, 3, tzinfo=UTC)
HOURS = 4
ZONE = ZoneInfo("America/New_York")
"""The local date changes in the middle of the hours."""

SEED = 11
CRAWLER_NETWORK = "203.0.113.0/24"
"""The network in which Googlebot is confirmed."""

PROGRAMS = """
GPTBot|OpenAI|ai training;OAI-SearchBot|OpenAI|ai search;ChatGPT-User|OpenAI|ai user
ClaudeBot|Anthropic|ai training;Claude-SearchBot|Anthropic|ai search;Claude-User|Anthropic|ai user
PerplexityBot|Perplexity|ai search;Perplexity-User|Perplexity|ai user
CCBot|Common Crawl|ai training;Bytespider|ByteDance|ai training;Amazonbot|Amazon|ai training
DeepSeekBot|DeepSeek|ai training;meta-externalagent|Meta|ai training
meta-externalfetcher|Meta|ai user;MistralAI-User|Mistral AI|ai user
bingbot|Microsoft|search engine;BingPreview|Microsoft|link preview;Applebot|Apple|search engine
DuckDuckBot|DuckDuckGo|search engine;DuckAssistBot|DuckDuckGo|ai user
YandexBot|Yandex|search engine;Baiduspider|Baidu|search engine;PetalBot|Huawei|search engine
SeznamBot|Seznam|search engine;MojeekBot|Mojeek|search engine;Qwantbot|Qwant|search engine
AhrefsBot|Ahrefs|seo;SemrushBot|Semrush|seo;MJ12bot|Majestic|seo;UptimeRobot|UptimeRobot|monitor
pingdom|Pingdom|monitor;Feedly|Feedly|feed reader;Twitterbot|X|link preview
LinkedInBot|LinkedIn|link preview;Slackbot|Slack|link preview;TelegramBot|Telegram|link preview
Discordbot|Discord|link preview;archive.org_bot|Internet Archive|archiver
CensysInspect|Censys|scanner;AdsBot-Google|Google|advertising
"""
"""Programs with their operators and classes."""

SCANNER = "Nuclei"
"""The program with more paths than facts list."""

INVENTED = 37
"""Number of programs that no list names: North0crawler and so on."""

ROBOTS = """
User-agent: *
Disallow: /cart/
Disallow: /account

User-agent: GPTBot
User-agent: CCBot
Disallow: /

User-agent: bingbot
Disallow:
"""

PAGES = ("/", "/menu", "/cart", "/cart/items", "/account", "/accounts/new", "/about", "/news")
WRITTEN = ("{}", "{}/", "{}/index.html", "{}?from=feed")
"""Spellings of the path of one page; only the first and the last always have equal paths."""

Kind = tuple[str, str]


@dataclass(frozen=True)
class Program:
    """A program: its user agent, the network of its addresses, and who it is."""

    name: str
    operator: str
    bot_class: str
    network: str
    is_confirmed: bool = False

    @property
    def agent(self) -> str:
        site = "yandex.com/bots" if self.name == "YandexBot" else f"{self.name.lower()}.example"
        return f"Mozilla/5.0 (compatible; {self.name}/1.0; +http://{site})"


def programs() -> list[Program]:
    """All 80: those listed, two that call themselves Googlebot, a scanner, and invented ones."""
    listed = [
        Program(*one.strip().split("|"), "198.51.100")
        for one in PROGRAMS.replace("\n", ";").split(";")
        if one
    ]
    return [
        *listed,
        Program("Googlebot", "Google", "search engine", "203.0.113", is_confirmed=True),
        Program("Googlebot", "impostor of Googlebot", "scanner", "192.0.2"),
        Program(SCANNER, "unknown operator", "scanner", "198.51.100"),
        *(
            Program(f"North{n}crawler", "unknown operator", "other", "198.51.100")
            for n in range(INVENTED)
        ),
    ]


@dataclass
class Counted:
    """What the lines of an operator and class are, without assets."""

    requests: int = 0
    bytes: int = 0
    errors: int = 0
    confirmed: int = 0
    newest: datetime = FIRST
    pages: Counter[str] = field(default_factory=Counter)
    disallowed: int = 0


@dataclass(frozen=True)
class MachineLog:
    """The lines, and their counts by operator and class, by date and class, and of visits."""

    lines: list[str]
    kinds: dict[Kind, Counted]
    by_date: Counter[tuple[date, str]]
    visits: Counter[str]
    orders: Counter[str]


def page_of_path(path: str) -> str:
    """The name of a page in this log: no query, no index file, no slash at the end."""
    plain = path.partition("?")[0].removesuffix("index.html")
    return plain.rstrip("/") or "/"


def write_machine_log(requests: int) -> MachineLog:
    """Simulate a number of requests of machines, and 60 visits of people."""
    rng = random.Random(SEED)
    parser = RobotFileParser()
    parser.parse(ROBOTS.splitlines())
    log = MachineLog([], defaultdict(Counted), Counter(), Counter(), Counter())
    names = programs()
    weights = [1.5 if one.name == SCANNER else 3 / (place + 3) for place, one in enumerate(names)]
    for program in rng.choices(names, weights, k=requests):
        at = FIRST + timedelta(seconds=rng.randrange(HOURS * 3600))
        path, status = _target(rng, program)
        size = rng.choice((0, 180, 2_500, 40_000))
        log.lines.append(_line(rng, program, at, path, status, size))
        if not path.endswith(".css"):
            _count(log, program, at, path, status, size, parser)
    for number in range(60):
        _visit(log, rng, number)
    return log


def _target(rng: random.Random, program: Program) -> tuple[str, int]:
    if rng.random() < 0.02:
        return "/style.css", 200
    if program.name == SCANNER:
        return f"/{rng.randrange(3_000)}x.cgi", 404
    if program.name != "ClaudeBot" and rng.random() < 0.01:
        return "/robots.txt", 200
    page = rng.choice(PAGES) if rng.random() < 0.5 else f"/menu/dish-{rng.choice('abcdefgh')}"
    path = "/" if page == "/" else rng.choice(WRITTEN).format(page)
    return path, rng.choices((200, 404, 503), (95, 4, 1))[0]


def _line(
    rng: random.Random, program: Program, at: datetime, path: str, status: int, size: int
) -> str:
    address = f"{program.network}.{rng.randrange(1, 250)}"
    stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{stamp}] "GET {path} HTTP/1.1" {status} {size} "-" "{program.agent}"'


def _count(
    log: MachineLog,
    program: Program,
    at: datetime,
    path: str,
    status: int,
    size: int,
    parser: RobotFileParser,
) -> None:
    one = log.kinds[program.operator, program.bot_class]
    one.requests += 1
    one.bytes += size
    one.errors += status >= 400
    one.confirmed += program.is_confirmed
    one.newest = max(one.newest, at)
    one.pages[page_of_path(path)] += 1
    plain = path.partition("?")[0]
    is_allowed = plain == "/robots.txt" or parser.can_fetch(program.name, f"https://site{plain}")
    one.disallowed += not is_allowed
    log.by_date[at.astimezone(ZONE).date(), program.bot_class] += 1


SENDERS = (
    ("https://chatgpt.com/", "OpenAI"),
    ("https://www.google.com/", "Google"),
    ("https://gemini.google.com/", "Google"),
    ("https://www.bing.com/", "Microsoft"),
    ("https://www.perplexity.ai/", "Perplexity"),
    ("https://news.example/", ""),
    ("-", ""),
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def _visit(log: MachineLog, rng: random.Random, number: int) -> None:
    """Add a visit of two pages; every third orders, and every tenth comes by an advertisement."""
    referrer, sender = SENDERS[number % len(SENDERS)]
    at = FIRST + timedelta(seconds=rng.randrange(HOURS * 3600 - 60))
    is_paid, orders = number % 10 == 9, number % 3 == 0
    landing = "/menu?gclid=x1" if is_paid else "/menu"
    last = "/thanks" if orders else "/about"
    for place, (target, source) in enumerate(
        ((landing, referrer), ("/style.css", "https://site/menu"), (last, "https://site/menu"))
    ):
        stamp = (at + timedelta(seconds=7 * place)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        log.lines.append(
            f'10.0.{number}.7 - - [{stamp}] "GET {target} HTTP/1.1" 200 900 "{source}" "{BROWSER}"'
        )
    if sender and not is_paid:
        log.visits[sender] += 1
        log.orders[sender] += orders


def sorted_lines(log: MachineLog) -> Iterator[str]:
    """The lines in the order of their times, as a server writes them."""
    return iter(sorted(log.lines, key=lambda line: line.partition("[")[2][:20]))
