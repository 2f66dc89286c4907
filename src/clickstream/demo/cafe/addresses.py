"""Network addresses that can't belong to real people.

All are from ranges that are reserved for documentation and benchmarks (RFC 5737, RFC 2544,
RFC 3849). Each country has its own block, and the database in `places` maps blocks to cities.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from random import Random

COUNTRIES: dict[str, tuple[str, str, int]] = {
    "US": ("198.18.0.0/20", "2001:db8:1::/48", 34),
    "GB": ("198.18.16.0/20", "2001:db8:2::/48", 14),
    "DE": ("198.18.32.0/20", "2001:db8:3::/48", 12),
    "FR": ("198.18.48.0/20", "2001:db8:4::/48", 9),
    "CA": ("198.18.64.0/20", "2001:db8:5::/48", 8),
    "SE": ("198.18.80.0/20", "2001:db8:6::/48", 6),
    "JP": ("198.18.96.0/20", "2001:db8:7::/48", 6),
    "BR": ("198.18.112.0/20", "2001:db8:8::/48", 5),
    "AU": ("198.18.128.0/20", "2001:db8:9::/48", 4),
    "IN": ("198.18.144.0/20", "2001:db8:a::/48", 2),
}
"""Each country's IPv4 block, IPv6 block, and share of the visitors."""

CHICAGO = ("198.18.9.0/24", "198.18.10.0/24", "198.18.11.0/24")
"""The IPv4 addresses of Chicago in the block of the US (see `places`)."""

CHICAGO_GROWS_TO = 0.16
"""The additional share of home addresses in Chicago at the end of the story."""

OFFICES = tuple(f"198.51.100.{n}" for n in range(10, 22))
"""Addresses of offices, each shared by many people."""

MONITOR = "192.0.2.250"
CRAWLERS = "192.0.2.0/25"
HIDDEN_CRAWLERS = "192.0.2.128/26"
SCANNERS = "203.0.113.0/24"
TABLETS = "198.51.100.128/26"


def home_address(rng: Random, progress: float = 0.0) -> str:
    """Choose an address of a person outside an office; one in four is IPv6.

    `progress` is the progress of the story, with which the share of Chicago grows.
    """
    if progress and rng.random() < CHICAGO_GROWS_TO * progress:
        return address_in(rng, rng.choice(CHICAGO))
    v4, v6, _ = rng.choices(list(COUNTRIES.values()), [w for _, _, w in COUNTRIES.values()])[0]
    return address_in(rng, v6 if rng.random() < 0.25 else v4)


def address_in(rng: Random, block: str) -> str:
    """Choose an address of a block, except its first and last."""
    network = _network(block)
    return str(network[rng.randrange(1, network.num_addresses - 1)])


@cache
def _network(block: str) -> IPv4Network | IPv6Network:
    return ip_network(block)
