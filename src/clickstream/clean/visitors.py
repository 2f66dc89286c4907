"""The table of visitors: a pseudonym for each, with device, place, and whether it is a bot.

Visitors are distinguished by address and user agent, or by the site's own cookie where the log has
one. The pseudonym is a keyed hash: without the key it can't be tied to an address, not even by
trying all addresses. A visitor who asked not to be tracked (Sec-GPC, DNT) is recognized within one
hour only, since the hour is then part of the hash, and only the country of their place is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.clean.addresses import are_addresses, client_address
from clickstream.clean.bots import OWN_EQUIPMENT, Verdict
from clickstream.clean.clients import Origins
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
from clickstream.errors import InputError

_DIGEST_BYTES = 12
_KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)


@dataclass(frozen=True)
class VisitorKeys:
    """The key of an hour, and the one before it if sessions may still be open under that.

    Keys have 16 to 64 bytes; InputError is raised for others.
    """

    now: bytes
    before: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse a key that BLAKE2b can't take or that could be guessed."""
        for key in (self.now, self.before or self.now):
            if len(key) not in _KEY_BYTES:
                raise InputError(
                    f"A visitor key of {len(key)} bytes was given; make one of 16 to 64 random "
                    "bytes."
                )


class Hasher:
    """Makes ids under one key: 24 hex digits of BLAKE2b (RFC 7693), over hashed forms of texts.

    `first` is what every identity begins with; it is hashed once.
    """

    def __init__(self, key: bytes, first: bytes = b"") -> None:
        self._begun = blake2b(first, key=key, digest_size=_DIGEST_BYTES)

    def __call__(self, identity: bytes) -> str:
        """The id of an identity: the hashed forms of some texts, one after the other."""
        hashed = self._begun.copy()
        hashed.update(identity)
        return hashed.hexdigest()


def hashed_form(text: str | None) -> bytes:
    """A text as it is hashed: after its length, so that texts can't run into each other.

    None has no length, which tells it from an empty text. Lists of texts that differ never have
    the same bytes when their forms are joined, whatever their lengths.
    """
    if text is None:
        return b"\xff" * 8
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw


VISITOR_COLUMNS = (
    *("site", "visitor_id", "carried_as", "visitor_hour"),
    *(*Device._fields, *Place._fields),
    *("opted_out", "is_bot", "bot_class", "bot_reason"),
)
"""The columns of the table of visitors."""

_AT_ONCE = 1 << 16
"""Addresses that are Python texts at a time: those of a year take 50 MB."""


class Visitors:
    """The visitors of all requests so far: one for each client, user agent, marks and hour.

    So several rows may share an id and an hour, as do those of a cookie that came from two
    addresses.
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
        """Each visitor's id under the hour's key."""
        ids: list[str] = pa.chunked_array(self._ids).to_pylist()
        return ids

    def rows(self, columns: Mapping[str, npt.NDArray[Any]]) -> Codes:
        """Each row's visitor.

        `columns` has for each row its hour, and client, agent and marks as codes into the origins.
        """
        rows = self._visitors.codes(*(columns[n] for n in ("client", "agent", "marks", "hour")))
        new = self._visitors.met[:, self._hashed_so_far :]
        self._ids.append(pa.array(self._hashed(new, self._keys.now), pa.string()))
        self._hashed_so_far += new.shape[1]
        return rows

    def count_clients(self) -> int:
        """How many different client addresses the visitors have."""
        return len(np.setdiff1d(self._visitors.met[0], 0))  # 0 is no address

    def table(self) -> pa.RecordBatch:
        """One row for each visitor, in the order of their codes."""
        client, agent, mark, hour = self._visitors.met
        host = self._hosts_of(client, mark)
        wish = np.array([one.opted_out for one in self._origins.marks.ordered], np.bool_)[mark]
        ids = dictionary_encoding.combine_chunks(pa.chunked_array(self._ids).dictionary_encode())
        before = self._keys.before
        old_ids = (
            dictionary_encoding.encode(self._hashed(self._visitors.met, before)) if before else ids
        )
        devices = table(Device, [one.device for one in self._origins.agents.made])
        return pa.record_batch(
            {
                "site": dictionary_encoding.encode_constant(self._rules.site, len(hour)),
                "visitor_id": ids,
                "carried_as": old_ids,
                "visitor_hour": hour,
                **taken(devices, agent),
                **self._places(host, wish),
                "opted_out": wish,
                **self._verdicts(host, agent),
            }
        )

    def _hashed(self, met: npt.NDArray[np.int32], key: bytes) -> list[str]:
        """The ids of some visitors under a key, by their cookie or by address and user agent.

        Who asked not to be tracked has the hour in it, and the hour's own key: nobody is followed
        from one hour to the next.
        """
        client, agent, mark, hour = met
        site = hashed_form(self._rules.site)
        made, hidden = Hasher(key, site), Hasher(self._keys.now, site)
        route = pa.array(self._hosts_of(client, mark))  # first, since it adds to the hosts
        addresses = self._hosts.values.take(route)
        hosts = map(hashed_form, addresses.to_pylist())
        agents = map(self._agent_forms().__getitem__, agent.tolist())
        marks = map(self._origins.marks.ordered.__getitem__, mark.tolist())
        ids = []
        for host, browser, (_, cookie, opted_out), at in zip(
            hosts, agents, marks, hour.tolist(), strict=True
        ):
            if opted_out:
                ids.append(hidden(host + browser + hashed_form(str(at))))
            else:
                ids.append(made(hashed_form(cookie) if cookie else host + browser))
        return ids

    def _agent_forms(self) -> list[bytes]:
        return [*map(hashed_form, self._origins.agents.values.to_pylist())]

    def _hosts_of(self, client: Codes, marks: Codes) -> Codes:
        """The addresses, by way of trusted proxies, as codes into the hosts."""
        route = self._routes.codes(client, marks)
        new = self._routes.met[:, len(self._host_of_route) :]
        hosts = self._hosts.codes(self._addresses(*new).dictionary_encode())
        self._host_of_route = np.concatenate([self._host_of_route, hosts])
        return self._host_of_route[route]

    def _addresses(self, client: Codes, marks: Codes) -> pa.Array:
        """The addresses behind clients; most are logged as such, and came by no proxy."""
        peers = self._origins.clients.values.take(pa.array(client))
        forwarded = [mark.forwarded for mark in self._origins.marks.ordered]
        is_forwarded = np.array([one is not None for one in forwarded], np.bool_)[marks]
        to_read = (is_forwarded | ~are_addresses(peers)) & peers.is_valid().to_numpy(False)
        read = [
            client_address(peer, forwarded[mark], self._rules.trusted)
            for peer, mark in zip(peers.filter(to_read).to_pylist(), marks[to_read], strict=True)
        ]
        return pc.replace_with_mask(peers, to_read, pa.array(read, pa.string()))

    def _places(self, host: Codes, opted_out: npt.NDArray[np.bool_]) -> dict[str, pa.Array]:
        """The places of visitors; of those who asked not to be tracked the country only."""
        places: Distinct[Place, None] = Distinct()
        look_up = self._look_ups.place
        addresses = self._hosts.values
        slices = (addresses[n : n + _AT_ONCE] for n in range(0, len(addresses), _AT_ONCE))
        each = chain.from_iterable(some.to_pylist() for some in slices)
        found = places.codes(look_up(one) if one else NOWHERE for one in each)
        coarse = [Place(country=place.country) for place in places.ordered]
        rows = found[host] + np.int32(len(coarse)) * opted_out
        return taken(table(Place, [*places.ordered, *coarse]), rows)

    def _verdicts(self, host: Codes, agent: Codes) -> dict[str, pa.Array]:
        """Who is a machine by user agent and network."""
        by_agent = [agent.verdict for agent in self._origins.agents.made]
        if not len(self._rules.networks) and not self._rules.own_equipment.has_networks:
            return taken(verdict_table(by_agent), agent)
        addresses = self._hosts.values.take(pa.array(host)).to_pylist()
        judged = [
            self._verdict(address, by_agent[one]) if address else by_agent[one]
            for address, one in zip(addresses, agent.tolist(), strict=True)
        ]
        found = verdict_table(judged)
        return {name: found[name] for name in found.schema.names}

    def _verdict(self, address: str, by_agent: Verdict | None) -> Verdict | None:
        """The verdict on a user agent, in view of the address it comes from."""
        if by_agent is not None and by_agent.bot_class == OWN_EQUIPMENT:
            return by_agent
        own = self._rules.own_equipment.by_address(address)
        return own or self._rules.networks.verdict(address, by_agent)
