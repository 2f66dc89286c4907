"""What a referrer tells: the other site's host, and which known source it is.

Known hosts are looked up by the host's endings, longest first, so that mail.google.com is not the
search engine; a made-up host such as google.com.example.org has no known ending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from clickstream.clean import known_sites
from clickstream.clean.known_search_engines import SEARCH

_APP_SCHEMES = frozenset({"android-app", "ios-app"})
_WEB_SCHEMES = frozenset({"http", "https"})
_HOSTS_REMEMBERED = 1 << 14  # many links come from few sites
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
# The endings of google.com, google.de, google.co.uk, google.com.br, google.ne.jp.
_COUNTRY_ENDING = re.compile(r"\.(?:(?:com?|org|net|ne|or)\.)?[a-z]{2}$|\.com$")
_TEXTS = {
    "search": SEARCH,
    "social": known_sites.SOCIAL,
    "video": known_sites.VIDEO,
    "shopping": known_sites.SHOPPING,
    "email": known_sites.EMAIL,
    "ai assistant": known_sites.AI_ASSISTANTS,
    "other": known_sites.OTHER,
}


class Referrer(NamedTuple):
    """Another site or app that led here.

    `domain` is its host, lower-case (of an app: its package or number); `source` its name where it
    is known; `sort` one of known_sites.SORTS.
    """

    domain: str
    source: str | None = None
    sort: str = "other"


@lru_cache(maxsize=1 << 14)
def referrer_of(referrer: str, domains: tuple[str, ...]) -> Referrer | None:
    """What the referrer tells; None for the site's own domains and their subdomains.

    None, too, for what is no URL of a web page or an app. Port, user name and a final dot fall
    away; an internationalised host is given in its ASCII form (RFC 5891).
    """
    try:
        url = urlsplit(referrer)
    except ValueError:  # brackets that hold no IPv6 address
        return None
    host = _host(url.hostname or "")
    if not host or "\\" in url.netloc:  # browsers take a backslash for a slash: a false host
        return None
    if url.scheme in _APP_SCHEMES:
        source = _apps().get(host)
        return Referrer(host, source, _sorts().get(source or "", "app"))
    own = any(host == domain or host.endswith("." + domain) for domain in _hosts_of(domains))
    if own or url.scheme not in _WEB_SCHEMES:
        return None
    source = _source_of_host(host)
    return Referrer(host, source, _sorts().get(source or "", "other"))


def known_source(name: str) -> str | None:
    """The known source that a utm_source names: by its name, an alias or a host; else None."""
    text = name.strip().lower()
    if text in _sorts():
        return text
    return _aliases().get(text) or _apps().get(text) or _source_of_host(_host(text))


def sort_of(source: str | None) -> str:
    """The sort of a known source; "other" for any other."""
    return _sorts().get(source or "", "other")


@lru_cache(maxsize=_HOSTS_REMEMBERED)
def _host(name: str) -> str:
    """The host in normal form; empty when it is none."""
    name = name.partition("%")[0].rstrip(".")  # a zone says nothing to anybody else
    try:
        if ":" in name:
            return str(ip_address(name))
        ascii_name = name if name.isascii() else name.encode("idna").decode("ascii")
    except ValueError:
        return ""
    return ascii_name.lower() if _HOST.fullmatch(ascii_name.lower()) else ""


@cache
def _hosts_of(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(host for host in map(_host, domains) if host)


@lru_cache(maxsize=_HOSTS_REMEMBERED)
def _source_of_host(host: str) -> str | None:
    hosts = _hosts()
    in_any_country = _COUNTRY_ENDING.sub(".*", host)
    endings = (ending for name in (host, in_any_country) for ending in _endings(name))
    return next((hosts[ending] for ending in endings if ending in hosts), None)


def _endings(host: str) -> Iterator[str]:
    """The host, then what remains of it without its first label, and so on."""
    while host:
        yield host
        host = host.partition(".")[2]


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each source of a table of known_sites with its hosts."""
    for line in text.strip().splitlines():
        source, _, hosts = line.partition(":")
        yield source, hosts.split()


def _inverted(text: str) -> dict[str, str]:
    return {host: source for source, hosts in _lines(text) for host in hosts}


@cache
def _hosts() -> dict[str, str]:
    return {host: source for text in _TEXTS.values() for host, source in _inverted(text).items()}


@cache
def _sorts() -> dict[str, str]:
    return {source: sort for sort, text in _TEXTS.items() for source, _ in _lines(text)}


@cache
def _apps() -> dict[str, str]:
    return _inverted(known_sites.APPS)


@cache
def _aliases() -> dict[str, str]:
    return _inverted(known_sites.ALIASES)
