"""Known sources of referrers, and inference of the site's own domain.

Known hosts are looked up by the endings of a host, longest first, so mail.google.com is not the
search engine. A misleading host such as google.com.example.org has no known ending.

When a browser loads the images and styles of a page, it sends that page as their referrer. If the
settings do not name the site's own domain, it is therefore the domain of most such referrers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from clickstream.clean.hosts import normal_host
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
_HOSTS_REMEMBERED = 1 << 14  # size of caches; most links come from few sites
# Matches the endings of google.com, google.de, google.co.uk, google.com.br, google.ne.jp.
_COUNTRY_ENDING = re.compile(r"\.(?:(?:com?|org|net|ne|or)\.)?[a-z]{2}$|\.com$")
# Names of a source's ads: google_ads, ads-google, Facebook Ads.
_OF_ADS = (re.compile(r"(.+?)[-_. +]?(?:ads?|advertising)"), re.compile(r"ads?[-_. +](.+)"))


class Referrer(NamedTuple):
    """Another site or app that a request came from.

    `domain` is its host in lower case, or the package or number of an app. `source` is its name if
    it is known, and `category` one of known_sites.SOURCE_CATEGORIES.
    """

    domain: str
    source: str | None = None
    category: str = "other"


@lru_cache(maxsize=1 << 14)
def referrer_of(referrer: str, domains: tuple[str, ...]) -> Referrer | None:
    """Parse a referrer; None for the site's own domains and their subdomains.

    Also returns None for a text that is not the URL of a web page or an app. Port, user name and a
    final dot are dropped; an internationalized host is returned in its ASCII form (RFC 5891).
    """
    try:
        url = urlsplit(referrer)
    except ValueError:  # brackets without an IPv6 address
        return None
    host = _host(url.hostname or "")
    if not host or "\\" in url.netloc:  # browsers read a backslash as a slash, so the host is wrong
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


@lru_cache(maxsize=1 << 14)
def named_source(name: str) -> Alias | None:
    """Return the known source that a utm_source means, by name, alias, app or host; else None.

    It has a medium if the tag names the source's ads.
    """
    text = name.strip().lower()
    if alias := aliases().get(text):
        return alias
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
    """Return the category of a known source, "other" for any other text."""
    return category_of_source().get(source or "", "other")


@lru_cache(maxsize=_HOSTS_REMEMBERED)
def _host(name: str) -> str:
    """Return a host in normal form; an empty text if it is not a host."""
    return normal_host(name.partition("%")[0])  # an IPv6 zone has a meaning on one machine only


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
    """Yield the host, then the host without its first label, and so on."""
    while host:
        yield host
        host = host.partition(".")[2]


def _is_webmail(host: str) -> bool:
    """Return whether the first label of an unknown host is that of webmail (mail01.example.org)."""
    label, _, domain = host.partition(".")
    return "." in domain and label.rstrip("0123456789") in webmail_labels()


LEAST_SAMPLE = 50
"""Minimum number of asset requests with a referrer for an inference; three or four visits."""


@dataclass(frozen=True)
class OwnDomain:
    """An inferred domain with its evidence.

    `sample` is the number of asset requests with a referrer, and `requests` the number of those
    whose referrer is a page of the domain.
    """

    domain: str
    requests: int
    sample: int

    @property
    def sentence(self) -> str:
        """One line with the inferred domain, the evidence, and how to set another domain."""
        return self.describe("")

    def describe(self, source: str) -> str:
        """Return the sentence; `source` says of what its asset requests are, like ` of a file`."""
        return (
            f"Own domain: {self.domain}, inferred from {self.requests:,} of {self.sample:,} asset "
            f"requests{source}; set site.domains to use another one."
        )


def infer_own_domain(referrers_of_assets: Mapping[str, int]) -> OwnDomain | None:
    """Infer the site's own domain from the number of asset requests with each referrer.

    A leading `www.` is dropped, because own domains include their subdomains. Returns None if the
    sample is smaller than LEAST_SAMPLE, or if no domain has more than half of it.
    """
    return choose_own_domain(count_domains(referrers_of_assets))


def count_domains(referrers_of_assets: Mapping[str, int]) -> Counter[str]:
    """Count asset requests by the domain of their referrer, "" without one."""
    counts: Counter[str] = Counter()
    for referrer, number in referrers_of_assets.items():
        parsed = referrer_of(referrer, ())
        counts[parsed.domain.removeprefix("www.") if parsed else ""] += number
    return counts


def choose_own_domain(counts: Counter[str]) -> OwnDomain | None:
    """Infer the own domain from the counts of `count_domains`, which can be sums of several."""
    sample, domains = counts.total(), [item for item in counts.items() if item[0]]
    domain, number = max(domains, key=lambda item: (item[1], item[0]), default=("", 0))
    if sample < LEAST_SAMPLE or 2 * number <= sample:
        return None
    return OwnDomain(domain, number, sample)
