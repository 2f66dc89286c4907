"""The second layer of bot detection: the network that a request comes from.

Operators of crawlers publish their networks, which confirms a crawler and exposes impostors. People
do not browse from a datacenter, except through the relays and VPNs on a list of people's networks.
The operator of a network is an autonomous system (AS) with a number, which shows hosting companies.
The site's own equipment, such as menu tablets and status pages, is recognized by networks and user
agents in the settings.

Addresses are 128-bit numbers, IPv4 as IPv4-mapped IPv6. The range of all numbers is cut into
pieces wherever a network begins or ends. A lookup is one binary search for the piece that contains
an address.
"""

from __future__ import annotations

import ipaddress
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from clickstream.clean.bots.verdict import OTHER, OWN_EQUIPMENT, SCANNER, Verdict
from clickstream.clean.data import read_csv
from clickstream.core.errors import UnusableNetworkList
from clickstream.core.networks import NetworkSet

CRAWLER, DATACENTER, PEOPLE = ROLES = ("crawler", "datacenter", "people")
"""The roles of a list of networks: who sends requests from them."""

HOSTING = "hosting"
"""The role of networks that no person browses from. Networks of all other roles are people's."""

HOSTING_VERDICTS: Mapping[int, Verdict] = {
    int(row["asn"]): Verdict(OTHER, f"network: hosting, {row['name']} (AS{row['asn']})")
    for row in read_csv("hosting_networks.csv")
    if row["role"] == HOSTING
}
"""The verdict on a person's user agent from each hosting network, by the number of its AS."""

PROXY_BROWSERS = frozenset(row["browser"] for row in read_csv("proxy_browsers.csv"))
"""Browsers of people that come from servers of their maker; no hosting network makes them bots."""

_JSON_LISTS = ("prefixes", "ipv6_prefixes")
_JSON_PREFIXES = ("ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix")
_IPV4_MAPPED = 0xFFFF << 32


@dataclass(frozen=True)
class _Network:
    """A range of addresses, as numbers, with the role and the name of its list."""

    first: int
    last: int
    role: str
    name: str


class Networks:
    """Lists of networks, prepared for lookups. `Networks()` is empty and changes no verdict."""

    def __init__(self, networks: Iterable[_Network] = ()) -> None:
        self._networks = frozenset(networks)
        crawlers = {n.name for n in self._networks if n.role == CRAWLER}
        self._crawlers = sorted(crawlers, key=lambda name: (-len(name), name))

    @classmethod
    def parse(cls, name: str, role: str, text: str) -> Networks:
        """Parse one list of networks.

        `role` is one of ROLES. `text` has one of two forms. The first is lines with a network or
        address, and optionally a name that replaces the name of the list; text after a # or a comma
        is ignored. The second is the JSON that Google, Bing, OpenAI and others publish:
        {"prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}, or Amazon's, with ip_prefix and
        ipv6_prefixes. The name of a list of crawlers must be the start of their user agent's name:
        Googlebot. Raises InputError, which names list and line.
        """
        if role not in ROLES:
            raise UnusableNetworkList(
                f"List {name}: unknown role {role!r}; use one of {', '.join(ROLES)}."
            )
        read = _from_json if text.lstrip().startswith("{") else _from_lines
        return cls(_Network(*ends, role, label) for ends, label in read(name, text))

    def __or__(self, other: Networks) -> Networks:
        """Return the networks of both."""
        return Networks(self._networks | other._networks)

    def __len__(self) -> int:
        """Return the number of networks."""
        return len(self._networks)

    def verdict(self, address: str, by_agent: Verdict | None) -> Verdict | None:
        """Return the verdict by user agent and address.

        A crawler with a list is confirmed inside its networks, and an impostor outside them. A
        request with a person's user agent that comes from a datacenter is a bot's, unless a
        smaller network around the address is on a list of people's networks. In all other cases,
        and for a text that is not an address, the result is `by_agent`.
        """
        if (holders := self._holders(address)) is None:
            return by_agent
        if by_agent is not None:
            return self._check_crawler(by_agent, holders)
        innermost = _innermost(holders)
        if innermost is not None and innermost.role == DATACENTER:
            return Verdict(OTHER, f"network: {innermost.name}")
        return None

    def has_people(self, address: str) -> bool:
        """Whether the smallest network around an address is on a list of people's networks."""
        innermost = _innermost(self._holders(address) or ())
        return innermost is not None and innermost.role == PEOPLE

    def _holders(self, address: str) -> tuple[_Network, ...] | None:
        """Return the networks that contain an address, widest first; None for any other text."""
        if not self._networks or (number := _number(address)) is None:
            return None
        starts, holders = self._pieces
        return holders[bisect_right(starts, number) - 1]

    @cached_property
    def _pieces(self) -> tuple[tuple[int, ...], tuple[tuple[_Network, ...], ...]]:
        """The start of each piece of the number range, and the networks that contain the piece."""
        starts, holders = zip(*_cut(self._networks), strict=True)
        return starts, holders

    def _check_crawler(self, by_agent: Verdict, holders: tuple[_Network, ...]) -> Verdict:
        """Return the verdict that confirms the claimed crawler, or the verdict on an impostor."""
        claimed = self._claimed_crawler(by_agent)
        if claimed is None:
            return by_agent
        if any(n.role == CRAWLER and n.name == claimed for n in holders):
            return Verdict(by_agent.bot_class, f"{by_agent.reason}, confirmed by network")
        return Verdict(SCANNER, f"network: not from {claimed}'s ranges")

    def _claimed_crawler(self, by_agent: Verdict) -> str | None:
        """Return the listed crawler that the name begins with: Googlebot for Googlebot-Image."""
        agent = by_agent.reason.partition(": ")[2].casefold()
        for name in self._crawlers:
            if agent.startswith(name.casefold()) and not agent[len(name) :][:1].isalnum():
                return name
        return None


def _innermost(holders: Sequence[_Network]) -> _Network | None:
    """Return the smallest network of datacenters or people; a crawler's makes no person a bot."""
    return next((n for n in reversed(holders) if n.role != CRAWLER), None)


def _cut(networks: Iterable[_Network]) -> Iterator[tuple[int, tuple[_Network, ...]]]:
    """Cut the number range into pieces: the start of each, and its networks, widest first.

    Two networks never overlap in part, so the networks that contain a number form a stack. If
    several lists have the same network, that of the role `people` comes last, like the smallest.
    """
    stack: list[_Network] = []
    starts: dict[int, tuple[_Network, ...]] = {0: ()}
    in_order = sorted(networks, key=lambda n: (n.first, -n.last, ROLES.index(n.role), n.name))
    for network in in_order:
        while stack and stack[-1].last < network.first:
            ended = stack.pop()
            starts[ended.last + 1] = tuple(stack)
        stack.append(network)
        starts[network.first] = tuple(stack)
    while stack:
        ended = stack.pop()
        starts[ended.last + 1] = tuple(stack)
    return iter(sorted(starts.items()))


def _number(address: str) -> int | None:
    """Return an address as a 128-bit number; None for a text that is not an address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return int(parsed) | (_IPV4_MAPPED if parsed.version == 4 else 0)


def _from_lines(name: str, text: str) -> Iterator[tuple[tuple[int, int], str]]:
    for number, line in enumerate(text.splitlines(), 1):
        network, *label = line.partition("#")[0].partition(",")[0].split(None, 1) or [""]
        if network:
            yield _ends(network, f"List {name}, line {number}"), " ".join(label).strip() or name


def _from_json(name: str, text: str) -> Iterator[tuple[tuple[int, int], str]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnusableNetworkList(
            f"List {name} is not valid JSON ({error}); download it again."
        ) from error
    entries = [entry for key in _JSON_LISTS for entry in _entries(document.get(key, []))]
    if not entries:
        raise UnusableNetworkList(
            f'List {name} has no "prefixes"; use the JSON that the owner publishes.'
        )
    for number, prefix in entries:
        yield _ends(prefix, f"List {name}, entry {number}"), name


def _entries(entries: Any) -> Iterator[tuple[int, Any]]:
    """Yield the number and the prefix of each entry of a JSON list; None if it has no prefix."""
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        fields = entry if isinstance(entry, dict) else {}
        yield number, next((fields[key] for key in _JSON_PREFIXES if key in fields), None)


def _ends(network: Any, where: str) -> tuple[int, int]:
    """Return the first and the last number of a network."""
    if not isinstance(network, str):
        raise UnusableNetworkList(f"{where} has no network; write one, such as 66.249.64.0/19.")
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError as error:
        raise UnusableNetworkList(
            f"{where}: {error}; write a network, such as 66.249.64.0/19."
        ) from error
    mapped = _IPV4_MAPPED if parsed.version == 4 else 0
    return int(parsed.network_address) | mapped, int(parsed.broadcast_address) | mapped


_BY_NETWORK = Verdict(OWN_EQUIPMENT, "network: own equipment")


@dataclass(frozen=True)
class OwnEquipment:
    """Devices of the site's owner, recognized by their network or by a part of their user agent.

    `user_agents` has these parts; case is ignored. The requests of the devices count as bots'.
    """

    networks: NetworkSet = field(default_factory=NetworkSet)
    user_agents: tuple[str, ...] = ()

    @property
    def has_networks(self) -> bool:
        """Whether any network is set."""
        return self.networks != NetworkSet()

    def by_agent(self, user_agent: str) -> Verdict | None:
        """Return the verdict by a user agent; None if it contains none of the parts."""
        text = user_agent.casefold()
        for part in self.user_agents:
            if part.casefold() in text:
                return Verdict(OWN_EQUIPMENT, f"user agent: own equipment, {part}")
        return None

    def by_address(self, address: str) -> Verdict | None:
        """Return the verdict by an address in the form of `address_in`; None outside `networks`."""
        return _BY_NETWORK if address in self.networks else None
