"""Referrers: the other site's host and its known source, and the inference of the own domain.

Known hosts are looked up by the endings of the host, longest first, so that mail.google.com is not
the search engine; an invented host such as google.com.example.org has no known ending.

A browser that loads a page's images and styles names that page as their referrer. So the domain
behind most requests for assets is the site itself, where the settings do not name it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from clickstream.clean.known_sites import (
    PAID,
    Alias,
    aliases,
    category_of_source,
    source_of_app,
    source_of_host,
    webmail_labels,
)

_APP_SCHEMES = frozenset({"android-app", "ios-app"})
_WEB_SCHEMES = frozenset({"http", "https"})
_HOSTS_REMEMBERED = 1 << 14  # many links come from few sites
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
# The endings of google.com, google.de, google.co.uk, google.com.br, google.ne.jp.
_COUNTRY_ENDING = re.compile(r"\.(?:(?:com?|org|net|ne|or)\.)?[a-z]{2}$|\.com$")
# How people add to a source's name that its ads are meant: google_ads, ads-google, Facebook Ads.
_OF_ADS = (re.compile(r"(.+?)[-_. +]?(?:ads?|advertising)"), re.compile(r"ads?[-_. +](.+)"))


class Referrer(NamedTuple):
    """Another site or app that led here.

    `domain` is its host, lower-case (of an app: its package or number); `source` its name where it
    is known; `category` one of known_sites.SOURCE_CATEGORIES.
    """

    domain: str
    source: str | None = None
    category: str = "other"


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
        source = source_of_app().get(host)
        return Referrer(host, source, category_of_source().get(source or "", "app"))
    own = any(host == domain or host.endswith("." + domain) for domain in _hosts_of(domains))
    if own or url.scheme not in _WEB_SCHEMES:
        return None
    source = _source_of_host(host)
    if source is None and _is_webmail(host):
        return Referrer(host, None, "email")
    return Referrer(host, source, category_of(source))


def known_source(name: str) -> str | None:
    """The known source that a utm_source names: by its name, an alias or a host; else None."""
    alias = named_source(name)
    return alias and alias.source


@lru_cache(maxsize=1 << 14)
def named_source(name: str) -> Alias | None:
    """The known source that a utm_source names, with the medium of its ads if it names them."""
    text = name.strip().lower()
    if found := aliases().get(text):
        return found
    for spelling in _OF_ADS:
        of_ads = spelling.fullmatch(text)
        if of_ads and (source := _plain_source(of_ads[1])):
            return Alias(source, PAID)
    source = _plain_source(text)
    return Alias(source, "") if source else None


def _plain_source(text: str) -> str | None:
    if text in category_of_source():
        return text
    if alias := aliases().get(text):
        return alias.source
    return source_of_app().get(text) or _source_of_host(_host(text))


def category_of(source: str | None) -> str:
    """The category of a known source; "other" for any other."""
    return category_of_source().get(source or "", "other")


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
    hosts = source_of_host()
    in_any_country = _COUNTRY_ENDING.sub(".*", host)
    endings = (ending for name in (host, in_any_country) for ending in _endings(name))
    return next((hosts[ending] for ending in endings if ending in hosts), None)


def _endings(host: str) -> Iterator[str]:
    """The host, then what remains of it without its first label, and so on."""
    while host:
        yield host
        host = host.partition(".")[2]


def _is_webmail(host: str) -> bool:
    """Whether a host of nobody known is webmail by its first label, as mail01.example.org is."""
    label, _, domain = host.partition(".")
    return "." in domain and label.rstrip("0123456789") in webmail_labels()


LEAST_SAMPLE = 50
"""Requests for assets with a referrer below which nothing is inferred: three or four visits."""


@dataclass(frozen=True)
class OwnDomain:
    """An inferred domain, and its evidence.

    `sample` counts the requests for assets that name a referrer, `requests` those of them that name
    a page of the domain.
    """

    domain: str
    requests: int
    sample: int

    @property
    def sentence(self) -> str:
        """One line that says what was inferred, from what, and how to choose otherwise."""
        return (
            f"Own domain: {self.domain}, inferred from {self.requests:,} of {self.sample:,} asset "
            "requests; set site.domains to choose."
        )


def infer_own_domain(
    referrers_of_assets: Mapping[str, int], domains: tuple[str, ...] = ()
) -> OwnDomain | None:
    """Infer the site's own domain from how many requests for assets name each referrer.

    `domains` are own domains that are known already; another one is inferred beside them. A leading
    `www.` is dropped, since own domains include their subdomains. None when the sample is smaller
    than LEAST_SAMPLE or no domain has more than half of it.
    """
    sample = sum(referrers_of_assets.values())
    counts: Counter[str] = Counter()
    for referrer, number in referrers_of_assets.items():
        if found := referrer_of(referrer, domains):
            counts[found.domain.removeprefix("www.")] += number
    domain, number = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if sample < LEAST_SAMPLE or 2 * number <= sample:
        return None
    return OwnDomain(domain, number, sample)
