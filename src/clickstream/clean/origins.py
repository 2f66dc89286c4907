"""Where requests come from: the distinct clients, user agents and marks of a log."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.bots import Verdict, agent_verdict
from clickstream.clean.columns import Codes, Distinct, combined
from clickstream.clean.devices import Device
from clickstream.clean.kinds import KindRules, is_health_checker
from clickstream.clean.rules import LookUps

NOT_LOGGED = ""
"""The text of a field that the log has no place for; nobody is judged by its absence."""


class Marks(NamedTuple):
    """What tells visitors apart besides client and user agent; None where nothing is logged."""

    forwarded: str | None
    cookie: str | None
    opted_out: bool


class Agent(NamedTuple):
    """What a user agent says."""

    device: Device
    verdict: Verdict | None
    is_checker: bool


class Agents(Distinct[str | None, Agent]):
    """Every distinct user agent so far, and what each says."""

    def __init__(self, kinds: KindRules, look_ups: LookUps) -> None:
        super().__init__(self._agent)
        self._kinds, self._look_ups = kinds, look_ups

    def are_checkers(self, agents: Codes) -> npt.NDArray[np.bool_]:
        """Whether each row's user agent is a health checker's."""
        checkers = np.array([agent.is_checker for agent in self.made], np.bool_)
        rows: npt.NDArray[np.bool_] = checkers[agents]
        return rows

    def _agent(self, text: str | None) -> Agent:
        verdict = None if text == NOT_LOGGED else agent_verdict(text)
        device = self._look_ups.device(text or "")
        return Agent(device, verdict, is_health_checker(text or "", self._kinds))


class Origins:
    """Every distinct client and set of marks so far, beside the user agents."""

    def __init__(self, agents: Agents) -> None:
        self.agents = agents
        self.clients: Distinct[str | None, None] = Distinct()
        self.marks: Distinct[Marks, None] = Distinct()

    def rows(self, parsed: pd.DataFrame) -> dict[str, Codes]:
        """Each row's client, agent and marks."""
        return {
            "client": self.clients.rows(parsed["client"], None),
            "agent": self.agents.rows(parsed["user_agent"], None),
            "marks": self._marks_of(parsed),
        }

    def _marks_of(self, parsed: pd.DataFrame) -> Codes:
        """In most logs all rows have the same marks: none."""
        forwarded, cookie, opt_out = (parsed[name] for name in ("forwarded", "cookie", "opt_out"))
        rows, first = combined(forwarded.cat.codes, cookie.cat.codes, opt_out)
        columns = zip(forwarded.iloc[first], cookie.iloc[first], opt_out.iloc[first], strict=True)
        marks = (Marks(_logged(via), _logged(name), bool(wish)) for via, name, wish in columns)
        codes: Codes = self.marks.codes(marks)[rows]
        return codes


def _logged(text: Any) -> str | None:
    return text if isinstance(text, str) and text != NOT_LOGGED else None
