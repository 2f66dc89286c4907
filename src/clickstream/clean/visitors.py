"""The table of visitors: pseudonym, device, place and bot verdict.

Visitors are distinguished by address and user agent, or by the site's own cookie if the log has
one. Requests with the same verdict by signature are a visitor of their own, so an agent or a forger
shares no session with a person of the same address and user agent.

The pseudonym is a keyed hash: without the key, nobody can connect it to an address, not even by
trying all addresses. For a visitor who asked not to be tracked (Sec-GPC, DNT), the hash also
includes the hour. Such a visitor is recognized within one hour only, and of the place only the
country is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv6Address
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.bots import OWN_EQUIPMENT, Verdict
from clickstream.clean.bots.networks import PROXY_BROWSERS
from clickstream.clean.bots.verdict import OTHER
from clickstream.clean.clients import Agent, Origins
from clickstream.clean.devices import Device
from clickstream.clean.dictionary_columns import (
    Codes,
    Combinations,
    Distinct,
    Texts,
    table,
    taken,
    verdict_table,
)
from clickstream.clean.places import NOWHERE, Place
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.core import dictionary_encoding
from clickstream.core.errors import InputError
from clickstream.core.networks import BYTE, are_addresses, client_address

# Keyed hashes of texts: the ids of visitors and of networks.

_DIGEST_BYTES = 12


class Hasher:
    """Computes ids under one key: 24 hex digits of BLAKE2b (RFC 7693).

    `first` is the common start of all identities; it is hashed once.
    """

    def __init__(self, key: bytes, first: bytes = b"") -> None:
        self._begun = blake2b(first, key=key, digest_size=_DIGEST_BYTES)

    def __call__(self, identity: bytes) -> str:
        """Return the id of an identity, which is a concatenation of `hashed_form` of texts."""
        hashed = self._begun.copy()
        hashed.update(identity)
        return hashed.hexdigest()


def hashed_form(text: str | None) -> bytes:
    """Return the bytes of a text to hash: its length in 8 bytes, then its UTF-8.

    With the length, different lists of texts never give the same bytes when their forms are
    concatenated. None is 8 bytes 0xff, which differs from an empty text.
    """
    if text is None:
        return b"\xff" * 8
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw


# Keyed hashes of the networks of client addresses, and of the operators of these networks.
#
# A fleet of machines often comes from few networks, each address of which it uses once, or from
# many networks of one operator. Tables hold no address, so a part stores the hashes of its network
# and of its operator. The hashes use the visitor key of the period and the site, like the visitor
# id: without the key, nobody can compute the ids of all networks to compare them.

PREFIX_IPV4, PREFIX_IPV6 = 24, 48
"""Lengths of prefixes: the smallest networks that are routed, and that sites of one owner get."""

_IPV4 = re.compile(rf"((?:{BYTE}\.){{3}}){BYTE}", re.ASCII)

_NETWORK, _OPERATOR = hashed_form("network"), hashed_form("operator")
"""Hashed first, so that no id is the id of another kind, or the visitor id of another text."""


def network_ids(addresses: Iterable[str | None], site: str, key: bytes) -> list[str | None]:
    """Return the id of each address's network, 24 hex digits; None for a text without an address.

    `addresses` are in the form of `clickstream.core.networks.address_in`. Call it once for each
    distinct address.
    """
    hasher = Hasher(key, hashed_form(site) + _NETWORK)
    id_of: dict[str, str] = {}
    ids = []
    for address in addresses:
        network = network_of(address)
        if network is not None and network not in id_of:
            id_of[network] = hasher(hashed_form(network))
        ids.append(id_of[network] if network is not None else None)
    return ids


def operator_ids(asns: Iterable[int], site: str, key: bytes) -> list[str | None]:
    """Return the id of each autonomous system, 24 hex digits; None for 0, an unknown system.

    `asns` are the numbers of the systems.
    """
    hasher = Hasher(key, hashed_form(site) + _OPERATOR)
    id_of: dict[int, str | None] = {0: None}
    ids = []
    for asn in asns:
        if asn not in id_of:
            id_of[asn] = hasher(hashed_form(str(asn)))
        ids.append(id_of[asn])
    return ids


def network_of(address: str | None) -> str | None:
    """Return the network of an address, as in 192.0.2.0/24; None for any other text.

    It gives the text of `ipaddress.ip_network`, which takes 4 to 13 times as long.
    """
    if address is None:
        return None
    if match := _IPV4.fullmatch(address):
        return f"{match[1]}0/{PREFIX_IPV4}"
    try:
        number = int(IPv6Address(address))
    except ValueError:
        return None
    dropped = 128 - PREFIX_IPV6
    return f"{IPv6Address(number >> dropped << dropped)}/{PREFIX_IPV6}"


_KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)


@dataclass(frozen=True)
class VisitorKeys:
    """The visitor key of an hour, and the earlier key if sessions may still be open under it.

    Raises InputError for a key that does not have 16 to 64 bytes.
    """

    now: bytes
    before: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse a key that is too long for BLAKE2b or short enough to guess."""
        for key in (self.now, self.before or self.now):
            if len(key) not in _KEY_BYTES:
                raise InputError(
                    f"The visitor key has {len(key)} bytes: use a key of 16 to 64 random bytes."
                )


VISITOR_COLUMNS = (
    "site",
    "visitor_id",
    "carried_as",
    "visitor_hour",
    "network_id",
    "operator_id",
    *Device._fields,
    *Place._fields,
    "opted_out",
    "is_bot",
    "bot_class",
    "bot_reason",
)
"""The columns of the table of visitors."""

_AT_ONCE = 1 << 16
"""Number of addresses converted to Python strings at once: all those of a year take 50 MB."""


class Visitors:
    """The visitors of all requests so far: one row per client, user agent, marks and hour.

    Several rows may have the same id and hour, for example if one cookie came from two addresses.
    """

    def __init__(
        self, origins: Origins, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps
    ) -> None:
        self._origins, self._rules, self._keys, self._look_ups = origins, rules, keys, look_ups
        self._visitors, self._routes = Combinations(4), Combinations(2)
        self._hosts: Texts[None] = Texts()
        self._host_of_route = np.empty(0, np.int32)
        self._ids: list[pa.Array] = [pa.array([], pa.string())]
        self._hashed_so_far = 0

    def __len__(self) -> int:
        return self._hashed_so_far

    @property
    def ids(self) -> list[str]:
        """The id of each visitor under the hour's key."""
        ids: list[str] = pa.chunked_array(self._ids).to_pylist()
        return ids

    def rows(self, columns: Mapping[str, npt.NDArray[Any]]) -> Codes:
        """Return the code of each request's visitor.

        `columns` has for each request its hour, and client, agent and marks as codes of `Origins`.
        """
        rows = self._visitors.codes(*(columns[n] for n in ("client", "agent", "marks", "hour")))
        new = self._visitors.met[:, self._hashed_so_far :]
        self._ids.append(pa.array(self._hash_ids(new, self._keys.now), pa.string()))
        self._hashed_so_far += new.shape[1]
        return rows

    def table(self) -> pa.RecordBatch:
        """Return the table with one row per visitor, in the order of their codes."""
        client, agent, mark, hour = self._visitors.met
        host = self._hosts_of(client, mark)
        asns = np.concatenate([self._look_ups.asns(batch) for batch in self._address_batches()])
        wish = np.array([mark.opted_out for mark in self._origins.marks.distinct], np.bool_)[mark]
        ids = dictionary_encoding.combine_chunks(pa.chunked_array(self._ids).dictionary_encode())
        old_ids = ids
        if before := self._keys.before:
            old_ids = dictionary_encoding.encode(self._hash_ids(self._visitors.met, before))
        devices = table(Device, [agent.device for agent in self._origins.agents.results])
        return pa.record_batch(
            {
                "site": dictionary_encoding.encode_constant(self._rules.site, len(hour)),
                "visitor_id": ids,
                "carried_as": old_ids,
                "visitor_hour": hour,
                **self._networks(host, asns, wish),
                **taken(devices, agent),
                **self._places(host, wish),
                "opted_out": wish,
                **self._verdicts(host, asns, agent, mark),
            }
        )

    def _hash_ids(self, met: npt.NDArray[np.int32], key: bytes) -> list[str]:
        """Compute the ids of visitors under a key, from cookie or from address and user agent.

        For a visitor who asked not to be tracked, the id includes the hour and is always computed
        with the hour's own key, so the visitor can't be followed from one hour to the next.
        """
        client, agent, mark, hour = met
        site = hashed_form(self._rules.site)
        made, hidden = Hasher(key, site), Hasher(self._keys.now, site)
        route = pa.array(self._hosts_of(client, mark))  # call it first: it adds to self._hosts
        addresses = self._hosts.values.take(route)
        hosts = map(hashed_form, addresses.to_pylist())
        agent_forms = [*map(hashed_form, self._origins.agents.values.to_pylist())]
        agents = map(agent_forms.__getitem__, agent.tolist())
        marks = map(self._origins.marks.distinct.__getitem__, mark.tolist())
        ids = []
        for host, browser, (_, cookie, opted_out, signature), at in zip(
            hosts, agents, marks, hour.tolist(), strict=True
        ):
            signed = hashed_form(signature.reason) if signature else b""
            if opted_out:
                ids.append(hidden(host + browser + hashed_form(str(at)) + signed))
            else:
                ids.append(made((hashed_form(cookie) if cookie else host + browser) + signed))
        return ids

    def _hosts_of(self, client: Codes, marks: Codes) -> Codes:
        """Return the client addresses, resolved through trusted proxies, as codes of `_hosts`."""
        route = self._routes.codes(client, marks)
        new = self._routes.met[:, len(self._host_of_route) :]
        hosts = self._hosts.codes(self._addresses(*new).dictionary_encode())
        self._host_of_route = np.concatenate([self._host_of_route, hosts])
        return self._host_of_route[route]

    def _addresses(self, client: Codes, marks: Codes) -> pa.Array:
        """Resolve logged clients to addresses; only clients that need it are parsed in Python.

        Most clients are logged as plain addresses and without a proxy.
        """
        peers = self._origins.clients.values.take(pa.array(client))
        forwarded = [mark.forwarded for mark in self._origins.marks.distinct]
        is_forwarded = np.array(
            [addresses_of_mark is not None for addresses_of_mark in forwarded], np.bool_
        )[marks]
        to_read = (is_forwarded | ~are_addresses(peers)) & peers.is_valid().to_numpy(False)
        read = [
            client_address(peer, forwarded[mark], self._rules.trusted)
            for peer, mark in zip(peers.filter(to_read).to_pylist(), marks[to_read], strict=True)
        ]
        return pc.replace_with_mask(peers, to_read, pa.array(read, pa.string()))

    def _address_batches(self) -> Iterator[list[str | None]]:
        """Yield the address of each code of `_hosts`, in batches to limit memory."""
        addresses = self._hosts.values
        for start in range(0, len(addresses), _AT_ONCE):
            yield addresses[start : start + _AT_ONCE].to_pylist()

    def _networks(
        self, host: Codes, asns: npt.NDArray[np.int64], opted_out: npt.NDArray[np.bool_]
    ) -> dict[str, pa.DictionaryArray]:
        """Return the columns of network and operator ids; null for those who opted out."""
        site, key = self._rules.site, self._keys.now
        ids = {
            "network_id": network_ids(self._hosts.values.to_pylist(), site, key),
            "operator_id": operator_ids(asns.tolist(), site, key),
        }
        rows = pa.array(np.where(opted_out, len(asns), host))
        return {
            name: dictionary_encoding.encode([*of, None]).take(rows) for name, of in ids.items()
        }

    def _places(self, host: Codes, opted_out: npt.NDArray[np.bool_]) -> dict[str, pa.Array]:
        """Look up the places of visitors; only the country if they asked not to be tracked."""
        places: Distinct[Place, None] = Distinct()
        look_up = self._look_ups.place
        addresses = chain.from_iterable(self._address_batches())
        place_codes = places.codes(
            look_up(address) if address else NOWHERE for address in addresses
        )
        coarse = [Place(country=place.country) for place in places.distinct]
        rows = place_codes[host] + np.int32(len(coarse)) * opted_out
        return taken(table(Place, [*places.distinct, *coarse]), rows)

    def _verdicts(
        self, host: Codes, asns: npt.NDArray[np.int64], agent: Codes, marks: Codes
    ) -> dict[str, pa.Array]:
        """Build the columns of bot verdicts, by user agent, network and signature."""
        agents = self._origins.agents.results
        by_signature = [mark.signature for mark in self._origins.marks.distinct]
        has_lists = len(self._rules.networks) or self._rules.own_equipment.has_networks
        has_hosting = np.isin(asns, [*self._rules.hosting]).any()
        if not has_lists and not has_hosting and not any(by_signature):
            return taken(verdict_table([known_agent.verdict for known_agent in agents]), agent)
        addresses = self._hosts.values.take(pa.array(host)).to_pylist()
        verdicts = [
            self._verdict(address or "", asn, agents[agent_code], by_signature[mark])
            for address, asn, agent_code, mark in zip(
                addresses, asns[host].tolist(), agent.tolist(), marks.tolist(), strict=True
            )
        ]
        columns = verdict_table(verdicts)
        return {name: columns[name] for name in columns.schema.names}

    def _verdict(
        self, address: str, asn: int, agent: Agent, by_signature: Verdict | None
    ) -> Verdict | None:
        """Return the verdict on a visitor, from its user agent, address and signature.

        A signature that is not verified decides last, but for the list of hosting networks.
        """
        by_agent = agent.verdict
        if by_agent is not None and by_agent.bot_class == OWN_EQUIPMENT:
            return by_agent
        if own := self._rules.own_equipment.by_address(address):
            return own
        if by_signature is not None and by_signature.bot_class != OTHER:
            return by_signature
        by_network = self._rules.networks.verdict(address, by_agent)
        return by_network or by_signature or self._by_hosting(address, asn, agent)

    def _by_hosting(self, address: str, asn: int, agent: Agent) -> Verdict | None:
        """Return the verdict on a person's user agent from a hosting network."""
        hosting = self._rules.hosting.get(asn)
        if hosting is None or agent.device.browser in PROXY_BROWSERS:
            return None
        return None if self._rules.networks.has_people(address) else hosting
