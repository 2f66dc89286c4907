"""Sites and apps that send visitors, by category, and the click ids that platforms append to links.

The tables are CSV files in `data/`, one row for each source. A host stands for its
subdomains too, the longest that fits counts, and a last label `*` is any country's ending
(google.de, google.co.uk). The hosts are facts, gathered from public knowledge and from the list of
search engines, social networks and assistants that the Matomo community keeps
(searchengine-and-social-list, CC0 1.0); the files of mail hosts and aliases name where each row
was seen.

A click id is made for one click of one person, so only the platform is kept, never the value. The
table is `click_ids.csv`, in order of precedence: ads come first, because a link from an ad may be
shared afterwards. Facebook and Pinterest append their ids to every outgoing link, so those ids are
no sign of an ad.
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
"""Every category of source."""

_ANY_HOST = ".**"


class Alias(NamedTuple):
    """A known source that is written another way; `medium` if the alias names ads, else empty."""

    source: str
    medium: str


@cache
def source_of_host() -> dict[str, str]:
    """The source of each known host."""
    return {host: row["source"] for row in _sources() for host in row["hosts"].split()}


@cache
def category_of_source() -> dict[str, str]:
    """The category of each known source."""
    return {row["source"]: row["category"] for row in _sources()}


@cache
def source_of_app() -> dict[str, str]:
    """The source of each known app: of Android by its package, of the App Store by its number."""
    return {app: row["source"] for row in read_csv("known_apps.csv") for app in row["ids"].split()}


@cache
def aliases() -> dict[str, Alias]:
    """What people write in utm_source for a known source, besides its name and its hosts."""
    return {
        row["alias"]: Alias(row["source"], row["medium"]) for row in read_csv("source_aliases.csv")
    }


@cache
def webmail_labels() -> frozenset[str]:
    """First labels of hosts that are webmail, whoever's it is: `webmail` of webmail.example.org."""
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
    """Who appends a click id: its name, and the source and medium the id alone stands for."""

    name: str
    source: str
    medium: str
    parameters: tuple[str, ...]

    @property
    def is_advertising(self) -> bool:
        """Whether the id is appended to clicks on ads only."""
        return self.medium in ADVERTISING

    @property
    def outranks_referrer(self) -> bool:
        """Whether the id alone tells how someone came: by an ad, an affiliate or a mailing.

        Ids of networks and search engines stay in links that are passed on or indexed.
        """
        return self.medium not in ("social", "organic")


PLATFORMS = tuple(
    Platform(row["platform"], row["source"], row["medium"], tuple(row["parameters"].split()))
    for row in read_csv("click_ids.csv")
)
"""Every platform, in order of precedence."""

PLATFORM_OF = {one.name: one for one in PLATFORMS}
"""Every platform by its name."""

CLICK_IDS = {parameter: one.name for one in PLATFORMS for parameter in one.parameters}
"""The platform's name for every parameter, written lower-case, in order of precedence."""
