"""The table of visitors: a pseudonym for each, with device, place, and whether it is a machine.

Visitors are told apart by address and user agent, or by the site's own cookie where the log has
one. Who asked not to be tracked (Sec-GPC, DNT) is known within one hour only, since the hour is
part of what is hashed then, and of their place only the country is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.addresses import client_address
from clickstream.clean.bots import Verdict, agent_verdict
from clickstream.clean.columns import Codes, Distinct, category, table, taken, verdict_columns
from clickstream.clean.devices import Device
from clickstream.clean.kinds import is_health_checker
from clickstream.clean.places import Place
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.visitor_ids import VisitorKeys, hashed_form, visitor_id

NOT_LOGGED = ""
"""The text of a field that the log has no place for; nobody is judged by its absence."""

VISITOR_COLUMNS = (
    *("site", "visitor_id", "carried_as", *(field.name for field in fields(Device))),
    *(*(field.name for field in fields(Place)), "opted_out", "is_bot", "bot_class", "bot_reason"),
)
"""The columns of the table of visitors."""


class Visitors:
    """Every distinct visitor of each hour so far: verdicts hold for an hour.

    A visitor is a tuple of codes: address, user agent, cookie, the hour (in hours since 1970), and
    whether they asked not to be tracked.
    """

    def __init__(self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps) -> None:
        self._rules, self._keys, self._look_ups = rules, keys, look_ups
        self._clients: Distinct[str | None, str | None] = Distinct(_itself)
        self._forwarded: Distinct[str | None, str | None] = Distinct(_itself)
        self._routes: Distinct[tuple[int, ...], int] = Distinct(self._route)
        self._addresses: Distinct[str | None, Place] = Distinct(self._place)
        self._agents: Distinct[str | None, Device] = Distinct(self._device)
        self._verdicts: list[Verdict | None] = []
        self._is_checker: list[bool] = []
        self._cookies: Distinct[str | None, str | None] = Distinct(_itself)
        self._visitors: Distinct[tuple[int, ...], None] = Distinct(lambda _codes: None)

    def agents(self, user_agent: pd.Series) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Each row's user agent, and whether it is a health checker's."""
        agents = self._agents.rows(user_agent, None)
        return agents, np.array(self._is_checker, np.bool_)[agents]

    def rows(self, parsed: pd.DataFrame, agents: Codes) -> Codes:
        """Each row's visitor; `agents` are the rows' user agents, as `agents` gives them."""
        clients = self._clients.rows(parsed["client"], None)
        forwarded = self._forwarded.rows(parsed["forwarded"], None)
        routes = self._routes.combinations(clients, forwarded)
        return self._visitors.combinations(
            np.array(self._routes.made, np.int32)[routes],
            agents,
            self._cookies.rows(parsed["cookie"], None),
            parsed["at"].to_numpy().astype("M8[h]").astype(np.int32),
            parsed["opt_out"].to_numpy().astype(np.int32),
        )

    def table(self) -> pd.DataFrame:
        """One row for each visitor and hour, in the order of their codes.

        Two rows may share an id and an hour: those of a cookie that came from two addresses.
        """
        codes = np.array(self._visitors.ordered, np.int32).reshape(-1, 5)
        addresses, agents, _, hours, opted_out = codes.T
        now, before = category([*self._ids(self._keys.now)]), self._keys.before
        return pd.DataFrame(
            {
                "site": category([self._rules.site]).take(np.zeros(len(codes), np.int8)),
                "visitor_id": now,
                "carried_as": category([*self._ids(before)]) if before else now,
                "visitor_hour": hours,
                **taken(table(Device, self._agents.made), agents),
                **self._places(addresses, opted_out),
                "opted_out": opted_out.astype(np.bool_),
                **self._verdict_columns(addresses, agents),
            }
        )

    def _ids(self, key: bytes) -> Iterator[str]:
        """Every visitor's id under a key; of those who asked not to be tracked, under the hour's own.

        Their hour is in it, so that nobody is followed from one hour to the next. Texts are put
        into the form that is hashed once each.
        """
        site = hashed_form(self._rules.site)
        hosts = [*map(hashed_form, self._addresses.ordered)]
        agents = [*map(hashed_form, self._agents.ordered)]
        for address, agent, cookie, hour, opted_out in self._visitors.ordered:
            used = key
            origin = hosts[address] + agents[agent]
            if opted_out:
                origin, used = origin + hashed_form(str(hour)), self._keys.now
            elif named := self._cookies.ordered[cookie]:
                origin = hashed_form(named)
            yield visitor_id(site + origin, used)

    def _places(self, addresses: Codes, opted_out: Codes) -> dict[str, Any]:
        """The places of visitors; of those who asked not to be tracked the country only."""
        places = self._addresses.made
        coarse = [Place(country=place.country) for place in places] if opted_out.any() else []
        return taken(table(Place, places + coarse), addresses + len(places) * opted_out)

    def _verdict_columns(self, addresses: Codes, agents: Codes) -> dict[str, Any]:
        """Who is a machine by user agent and network."""
        if not len(self._rules.networks):
            return taken(pd.DataFrame(verdict_columns(self._verdicts)), agents)
        hosts, judge = self._addresses.ordered, self._rules.networks.verdict
        judged = (
            (hosts[address], self._verdicts[agent])
            for address, agent in zip(addresses.tolist(), agents.tolist(), strict=True)
        )
        return verdict_columns([judge(host, by) if host else by for host, by in judged])

    def _route(self, route: tuple[int, ...]) -> int:
        """The code of the address that a request came from by way of trusted proxies."""
        client, forwarded = self._clients.ordered[route[0]], self._forwarded.ordered[route[1]]
        if client is None:
            return self._addresses[None]
        return self._addresses[client_address(client, forwarded or None, self._rules.trusted)]

    def _place(self, address: str | None) -> Place:
        return self._look_ups.place(address) if address else Place()

    def _device(self, agent: str | None) -> Device:
        """One call for each distinct agent, so the lists beside the table grow with it."""
        self._verdicts.append(None if agent == NOT_LOGGED else agent_verdict(agent))
        self._is_checker.append(is_health_checker(agent or "", self._rules.kinds))
        return self._look_ups.device(agent or "")


def _itself(value: Any) -> Any:
    return value
