"""The tables of client addresses, user agents, and other marks of visitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.bots import SignatureRules, Verdict, agent_verdict
from clickstream.clean.bots.verdict import MONITOR, TOOL
from clickstream.clean.devices import Device
from clickstream.clean.dictionary_columns import Codes, Distinct, Texts, combined
from clickstream.clean.request_kinds import is_health_checker
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.core import dictionary_encoding

# The verdicts on the signatures of parsed requests, as codes; most logs have no signatures.

_TEXTS = (
    "method",
    "target",
    "host",
    "user_agent",
    "referrer",
    "signature",
    "signature_input",
    "signature_agent",
)


class Signatures:
    """All distinct verdicts by signature so far; the code 0 is None, for no signed agent."""

    def __init__(self, rules: SignatureRules) -> None:
        self._rules = rules
        self._verdicts: Distinct[Verdict | None, None] = Distinct()
        self._verdicts[None]

    @property
    def verdicts(self) -> list[Verdict | None]:
        """The verdict of each code."""
        return self._verdicts.distinct

    def codes(self, parsed: pa.Table) -> Codes:
        """Return the code of the verdict on each request of a table of `parse`."""
        codes = np.zeros(len(parsed), np.int32)
        if "signature_input" in parsed.column_names:
            inputs = dictionary_encoding.combine_chunks(parsed["signature_input"])
            is_text = pc.greater(pc.binary_length(inputs.dictionary), 0)
            rows = np.flatnonzero(pc.fill_null(is_text.take(inputs.indices), False).to_numpy(False))
            if len(rows):
                signed = parsed.take(pa.array(rows))
                codes[rows] = self._verdicts.codes(_verdicts(signed, self._rules))
        return codes


def _verdicts(signed: pa.Table, rules: SignatureRules) -> Iterator[Verdict | None]:
    # They import cryptography and the parsers of signatures, which takes 0.02 s.
    from clickstream.clean.bots.signatures import SignatureVerifier
    from clickstream.clean.bots.signed_request import SignedRequest

    verifier = SignatureVerifier(rules.keys, rules.own_hosts)
    seconds = signed["at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    names = [name for name in _TEXTS if name in signed.column_names]
    texts = [[text or None for text in signed[name].to_pylist()] for name in names]
    columns = dict.fromkeys(_TEXTS)
    for at, *row in zip(seconds, *texts, strict=True):
        request = SignedRequest(at=at, **{**columns, **dict(zip(names, row, strict=True))})
        yield verifier.verdict(request)


class Marks(NamedTuple):
    """The facts that distinguish visitors besides client and user agent; None if not logged.

    `signature` is the verdict by the signature of a request, None without one.
    """

    forwarded: str | None
    cookie: str | None
    opted_out: bool
    signature: Verdict | None = None


class Agent(NamedTuple):
    """The results for one user agent: device, bot verdict, and whether it is a health checker."""

    device: Device
    verdict: Verdict | None
    is_checker: bool

    @property
    def is_tool(self) -> bool:
        """Whether it is a tool or a monitor."""
        return self.verdict is not None and self.verdict.bot_class in (TOOL, MONITOR)


class Agents(Texts[Agent]):
    """All distinct user agents so far, with the results for each."""

    def __init__(self, rules: CleanRules, look_ups: LookUps) -> None:
        self._kinds, self._own, self._look_ups = rules.kinds, rules.own_equipment, look_ups
        super().__init__(self._agent)

    def _agent(self, text: str | None) -> Agent:
        verdict = self._own.by_agent(text or "") or agent_verdict(text)
        device = self._look_ups.device(text or "")
        return Agent(device, verdict, is_health_checker(text or "", self._kinds))


class Origins:
    """All distinct clients, user agents and sets of marks so far."""

    def __init__(self, agents: Agents, rules: SignatureRules) -> None:
        self.agents = agents
        self._signatures = Signatures(rules)
        self.clients: Texts[bool] = Texts(_is_loopback)
        self.marks: Distinct[Marks, None] = Distinct()
        self._forwarded: Texts[None] = Texts()
        self._cookies: Texts[None] = Texts()

    def rows(self, parsed: pa.Table) -> dict[str, Codes]:
        """Return the codes of each request's client, user agent and marks."""
        return {
            "client": self.clients.codes(parsed["client"]),
            "agent": self.agents.codes(parsed["user_agent"]),
            "marks": self._marks_of(parsed),
        }

    def are_checkers(self, rows: Mapping[str, Codes]) -> npt.NDArray[np.bool_]:
        """Return a mask of the requests of health checkers, from the result of `rows`.

        These are known user agents, and tools and monitors that run on the server itself.
        """
        is_known = np.array([agent.is_checker for agent in self.agents.results], np.bool_)
        is_tool = np.array([agent.is_tool for agent in self.agents.results], np.bool_)
        is_here = np.array(self.clients.results, np.bool_)
        is_direct = np.array([mark.forwarded is None for mark in self.marks.distinct], np.bool_)
        of_server = is_tool[rows["agent"]] & is_here[rows["client"]] & is_direct[rows["marks"]]
        is_checker: npt.NDArray[np.bool_] = is_known[rows["agent"]] | of_server
        return is_checker

    def _marks_of(self, parsed: pa.Table) -> Codes:
        """Return the code of each request's marks; in most logs all requests have none."""
        forwarded = self._forwarded.codes(parsed["forwarded"])
        cookie = self._cookies.codes(parsed["cookie"])
        opt_out = parsed["opt_out"].to_numpy()
        signature = self._signatures.codes(parsed)
        rows, first = combined(forwarded, cookie, opt_out, signature)
        vias = self._forwarded.values.take(pa.array(forwarded[first])).to_pylist()
        names = self._cookies.values.take(pa.array(cookie[first])).to_pylist()
        verdicts = [self._signatures.verdicts[code] for code in signature[first].tolist()]
        columns = zip(vias, names, opt_out[first].tolist(), verdicts, strict=True)
        marks = (Marks(via or None, name or None, *rest) for via, name, *rest in columns)
        return self.marks.codes(marks)[rows]


def _is_loopback(client: str | None) -> bool:
    return client is not None and (client.startswith("127.") or client == "::1")
