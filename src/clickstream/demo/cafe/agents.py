"""The user agents of people and machines, each with its weight."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class Equipment(NamedTuple):
    """Device, browser and operating system of a person."""

    device: str
    browser: str
    os: str


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT}"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {ios} like Mac OS X) AppleWebKit/605.1.15"
_SAFARI = "(KHTML, like Gecko) Version/{safari} Mobile/15E148 Safari/604.1"

PEOPLE: dict[str, tuple[int, Equipment]] = {
    f"{_WINDOWS} Chrome/142.0.0.0 Safari/537.36": (120, Equipment("desktop", "Chrome", "Windows")),
    f"{_WINDOWS} Chrome/141.0.0.0 Safari/537.36": (60, Equipment("desktop", "Chrome", "Windows")),
    f"{_WINDOWS} Chrome/109.0.0.0 Safari/537.36": (8, Equipment("desktop", "Chrome", "Windows")),
    f"{_WINDOWS} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": (
        55,
        Equipment("desktop", "Edge", "Windows"),
    ),
    f"{_WINDOWS} Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0": (
        10,
        Equipment("desktop", "Opera", "Windows"),
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0": (
        38,
        Equipment("desktop", "Firefox", "Windows"),
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": (
        9,
        Equipment("desktop", "Firefox", "Linux"),
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36": (
        7,
        Equipment("desktop", "Chrome", "Chrome OS"),
    ),
    f"{_MAC} {_WEBKIT} Chrome/142.0.0.0 Safari/537.36": (
        48,
        Equipment("desktop", "Chrome", "macOS"),
    ),
    f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15": (
        42,
        Equipment("desktop", "Safari", "macOS"),
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0": (
        11,
        Equipment("desktop", "Firefox", "macOS"),
    ),
    f"{_IPHONE.format(ios='18_6')} {_SAFARI.format(safari='18.6')}": (
        130,
        Equipment("mobile", "Safari", "iOS"),
    ),
    f"{_IPHONE.format(ios='17_6')} {_SAFARI.format(safari='17.6')}": (
        45,
        Equipment("mobile", "Safari", "iOS"),
    ),
    f"{_IPHONE.format(ios='18_6')} (KHTML, like Gecko) GSA/390.0.812345678 Mobile/15E148 "
    "Safari/604.1": (18, Equipment("mobile", "Google app", "iOS")),
    f"{_IPHONE.format(ios='18_6')} (KHTML, like Gecko) Mobile/15E148 Instagram 400.0.0.20.75 "
    "(iPhone15,2; iOS 18_6; en_GB; en; scale=3.00; 1179x2556; 780000000)": (
        22,
        Equipment("mobile", "Instagram", "iOS"),
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36": (
        140,
        Equipment("mobile", "Chrome", "Android"),
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/139.0.0.0 Mobile Safari/537.36": (
        35,
        Equipment("mobile", "Chrome", "Android"),
    ),
    f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A546B) {_WEBKIT} SamsungBrowser/28.0 "
    "Chrome/130.0.0.0 Mobile Safari/537.36": (
        26,
        Equipment("mobile", "Samsung Internet", "Android"),
    ),
    f"Mozilla/5.0 (Linux; Android 15; SM-S921B Build/AP3A.240905.015.A2; wv) {_WEBKIT} "
    "Version/4.0 Chrome/141.0.7390.44 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/520.0.0.45.90;]": (
        16,
        Equipment("mobile", "Facebook", "Android"),
    ),
    "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0": (
        9,
        Equipment("mobile", "Firefox", "Android"),
    ),
}
"""Weight and equipment of each user agent of a person."""

BROWSERS = {agent: weight for agent, (weight, _) in PEOPLE.items()}

TABLET = f"Mozilla/5.0 (Linux; Android 13; SM-X200) {_WEBKIT} Chrome/140.0.0.0 Safari/537.36"
"""User agent of the tablets that show the menu in partner shops day and night."""

EQUIPMENT = {agent: equipment for agent, (_, equipment) in PEOPLE.items()} | {
    TABLET: Equipment("tablet", "Chrome", "Android")
}
"""Equipment of each user agent of a person or tablet."""

MONITOR = "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"

_GOOGLEBOT = "compatible; Googlebot/2.1; +http://www.google.com/bot.html"

CRAWLERS: dict[str, int] = {
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_WEBKIT} Chrome/141.0.7390.54 "
    f"Mobile Safari/537.36 ({_GOOGLEBOT})": 30,
    f"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; {_GOOGLEBOT}) Chrome/141.0.7390.54 "
    "Safari/537.36": 12,
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": 18,
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)": 4,
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)": 6,
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": 9,
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)": 14,
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
    "+claudebot@anthropic.com)": 12,
    "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)": 6,
    "CCBot/2.0 (https://commoncrawl.org/faq/)": 5,
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": 7,
}

WAVE_CRAWLER = (
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)"
)
HIDDEN_CRAWLER = f"{_WINDOWS} Chrome/127.0.0.0 Safari/537.36"
"""A browser's user agent that no person of the simulation has."""

SCANNERS: dict[str, int] = {
    "-": 10,
    "Mozilla/5.0 zgrab/0.x": 10,
    "python-requests/2.32.3": 8,
    "Go-http-client/1.1": 8,
    "curl/8.5.0": 5,
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)": 6,
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)": 3,
}


def pick(rng: Random, table: dict[str, int]) -> str:
    """Choose one name of a table by its weights."""
    return rng.choices(list(table), list(table.values()))[0]
