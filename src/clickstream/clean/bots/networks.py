"""The second layer of bot detection: the network that a request comes from.

Crawlers publish the networks they come from, which proves a crawler and finds its impostors. Nobody
browses from a datacenter, except through the relays and VPNs that a list of people's networks
names. All networks lie on one line of 128-bit numbers, IPv4 as IPv4-mapped IPv6, cut where any of
them begins or ends: a lookup is one search for the piece that an address falls into. The site's own
equipment, such as menu tablets and status pages, is recognized by the networks in the settings.
"""

from __future__ import annotations

import ipaddress
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from clickstream.clean.addresses import NetworkSet
from clickstream.clean.bots.verdict import OTHER, OWN_EQUIPMENT, SCANNER, Verdict
from clickstream.errors import UnusableNetworkList

CRAWLER, DATACENTER, PEOPLE = ROLES = ("crawler", "datacenter", "people")
"""What a list of networks says of who comes from there."""

_JSON_LISTS = ("prefixes", "ipv6_prefixes")
_JSON_PREFIXES = ("ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix")
_IPV4_MAPPED = 0xFFFF << 32


@dataclass(frozen=True)
class _Network:
    """A range of addresses, as numbers, and what its list says of it."""

    first: int
    last: int
    role: str
    name: str


class Networks:
    """Lists of networks, made ready for look-ups. `Networks()` holds none and changes nothing."""

    def __init__(self, networks: Iterable[_Network] = ()) -> None:
        self._networks = frozenset(networks)
        crawlers = {n.name for n in self._networks if n.role == CRAWLER}
        self._crawlers = sorted(crawlers, key=lambda name: (-len(name), name))

    @classmethod
    def parse(cls, name: str, role: str, text: str) -> Networks:
        """The networks of one list.

        `role`: one of ROLES. `text`: lines of a network, or a single address, and, if it differs
        from the list's, a name; what follows a # or a comma is not read. Or the JSON that Google,
        Bing, OpenAI and others publish: {"prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}; or
        Amazon's, with ip_prefix and ipv6_prefixes. A list of crawlers is named as their user
        agents are: Googlebot. Raises InputError that names list and line.
        """
        if role not in ROLES:
            raise UnusableNetworkList(
                f"List {name}: there is no role {role!r}; use {', '.join(ROLES)}."
            )
        read = _from_json if text.lstrip().startswith("{") else _from_lines
        return cls(_Network(*ends, role, label) for ends, label in read(name, text))

    def __or__(self, other: Networks) -> Networks:
        """The networks of both."""
        return Networks(self._networks | other._networks)

    def __len__(self) -> int:
        """How many networks there are."""
        return len(self._networks)

    def verdict(self, address: str, by_agent: Verdict | None) -> Verdict | None:
        """What the verdict by the user agent becomes in view of the address.

        A crawler with a list is confirmed inside it and an impostor outside. An agent of people's
        in a datacenter is a bot's, unless a smaller network in there is people's. In all other
        cases, and for a text that is no address, `by_agent` stands.
        """
        if not self._networks or (number := _number(address)) is None:
            return by_agent
        starts, all_holders = self._pieces
        holders = all_holders[bisect_right(starts, number) - 1]
        if by_agent is not None:
            return self._checked(by_agent, holders)
        innermost = next((n for n in reversed(holders) if n.role != CRAWLER), None)
        if innermost is not None and innermost.role == DATACENTER:
            return Verdict(OTHER, f"network: {innermost.name}")
        return None

    @cached_property
    def _pieces(self) -> tuple[tuple[int, ...], tuple[tuple[_Network, ...], ...]]:
        """Where each piece of the line begins, and the networks that hold it."""
        starts, holders = zip(*_cut(self._networks), strict=True)
        return starts, holders

    def _checked(self, by_agent: Verdict, holders: tuple[_Network, ...]) -> Verdict:
        """Confirm the crawler that the agent claims to be, or expose it."""
        claimed = self._claimed(by_agent)
        if claimed is None:
            return by_agent
        if any(n.role == CRAWLER and n.name == claimed for n in holders):
            return Verdict(by_agent.bot_class, f"{by_agent.reason}, confirmed by network")
        return Verdict(SCANNER, f"network: not from {claimed}'s ranges")

    def _claimed(self, by_agent: Verdict) -> str | None:
        """The listed crawler that the agent's name begins with: Googlebot for Googlebot-Image."""
        agent = by_agent.reason.partition(": ")[2].casefold()
        for name in self._crawlers:
            if agent.startswith(name.casefold()) and not agent[len(name) :][:1].isalnum():
                return name
        return None


def _cut(networks: Iterable[_Network]) -> Iterator[tuple[int, tuple[_Network, ...]]]:
    """The line cut into pieces: where each begins, and the networks that hold it, widest first.

    Networks never overlap by halves, so those open at a point are a stack. Of the same network on
    several lists, people's comes last, as if it were the smallest.
    """
    stack: list[_Network] = []
    starts: dict[int, tuple[_Network, ...]] = {0: ()}
    for network in sorted(networks, key=_by_place):
        while stack and stack[-1].last < network.first:
            ended = stack.pop()
            starts[ended.last + 1] = tuple(stack)
        stack.append(network)
        starts[network.first] = tuple(stack)
    while stack:
        ended = stack.pop()
        starts[ended.last + 1] = tuple(stack)
    return iter(sorted(starts.items()))


def _by_place(network: _Network) -> tuple[int, int, int, str]:
    return network.first, -network.last, ROLES.index(network.role), network.name


def _number(address: str) -> int | None:
    """The address as a number on the line; None for what is no address."""
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
            f"List {name} is no JSON ({error}); download it again."
        ) from error
    entries = [entry for key in _JSON_LISTS for entry in _entries(document.get(key, []))]
    if not entries:
        raise UnusableNetworkList(
            f'List {name} has no "prefixes"; give the JSON that the owner publishes.'
        )
    for place, prefix in entries:
        yield _ends(prefix, f"List {name}, entry {place}"), name


def _entries(entries: Any) -> Iterator[tuple[int, Any]]:
    """Each prefix of a JSON list with the number of its entry; of entries without one, None."""
    for place, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        fields = entry if isinstance(entry, dict) else {}
        yield place, next((fields[key] for key in _JSON_PREFIXES if key in fields), None)


def _ends(network: Any, where: str) -> tuple[int, int]:
    """The first and the last number of a network."""
    if not isinstance(network, str):
        raise UnusableNetworkList(f"{where} has no network; give one, such as 66.249.64.0/19.")
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError as error:
        raise UnusableNetworkList(
            f"{where}: {error}; give a network, such as 66.249.64.0/19."
        ) from error
    mapped = _IPV4_MAPPED if parsed.version == 4 else 0
    return int(parsed.network_address) | mapped, int(parsed.broadcast_address) | mapped


_BY_NETWORK = Verdict(OWN_EQUIPMENT, "network: own equipment")


@dataclass(frozen=True)
class OwnEquipment:
    """Devices of the site's owner: those in `networks`, and those whose user agent has a part.

    `user_agents` are the parts, compared without case. What they ask for counts under bots.
    """

    networks: NetworkSet = field(default_factory=NetworkSet)
    user_agents: tuple[str, ...] = ()

    @property
    def has_networks(self) -> bool:
        """Whether there is a network to compare addresses with."""
        return self.networks != NetworkSet()

    def by_agent(self, user_agent: str) -> Verdict | None:
        """The verdict by a user agent; None if it has none of the parts."""
        text = user_agent.casefold()
        for part in self.user_agents:
            if part.casefold() in text:
                return Verdict(OWN_EQUIPMENT, f"user agent: own equipment, {part}")
        return None

    def by_address(self, address: str) -> Verdict | None:
        """The verdict by an address as `address_in` gives it; None outside of the networks."""
        return _BY_NETWORK if address in self.networks else None
