"""The table of visitors: a pseudonym for each, with device, place, and whether it is a machine.

Visitors are told apart by address and user agent, or by the site's own cookie where the log has
one. Who asked not to be tracked (Sec-GPC, DNT) is known within one hour only, since the hour is
part of what is hashed then, and of their place only the country is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.addresses import client_address
from clickstream.clean.bots import Verdict, agent_verdict
from clickstream.clean.columns import Codes, Distinct, category, table, taken
from clickstream.clean.devices import Device
from clickstream.clean.kinds import is_health_checker
from clickstream.clean.places import Place, place_of
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.visitor_ids import VisitorKeys, visitor_id

NOT_LOGGED = ""
"""The text of a field that the log has no place for; nobody is judged by its absence."""

VISITOR_COLUMNS = (
    *("site", "visitor_id", "carried_as", *(field.name for field in fields(Device))),
    *(*(field.name for field in fields(Place)), "opted_out", "is_bot", "bot_class", "bot_reason"),
)
"""The columns of the table of visitors."""


@dataclass(frozen=True)
class _Visitor:
    """A visitor; `address` and `agent` are codes."""

    visitor_id: str
    carried_as: str
    hour: int
    address: int
    agent: int
    verdict: Verdict | None
    opted_out: bool


class Visitors:
    """Every distinct visitor of each hour so far: verdicts hold for an hour."""

    def __init__(self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps) -> None:
        self._rules, self._keys, self._look_ups = rules, keys, look_ups
        self._clients: Distinct[str | None, str | None] = Distinct(_itself)
        self._forwarded: Distinct[str | None, str | None] = Distinct(_itself)
        self._routes: Distinct[tuple[int, int], int] = Distinct(self._route)
        self._addresses: Distinct[str | None, Place] = Distinct(self._place)
        self._agents: Distinct[str | None, Device] = Distinct(self._device)
        self._verdicts: list[Verdict | None] = []
        self._is_checker: list[bool] = []
        self._cookies: Distinct[str | None, str | None] = Distinct(_itself)
        self._origins: Distinct[tuple[int, int], tuple[int, int]] = Distinct(_itself)
        self._marks: Distinct[tuple[int, int], tuple[int, int]] = Distinct(_itself)
        self._visitors: Distinct[tuple[int, int], _Visitor] = Distinct(self._visitor)

    def rows(self, parsed: pd.DataFrame, agents: Codes) -> Codes:
        """Each row's visitor; `agents` are the rows' user agents, see `agents`."""
        clients = self._clients.rows(parsed["client"], None)
        routes = self._routes.pairs(clients, self._forwarded.rows(parsed["forwarded"], None))
        addresses = np.array(self._routes.made, np.int32)[routes]
        origins = self._origins.pairs(addresses, agents)
        hours = parsed["at"].to_numpy().astype("M8[h]").astype(np.int32)
        wishes = hours * 2 + parsed["opt_out"].to_numpy()
        marks = self._marks.pairs(self._cookies.rows(parsed["cookie"], None), wishes)
        return self._visitors.pairs(origins, marks)

    def agents(self, user_agent: pd.Series) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Each row's user agent, and whether it is a health checker's."""
        agents = self._agents.rows(user_agent, None)
        return agents, np.array(self._is_checker, np.bool_)[agents]

    def table(self) -> pd.DataFrame:
        """One row for each visitor and hour, in the order of their codes.

        Two rows may share an id and an hour: those of a cookie that came from two addresses.
        """
        made = self._visitors.made
        agents = np.array([visitor.agent for visitor in made], np.int32)
        return pd.DataFrame(
            {
                "site": category([self._rules.site] * len(made)),
                "visitor_id": category([visitor.visitor_id for visitor in made]),
                "carried_as": category([visitor.carried_as for visitor in made]),
                "visitor_hour": np.array([visitor.hour for visitor in made], np.int32),
                **taken(table(Device, self._agents.made), agents),
                **self._places(),
                "opted_out": np.array([visitor.opted_out for visitor in made], np.bool_),
                **verdict_columns([visitor.verdict for visitor in made]),
            }
        )

    def _places(self) -> dict[str, Any]:
        """The places of visitors; of those who asked not to be tracked the country only."""
        places = self._addresses.made
        coarse = [replace(place_of(None), country=place.country) for place in places]
        rows = [v.address + len(places) * v.opted_out for v in self._visitors.made]
        return taken(table(Place, places + coarse), np.array(rows, np.int32))

    def _route(self, route: tuple[int, int]) -> int:
        """The code of the address that a request came from by way of trusted proxies."""
        client, forwarded = self._clients.values[route[0]], self._forwarded.values[route[1]]
        if client is None:
            return self._addresses[None]
        return self._addresses[client_address(client, forwarded or None, self._rules.trusted)]

    def _place(self, address: str | None) -> Place:
        return self._look_ups.place(address) if address else place_of(None)

    def _device(self, agent: str | None) -> Device:
        """One call for each distinct agent, so the lists beside the table grow with it."""
        self._verdicts.append(None if agent == NOT_LOGGED else agent_verdict(agent))
        self._is_checker.append(is_health_checker(agent or "", self._rules.kinds))
        return self._look_ups.device(agent or "")

    def _visitor(self, key: tuple[int, int]) -> _Visitor:
        (address, agent), (cookie, wish) = self._origins.made[key[0]], self._marks.made[key[1]]
        hour, opted_out = divmod(wish, 2)
        host, verdict = self._addresses.values[address], self._verdicts[agent]
        who = _identity(host, self._agents.values[agent], self._cookies.values[cookie])
        fields = (self._rules.site, *who, *([str(hour)] if opted_out else []))
        now, before = self._keys.now, self._keys.before
        known_as = visitor_id(fields, now)
        carried_as = visitor_id(fields, before) if before and not opted_out else known_as
        if host:
            verdict = self._rules.networks.verdict(host, verdict)
        return _Visitor(known_as, carried_as, hour, address, agent, verdict, bool(opted_out))


def _identity(
    host: str | None, agent: str | None, cookie: str | None
) -> tuple[str | None, ...]:
    """What visitors are told apart by. Lists of different lengths never make the same id."""
    return (cookie, "by cookie", None, None) if cookie else (host, agent)


def verdict_columns(verdicts: list[Verdict | None]) -> dict[str, Any]:
    """The columns is_bot, bot_class and bot_reason of visitors with these verdicts."""
    return {
        "is_bot": np.array([verdict is not None for verdict in verdicts], np.bool_),
        "bot_class": category([verdict and verdict.bot_class for verdict in verdicts]),
        "bot_reason": category([verdict and verdict.reason for verdict in verdicts]),
    }


def _itself(value: Any) -> Any:
    return value
