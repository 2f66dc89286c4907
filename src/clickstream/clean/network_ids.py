"""Keyed hashes of the networks of client addresses, and of the operators of these networks.

A fleet of machines often comes from few networks, each address of which it uses once, or from many
networks of one operator. Tables hold no address, so a part stores the hashes of its network and of
its operator. The hashes use the visitor key of the period and the site, like the visitor id:
without the key, nobody can compute the ids of all networks to compare them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address

from clickstream.clean.hashes import Hasher, hashed_form
from clickstream.networks import BYTE

PREFIX_IPV4, PREFIX_IPV6 = 24, 48
"""Lengths of prefixes: the smallest networks that are routed, and that sites of one owner get."""

_IPV4 = re.compile(rf"((?:{BYTE}\.){{3}}){BYTE}", re.ASCII)

_NETWORK, _OPERATOR = hashed_form("network"), hashed_form("operator")
"""Hashed first, so that no id is the id of another kind, or the visitor id of another text."""


def network_ids(addresses: Iterable[str | None], site: str, key: bytes) -> list[str | None]:
    """Return the id of each address's network, 24 hex digits; None for a text without an address.

    `addresses` are in the form of `clickstream.networks.address_in`. Call it once for each distinct
    address.
    """
    hasher = Hasher(key, hashed_form(site) + _NETWORK)
    known: dict[str, str] = {}
    ids = []
    for address in addresses:
        network = network_of(address)
        if network is not None and network not in known:
            known[network] = hasher(hashed_form(network))
        ids.append(known[network] if network is not None else None)
    return ids


def operator_ids(asns: Iterable[int], site: str, key: bytes) -> list[str | None]:
    """Return the id of each autonomous system, 24 hex digits; None for 0, an unknown system.

    `asns` are the numbers of the systems.
    """
    hasher = Hasher(key, hashed_form(site) + _OPERATOR)
    known: dict[int, str | None] = {0: None}
    ids = []
    for asn in asns:
        if asn not in known:
            known[asn] = hasher(hashed_form(str(asn)))
        ids.append(known[asn])
    return ids


def network_of(address: str | None) -> str | None:
    """Return the network of an address, as in 192.0.2.0/24; None for any other text.

    It gives the text of `ipaddress.ip_network`, which takes 4 to 13 times as long.
    """
    if address is None:
        return None
    if found := _IPV4.fullmatch(address):
        return f"{found[1]}0/{PREFIX_IPV4}"
    try:
        number = int(IPv6Address(address))
    except ValueError:
        return None
    dropped = 128 - PREFIX_IPV6
    return f"{IPv6Address(number >> dropped << dropped)}/{PREFIX_IPV6}"
