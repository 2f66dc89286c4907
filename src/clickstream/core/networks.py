"""Client addresses, also behind trusted proxies, and sets of networks.

Each proxy appends the address of its peer to the right end of `X-Forwarded-For`; a client can only
forge the left end. `client_address` therefore reads the header from the right, past addresses in
trusted networks, up to the first other address.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import (
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core.errors import UnusableRule

BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
"""Pattern of a number of an IPv4 address, for `re.ASCII`."""

_HEXTET = "(?:0|[1-9a-f][0-9a-f]{0,3})"
_WRITTEN_OUT = rf"{BYTE}(?:\.{BYTE}){{3}}|{_HEXTET}(?::{_HEXTET}){{7}}"
_WRITTEN_SHORTER = "(?:^|:)0:0(?::|$)"  # RFC 5952, 4.2: two groups of zeros are `::`
_NOT_ZERO = "[1-9a-f][0-9a-f]{0,3}"
_SHORTENED = "|".join(  # `::` for two or more groups of zeros, and no other group of zeros
    rf"(?:{_NOT_ZERO}:){{{left}}}:(?:{_NOT_ZERO}(?::{_NOT_ZERO}){{0,{5 - left}}})?"
    for left in range(1, 6)
)
_AS_GIVEN = rf"^(?:{_WRITTEN_OUT}|{_SHORTENED})$"
_IPV4 = re.compile(rf"({BYTE}(?:\.{BYTE}){{3}})(?::[\w.-]+)?", re.ASCII)
_IPV6 = re.compile(r"([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)(?:%[^\]]*)?")
_BRACKETS = re.compile(r"\[([^\]]*)\](?::[\w.-]+)?", re.ASCII)
_PAIR = re.compile(r"""\s*([\w-]+)=("[^"\\]*"|[^\s";]*)\s*""", re.ASCII)
_PAIRS = re.compile(rf"(?:{_PAIR.pattern};)*{_PAIR.pattern}", re.ASCII)

_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")

_Ranges = tuple[tuple[bytes, ...], tuple[bytes, ...]]


def address_in(text: str) -> str | None:
    """Return the address in a text: IPv4, or IPv6 in the form of RFC 5952; None if there is none.

    A port, brackets and a zone are dropped. An IPv4-mapped IPv6 address (`::ffff:192.0.2.7`)
    becomes the IPv4 address.
    """
    if match := _IPV4.fullmatch(text):
        return match[1]
    if match := _BRACKETS.fullmatch(text):
        text = match[1]
    match = _IPV6.fullmatch(text)
    if not match:
        return None
    try:
        address = IPv6Address(match[1])
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)


def are_addresses(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Return a mask of the texts that `address_in` is certain to return unchanged.

    These are most logged addresses. Arrow matches all texts at once, without Python calls. The
    result for null is false.
    """
    is_as_given, is_written_shorter = (
        pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False)
        for pattern in (_AS_GIVEN, _WRITTEN_SHORTER)
    )
    is_address: npt.NDArray[np.bool_] = is_as_given & ~is_written_shorter
    return is_address


@dataclass(frozen=True)
class NetworkSet:
    """A set of networks, merged into ranges.

    `address in networks` expects an address as `address_in` returns it; for a host name it is
    false. `ipv4` and `ipv6` each have two tuples: the first addresses of the ranges, and their last
    addresses at the same indexes, as bytes in network order, ascending.
    """

    ipv4: _Ranges = ((), ())
    ipv6: _Ranges = ((), ())

    @classmethod
    def of(cls, networks: Iterable[str]) -> NetworkSet:
        """Build a set from networks (`10.0.0.0/8`) and addresses.

        Raises SettingsError, which names the wrong entry.
        """
        parsed = [*map(_network, networks)]
        ipv4 = collapse_addresses(n for n in parsed if isinstance(n, IPv4Network))
        ipv6 = collapse_addresses(n for n in parsed if isinstance(n, IPv6Network))
        return cls(_ranges(ipv4), _ranges(ipv6))

    @cached_property
    def _heads(self) -> frozenset[str]:
        """First numbers of the IPv4 ranges; most addresses outside the set have another one."""
        return frozenset(map(str, _first_numbers(self.ipv4, size=1)))

    @cached_property
    def _groups(self) -> frozenset[str]:
        """First groups of the IPv6 ranges. A group of zeros may be written as an empty text."""
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
    """Return the address of the client that sent a request.

    `client` is the peer as logged. `forwarded` is the value of `X-Forwarded-For` or `Forwarded`
    (RFC 7239), with several headers joined by commas. The result is the peer if it is not trusted.
    Otherwise it is the rightmost address of `forwarded` that is not trusted, or the leftmost
    address if all are trusted. At an element that is not an address (`unknown`, `_hidden`,
    garbage), the search ends with the address to its right. A peer that is not an address, such as
    a host name, is returned as logged.
    """
    hop = address_in(client)
    if hop is None:
        return client
    if not forwarded or hop not in trusted:
        return hop
    for element in reversed(forwarded.split(",")):
        if not element.strip():
            continue  # RFC 9110, 5.6.1: ignore empty elements of a list
        address = _forwarded_address(element)
        if address is None:
            break
        hop = address
        if hop not in trusted:
            break
    return hop


def _forwarded_address(element: str) -> str | None:
    """Return the address in one element: a plain address, or `for` of RFC 7239, also in quotes.

    Other pairs of the element may contain quoted text from the client, such as its host. The whole
    element must therefore consist of pairs. An element that was split at a quoted comma, or that
    contains an escape, has no address.
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
        raise UnusableRule(f"{text!r} is an IPv4-mapped network: write the IPv4 network instead.")
    return network


def _ranges(networks: Iterable[IPv4Network | IPv6Network]) -> _Ranges:
    """Return the first and the last address of each network."""
    edges = [(n.network_address.packed, n.broadcast_address.packed) for n in networks]
    return tuple(first for first, _ in edges), tuple(last for _, last in edges)


def _packed(address: str) -> bytes:
    if ":" in address:
        return IPv6Address(address).packed
    a, b, c, d = map(int, address.split("."))
    return bytes((a, b, c, d))


def _first_numbers(ranges: _Ranges, size: int) -> Iterator[int]:
    """Yield the possible values of the first `size` bytes of the ranges' addresses, as numbers."""
    for first, last in zip(*ranges, strict=True):
        yield from range(
            int.from_bytes(first[:size], "big"), int.from_bytes(last[:size], "big") + 1
        )


def is_loopback(host: str) -> bool:
    """Whether a host, given by its name or address, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
