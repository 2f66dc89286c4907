"""Sites and apps that send visitors, by category, and the click ids that platforms append to links.

The tables are CSV files in `data/`, with one row per source. A host also matches its subdomains;
the longest matching host decides. A last label `*` matches the ending of any country (google.de,
google.co.uk). The hosts are facts from public knowledge and from the list of search engines, social
networks and assistants that the Matomo community maintains (searchengine-and-social-list, CC0 1.0).
In the files of mail hosts and aliases, each row names where it was seen.

A click id identifies one click of one person, so only the platform is kept and never the value.
`click_ids.csv` is in order of precedence. Ads come first, because a link from an ad may be shared
afterwards. Facebook and Pinterest append their ids to all outgoing links, so their ids do not
indicate an ad.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from clickstream.clean.data import read_csv

SOURCE_CATEGORIES = (
    "search",
    "social",
    "video",
    "shopping",
    "email",
    "ai assistant",
    "app",
    "other",
)
"""All categories of sources."""

_ANY_HOST = ".**"


class Alias(NamedTuple):
    """The known source that an alias means; `medium` is empty unless the alias names ads."""

    source: str
    medium: str


@cache
def source_of_host() -> dict[str, str]:
    """Return the source of each known host."""
    return {host: row["source"] for row in _sources() for host in row["hosts"].split()}


@cache
def category_of_source() -> dict[str, str]:
    """Return the category of each known source."""
    return {row["source"]: row["category"] for row in _sources()}


@cache
def source_of_app() -> dict[str, str]:
    """Return the source of each known app, by Android package name or App Store number."""
    return {app: row["source"] for row in read_csv("known_apps.csv") for app in row["ids"].split()}


@cache
def aliases() -> dict[str, Alias]:
    """Return the other texts that utm_source has for known sources, besides names and hosts."""
    return {
        row["alias"]: Alias(row["source"], row["medium"]) for row in read_csv("source_aliases.csv")
    }


@cache
def webmail_labels() -> frozenset[str]:
    """Return first labels that mark webmail on any domain, as `webmail` in webmail.example.org."""
    hosts = (host for row in read_csv("mail_hosts.csv") for host in row["hosts"].split())
    return frozenset(host.removesuffix(_ANY_HOST) for host in hosts if host.endswith(_ANY_HOST))


def _sources() -> Iterator[dict[str, str]]:
    yield from read_csv("known_sites.csv")
    yield from ({"category": "email", **row} for row in read_csv("mail_hosts.csv") if row["source"])


PAID = "cpc"
"""The medium of a paid click, as Google Ads and Microsoft Advertising name it."""

ADVERTISING = (PAID, "display")
"""The mediums of platforms that sell ads."""


@dataclass(frozen=True)
class Platform:
    """A platform that appends click ids to links, and the source and medium that an id implies."""

    name: str
    source: str
    medium: str
    parameters: tuple[str, ...]

    @property
    def is_advertising(self) -> bool:
        """Whether the platform appends the id to clicks on ads only."""
        return self.medium in ADVERTISING

    @property
    def outranks_referrer(self) -> bool:
        """Whether the id decides, even with a referrer: ids of ads, affiliates and mailings.

        Ids of social networks and search engines do not: they remain in links that are shared or
        indexed.
        """
        return self.medium not in ("social", "organic")


PLATFORMS = tuple(
    Platform(row["platform"], row["source"], row["medium"], tuple(row["parameters"].split()))
    for row in read_csv("click_ids.csv")
)
"""All platforms, in order of precedence."""

PLATFORM_OF = {platform.name: platform for platform in PLATFORMS}
"""All platforms by name."""

CLICK_IDS = {
    parameter: platform.name for platform in PLATFORMS for parameter in platform.parameters
}
"""The platform's name for each parameter, in lower case and in order of precedence."""
