"""The table of visitors: a pseudonym for each, with device, place, and whether it is a machine.

Visitors are told apart by address and user agent, or by the site's own cookie where the log has
one. Who asked not to be tracked (Sec-GPC, DNT) is known within one hour only, since the hour is
part of what is hashed then, and of their place only the country is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.addresses import client_address
from clickstream.clean.columns import (
    Codes,
    Distinct,
    category,
    combined,
    table,
    taken,
    verdict_columns,
)
from clickstream.clean.devices import Device
from clickstream.clean.origins import Origins
from clickstream.clean.places import NOWHERE, Place
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.visitor_ids import Hasher, VisitorKeys, hashed_form

VISITOR_COLUMNS = (
    *("site", "visitor_id", "carried_as", "visitor_hour"),
    *(field.name for field in (*fields(Device), *fields(Place))),
    *("opted_out", "is_bot", "bot_class", "bot_reason"),
)
"""The columns of the table of visitors."""


class Visitors:
    """The visitors of all requests so far, each with a row for every time `rows` met them.

    So several rows may share an id and an hour, as do those of a cookie that came from two
    addresses.
    """

    def __init__(
        self, origins: Origins, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps
    ) -> None:
        self._origins, self._rules, self._keys, self._look_ups = origins, rules, keys, look_ups
        self._routes: Distinct[int, None] = Distinct()
        self._host_of_route = np.empty(0, np.int32)
        self._hosts: Distinct[str | None, bytes] = Distinct(hashed_form)
        self._met = [np.empty((4, 0), np.int32)]
        self.ids: list[str] = []
        """Each visitor's id under the hour's key."""

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, columns: Mapping[str, npt.NDArray[Any]]) -> Codes:
        """Each row's visitor.

        `columns` has for each row hit_at, and client, agent and marks as codes into the origins.
        """
        hours = columns["hit_at"].astype("M8[h]").astype(np.int32)
        client, agent, marks = (columns[name] for name in ("client", "agent", "marks"))
        rows, first = combined(client, agent, marks, hours)
        host = self._hosts_of(client[first], marks[first])
        met = np.array([host, agent[first], marks[first], hours[first]])
        rows += np.int32(len(self.ids))
        self._met.append(met)
        self.ids += self._hashed(met, self._keys.now)
        return rows

    def table(self) -> pd.DataFrame:
        """One row for each visitor, in the order of their codes."""
        met = np.concatenate(self._met, axis=1)
        host, agent, mark, hour = met
        wish = np.array([one.opted_out for one in self._origins.marks.ordered], np.bool_)[mark]
        ids = category(self.ids)
        before = self._keys.before
        devices = [one.device for one in self._origins.agents.made]
        return pd.DataFrame(
            {
                "site": category([self._rules.site]).take(np.zeros(len(hour), np.int8)),
                "visitor_id": ids,
                "carried_as": category([*self._hashed(met, before)]) if before else ids,
                "visitor_hour": hour,
                **taken(table(Device, devices), agent),
                **self._places(host, wish),
                "opted_out": wish,
                **self._verdicts(host, agent),
            }
        )

    def _hashed(self, met: npt.NDArray[np.int32], key: bytes) -> Iterator[str]:
        """The ids of some visitors under a key, by their cookie or by address and user agent.

        Who asked not to be tracked has the hour in it, and the hour's own key: nobody is followed
        from one hour to the next.
        """
        site = hashed_form(self._rules.site)
        made, hidden = Hasher(key, site), Hasher(self._keys.now, site)
        agents = [*map(hashed_form, self._origins.agents.ordered)]
        hosts, marks = self._hosts.made, self._origins.marks.ordered
        for host, agent, mark, hour in zip(*met.tolist(), strict=True):
            if not any(marks[mark][1:]):
                yield made(hosts[host] + agents[agent])
            elif marks[mark].opted_out:
                yield hidden(hosts[host] + agents[agent] + hashed_form(str(hour)))
            else:
                yield made(hashed_form(marks[mark].cookie))

    def _hosts_of(self, client: Codes, marks: Codes) -> Codes:
        """The addresses, by way of trusted proxies, as codes into the hosts."""
        routes, first = combined(client, marks)
        distinct = client[first].astype(np.int64) << 32 | marks[first]
        found = self._routes.codes(distinct.tolist())
        new = self._routes.ordered[len(self._host_of_route) :]
        hosts = self._hosts.codes(map(self._address, new))
        self._host_of_route = np.concatenate([self._host_of_route, hosts])
        return self._host_of_route[found][routes]

    def _address(self, client_and_marks: int) -> str | None:
        peer = self._origins.clients.ordered[client_and_marks >> 32]
        forwarded = self._origins.marks.ordered[client_and_marks & 0xFFFFFFFF].forwarded
        return peer and client_address(peer, forwarded, self._rules.trusted)

    def _places(self, host: Codes, opted_out: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """The places of visitors; of those who asked not to be tracked the country only."""
        places: Distinct[Place, None] = Distinct()
        look_up = self._look_ups.place
        found = places.codes(look_up(one) if one else NOWHERE for one in self._hosts.ordered)
        coarse = [Place(country=place.country) for place in places.ordered]
        rows = found[host] + len(coarse) * opted_out
        return taken(table(Place, [*places.ordered, *coarse]), rows)

    def _verdicts(self, host: Codes, agent: Codes) -> dict[str, Any]:
        """Who is a machine by user agent and network."""
        by_agent = [agent.verdict for agent in self._origins.agents.made]
        networks = self._rules.networks
        if not len(networks):
            return taken(pd.DataFrame(verdict_columns(by_agent)), agent)
        addresses = self._hosts.ordered
        judged = [
            networks.verdict(address, by_agent[one]) if address else by_agent[one]
            for address, one in ((addresses[at], by) for at, by in zip(host, agent, strict=True))
        ]
        return verdict_columns(judged)
