"""Whose request it is: the client's address, also behind proxies that pass it on.

`X-Forwarded-For` grows to the right: each proxy appends the address it was called from, and a
client can only write at the left. So it is read from the right, through proxies that are trusted
by their network, up to the first address that is not one of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.errors import UnusableRule

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_HEXTET = "(?:0|[1-9a-f][0-9a-f]{0,3})"
_WRITTEN_OUT = rf"{_BYTE}(?:\.{_BYTE}){{3}}|{_HEXTET}(?::{_HEXTET}){{7}}"
_WRITTEN_SHORTER = "(?:^|:)0:0(?::|$)"  # RFC 5952, 4.2: two groups of zeros are `::`
_NOT_ZERO = "[1-9a-f][0-9a-f]{0,3}"
_SHORTENED = "|".join(  # `::` for two groups of zeros or more, none elsewhere
    rf"(?:{_NOT_ZERO}:){{{left}}}:(?:{_NOT_ZERO}(?::{_NOT_ZERO}){{0,{5 - left}}})?"
    for left in range(1, 6)
)
_AS_GIVEN = rf"^(?:{_WRITTEN_OUT}|{_SHORTENED})$"
_IPV4 = re.compile(rf"({_BYTE}(?:\.{_BYTE}){{3}})(?::[\w.-]+)?", re.ASCII)
_IPV6 = re.compile(r"([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)(?:%[^\]]*)?")
_BRACKETS = re.compile(r"\[([^\]]*)\](?::[\w.-]+)?", re.ASCII)
_PAIR = re.compile(r"""\s*([\w-]+)=("[^"\\]*"|[^\s";]*)\s*""", re.ASCII)
_PAIRS = re.compile(rf"(?:{_PAIR.pattern};)*{_PAIR.pattern}", re.ASCII)

_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")

_Ranges = tuple[tuple[bytes, ...], tuple[bytes, ...]]


def address_in(text: str) -> str | None:
    """The address that a text holds: IPv4, or IPv6 as RFC 5952 writes it; None if it holds none.

    A port, brackets and a zone are dropped; an IPv6 address that stands for an IPv4 one
    (`::ffff:192.0.2.7`) becomes that.
    """
    if found := _IPV4.fullmatch(text):
        return found[1]
    if found := _BRACKETS.fullmatch(text):
        text = found[1]
    found = _IPV6.fullmatch(text)
    if not found:
        return None
    try:
        address = IPv6Address(found[1])
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)


def are_addresses(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts are surely what `address_in` makes of them: most that are logged.

    Looked at by Arrow, all at once. Null is none.
    """
    is_as_given, is_written_shorter = (
        pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False)
        for pattern in (_AS_GIVEN, _WRITTEN_SHORTER)
    )
    found: npt.NDArray[np.bool_] = is_as_given & ~is_written_shorter
    return found


@dataclass(frozen=True)
class NetworkSet:
    """Networks merged into ranges; `address in networks` takes an address as `address_in` gives it.

    Host names are in none. Each tuple holds the ranges' first addresses and, at the same index,
    their last ones, as bytes in network order, which ascend.
    """

    ipv4: _Ranges = ((), ())
    ipv6: _Ranges = ((), ())

    @classmethod
    def of(cls, networks: Iterable[str]) -> NetworkSet:
        """From networks (`10.0.0.0/8`) and addresses. Raises SettingsError with the bad entry."""
        parsed = [*map(_network, networks)]
        ipv4 = collapse_addresses(n for n in parsed if isinstance(n, IPv4Network))
        ipv6 = collapse_addresses(n for n in parsed if isinstance(n, IPv6Network))
        return cls(_ranges(ipv4), _ranges(ipv6))

    @cached_property
    def _heads(self) -> frozenset[str]:
        """The first numbers of the IPv4 addresses: by its own, most others are told at once."""
        return frozenset(map(str, _first_numbers(self.ipv4, size=1)))

    @cached_property
    def _groups(self) -> frozenset[str]:
        """The same of IPv6 addresses: their first groups. Of zeros there may be nothing to see."""
        groups = frozenset(f"{number:x}" for number in _first_numbers(self.ipv6, size=2))
        return groups | {""} if "0" in groups else groups

    def __contains__(self, address: str) -> bool:
        is_ipv6 = ":" in address
        firsts, lasts = self.ipv6 if is_ipv6 else self.ipv4
        head = address.partition(":" if is_ipv6 else ".")[0]
        if head not in (self._groups if is_ipv6 else self._heads):
            return False
        try:
            packed = _packed(address)
        except ValueError:
            return False
        index = bisect_right(firsts, packed) - 1
        return index >= 0 and packed <= lasts[index]


def client_address(client: str, forwarded: str | None, trusted: NetworkSet) -> str:
    """The address of the client that a request began with.

    `client` is the peer as logged; `forwarded` the value of `X-Forwarded-For` or of `Forwarded`
    (RFC 7239), several headers joined by commas. The peer itself unless it is trusted; else the
    rightmost address of `forwarded` that is not; else, when all are, the leftmost. What is no
    address (`unknown`, `_hidden`, garbage) ends the walk at the hop before it. A peer that is no
    address (a host name) is returned as logged.
    """
    hop = address_in(client)
    if hop is None:
        return client
    if not forwarded or hop not in trusted:
        return hop
    for element in reversed(forwarded.split(",")):
        if not element.strip():
            continue  # RFC 9110, 5.6.1: empty elements of a list are passed over
        address = _forwarded_address(element)
        if address is None:
            break
        hop = address
        if hop not in trusted:
            break
    return hop


def _forwarded_address(element: str) -> str | None:
    """The address in one element: plain, or the `for` of RFC 7239 with its quotes.

    A proxy may quote what the client sent, such as its host, in other pairs. So an element must be
    pairs from end to end: one that a quoted comma has cut, or that holds an escape, has no address.
    """
    if "=" not in element:
        return address_in(element.strip())
    if not _PAIRS.fullmatch(element):
        return None
    pairs = {name.lower(): value for name, value in _PAIR.findall(element)}
    return address_in(pairs.get("for", "").strip('"'))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise UnusableRule(
            f"{text!r} is not a network: {error}. Write it as 10.0.0.0/8 or 2001:db8::/32."
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        raise UnusableRule(f"{text!r} stands for an IPv4 network: write that one instead.")
    return network


def _ranges(networks: Iterable[IPv4Network | IPv6Network]) -> _Ranges:
    """The first and the last address of each network."""
    edges = [(n.network_address.packed, n.broadcast_address.packed) for n in networks]
    return tuple(first for first, _ in edges), tuple(last for _, last in edges)


def _packed(address: str) -> bytes:
    if ":" in address:
        return IPv6Address(address).packed
    a, b, c, d = map(int, address.split("."))
    return bytes((a, b, c, d))


def _first_numbers(ranges: _Ranges, size: int) -> Iterator[int]:
    """What the first bytes of the ranges' addresses can be, as a number."""
    for first, last in zip(*ranges, strict=True):
        yield from range(
            int.from_bytes(first[:size], "big"), int.from_bytes(last[:size], "big") + 1
        )
