"""The table of visitors: a pseudonym for each, with device, place, and whether it is a machine.

Visitors are told apart by address and user agent, or by the site's own cookie where the log has
one. Who asked not to be tracked (Sec-GPC, DNT) is known within one hour only, since the hour is
part of what is hashed then, and of their place only the country is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.addresses import client_address
from clickstream.clean.bots import Networks
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
from clickstream.clean.places import Place
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.visitor_ids import VisitorKeys, hashed_form, visitor_id

VISITOR_COLUMNS = (
    *("site", "visitor_id", "carried_as", "visitor_hour"),
    *(field.name for field in (*fields(Device), *fields(Place))),
    *("opted_out", "is_bot", "bot_class", "bot_reason"),
)
"""The columns of the table of visitors."""


def visitors_of(
    columns: Mapping[str, npt.NDArray[Any]],
    origins: Origins,
    rules: CleanRules,
    keys: VisitorKeys,
    look_ups: LookUps,
) -> tuple[Codes, pd.DataFrame]:
    """Each row's visitor, and the table of visitors, which has a row for each visitor and hour.

    `columns` has for each row hit_at, and client, agent and marks as codes into `origins`. Two rows
    of the table may share an id and an hour: those of a cookie that came from two addresses.
    """
    hours = columns["hit_at"].astype("M8[h]").astype(np.int32)
    rows, first = combined(columns["client"], columns["agent"], columns["marks"], hours)
    client, agent, marks = (columns[name][first] for name in ("client", "agent", "marks"))
    visitors = _Visitors(origins, client, agent, marks, hours[first])
    return rows, visitors.table(rules, keys, look_ups)


@dataclass(frozen=True)
class _Visitors:
    """Distinct visitors: for each the codes of client, agent and marks, and the hour since 1970."""

    origins: Origins
    client: Codes
    agent: Codes
    marks: Codes
    hour: Codes

    def table(self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps) -> pd.DataFrame:
        """One row for each visitor."""
        address, addresses = self._addresses(rules)
        opted_out = np.array([mark.opted_out for mark in self.origins.marks.ordered], np.bool_)
        wish, site = opted_out[self.marks], hashed_form(rules.site)
        hosts = [site + hashed_form(text) for text in addresses]
        ids = [*self._ids([hosts[one] for one in address], site, keys.now, keys.now)]
        before = ids
        if keys.before is not None:
            before = [*self._ids([hosts[one] for one in address], site, keys.before, keys.now)]
        return pd.DataFrame(
            {
                "site": category([rules.site]).take(np.zeros(len(self.hour), np.int8)),
                "visitor_id": category(ids),
                "carried_as": category(before),
                "visitor_hour": self.hour,
                **taken(table(Device, [a.device for a in self.origins.agents.made]), self.agent),
                **_places(addresses, address, wish, look_ups),
                "opted_out": wish,
                **self._verdicts([addresses[one] for one in address], rules.networks),
            }
        )

    def _addresses(self, rules: CleanRules) -> tuple[Codes, list[str | None]]:
        """Each visitor's address, by way of trusted proxies, as a code into the distinct ones."""
        clients, marks = self.origins.clients.ordered, self.origins.marks.ordered
        routes, first = combined(self.client, self.marks)
        known: Distinct[str | None, None] = Distinct(lambda _address: None)
        found = known.codes(
            client and client_address(client, mark.forwarded, rules.trusted)
            for client, mark in (
                (clients[self.client[one]], marks[self.marks[one]]) for one in first.tolist()
            )
        )
        codes: Codes = found[routes]
        return codes, known.ordered

    def _ids(
        self, hosts: list[bytes], site: bytes, key: bytes, key_of_hidden: bytes
    ) -> Iterator[str]:
        """Each visitor's id under a key; `hosts` are the hashed forms of site and address.

        Who asked not to be tracked has the hour in it, and the hour's own key: nobody is followed
        from one hour to the next.
        """
        agents = [*map(hashed_form, self.origins.agents.ordered)]
        marks = self.origins.marks.ordered
        rows = zip(hosts, self.agent.tolist(), self.marks.tolist(), self.hour.tolist(), strict=True)
        for host, agent, mark, hour in rows:
            if not any(marks[mark][1:]):
                yield visitor_id(host + agents[agent], key)
            elif marks[mark].opted_out:
                hidden = host + agents[agent] + hashed_form(str(hour))
                yield visitor_id(hidden, key_of_hidden)
            else:
                yield visitor_id(site + hashed_form(marks[mark].cookie), key)

    def _verdicts(self, addresses: list[str | None], networks: Networks) -> dict[str, Any]:
        """Who is a machine by user agent and network."""
        by_agent = [agent.verdict for agent in self.origins.agents.made]
        if not len(networks):
            return taken(pd.DataFrame(verdict_columns(by_agent)), self.agent)
        judged = [
            networks.verdict(address, by_agent[agent]) if address else by_agent[agent]
            for address, agent in zip(addresses, self.agent.tolist(), strict=True)
        ]
        return verdict_columns(judged)


def _places(
    addresses: list[str | None], address: Codes, opted_out: npt.NDArray[np.bool_], look_ups: LookUps
) -> dict[str, Any]:
    """The places of visitors; of those who asked not to be tracked the country only."""
    distinct: Distinct[Place, None] = Distinct(lambda _place: None)
    found = distinct.codes(look_ups.place(one) if one else Place() for one in addresses)[address]
    coarse = [Place(country=place.country) for place in distinct.ordered]
    rows = found + len(coarse) * opted_out
    return taken(table(Place, [*distinct.ordered, *coarse]), rows)
