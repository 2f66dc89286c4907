"""Sites and apps that send visitors, by what they are: search, social network, mail and so on.

The tables are the CSV files beside this module, one row for each source. A host stands for its
subdomains too, the longest that fits counts, and a last label `*` is any country's ending
(google.de, google.co.uk). The hosts are facts, gathered from public knowledge and from the list of
search engines, social networks and assistants that the Matomo community keeps
(searchengine-and-social-list, CC0 1.0); the files of mail hosts and aliases name where each row
was seen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

SORTS = ("search", "social", "video", "shopping", "email", "ai assistant", "app", "other")
"""Every sort of source."""

_ANY_HOST = ".**"


class Alias(NamedTuple):
    """A known source that is written another way; `medium` if the alias names ads, else empty."""

    source: str
    medium: str


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one of the CSV files of this package."""
    text = files("clickstream.clean").joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


@cache
def source_of_host() -> dict[str, str]:
    """The source of each known host."""
    return {host: row["source"] for row in _sources() for host in row["hosts"].split()}


@cache
def sort_of_source() -> dict[str, str]:
    """The sort of each known source."""
    return {row["source"]: row["sort"] for row in _sources()}


@cache
def source_of_app() -> dict[str, str]:
    """The source of each known app: of Android by its package, of the App Store by its number."""
    return {app: row["source"] for row in rows("known_apps.csv") for app in row["ids"].split()}


@cache
def aliases() -> dict[str, Alias]:
    """What people write in utm_source for a known source, besides its name and its hosts."""
    return {row["alias"]: Alias(row["source"], row["medium"]) for row in rows("source_aliases.csv")}


@cache
def webmail_labels() -> frozenset[str]:
    """First labels of hosts that are webmail, whoever's it is: `webmail` of webmail.example.org."""
    hosts = (host for row in rows("mail_hosts.csv") for host in row["hosts"].split())
    return frozenset(host.removesuffix(_ANY_HOST) for host in hosts if host.endswith(_ANY_HOST))


def _sources() -> Iterator[dict[str, str]]:
    yield from rows("known_sites.csv")
    yield from ({"sort": "email", **row} for row in rows("mail_hosts.csv") if row["source"])
