"""The operators of machines: which programs they run, and which visits come from them.

operators.toml lists them. The SQL here has its names, so Athena gives the same answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from clickstream.core.sql_values import sql_literal

UNKNOWN = "unknown operator"
OWN = "own equipment"
IMPOSTOR = "impostor of "
"""Beginning of the operator of requests that claim to be a crawler, from other networks."""

_BY_AGENT, _CONFIRMED = "user agent: ", ", confirmed by network"
_NOT_FROM, _RANGES = "network: not from ", "'s ranges"
"""Parts of the reasons of verdicts, as `clean.bots` writes them."""

_PAID = "channel not like 'Paid%' and channel not in ('Cross-network', 'Display')"


@dataclass(frozen=True)
class Operator:
    """An operator: the names of its programs in reasons of verdicts, and the sources it sends.

    `documented_at` is its own page about its programs.
    """

    name: str
    names: tuple[str, ...]
    sends: tuple[str, ...]
    documented_at: str


def read_operators() -> list[Operator]:
    """Read operators.toml."""
    text = files("clickstream.dashboard.ask").joinpath("operators.toml").read_text("utf-8")
    return [
        Operator(row["name"], tuple(row["names"]), tuple(row["sends"]), row["documented_at"])
        for row in tomllib.loads(text)["operators"]
    ]


OPERATORS: Mapping[str, Operator] = {operator.name: operator for operator in read_operators()}
"""Each operator by its name."""


def program_of(bot_reason: str) -> str | None:
    """Return the name of the program in the reason of a verdict; None if the reason has none."""
    if not bot_reason.startswith(_BY_AGENT):
        return None
    return bot_reason.removeprefix(_BY_AGENT).removesuffix(_CONFIRMED)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(sql_literal, names))


_PROGRAM = f"lower(replace(replace(bot_reason, '{_BY_AGENT}', ''), '{_CONFIRMED}', ''))"
_CLAIMED = f"replace(replace(bot_reason, '{_NOT_FROM}', ''), {sql_literal(_RANGES)}, '')"


def _cases_of_operators() -> Iterator[str]:
    yield f"when bot_class = '{OWN}' then '{OWN}'"
    yield f"when bot_reason like '{_NOT_FROM}%' then '{IMPOSTOR}' || {_CLAIMED}"
    for operator in OPERATORS.values():
        names = _listed(name.lower() for name in operator.names)
        yield f"when {_PROGRAM} in ({names}) then {sql_literal(operator.name)}"


def _cases_of_senders() -> Iterator[str]:
    for operator in OPERATORS.values():
        if operator.sends:
            yield f"when source in ({_listed(operator.sends)}) then {sql_literal(operator.name)}"


OPERATOR_SQL = (
    "case\n    " + "\n    ".join([*_cases_of_operators(), f"else '{UNKNOWN}'"]) + "\n  end"
)
"""SQL for the operator of a row of bot_facts or bot_page_facts."""

SENDER_SQL = (
    f"case when {_PAID} then case\n    " + "\n    ".join(_cases_of_senders()) + "\n  end end"
)
"""SQL for the operator that sent a visit, without advertisements; null if no operator did."""

CONFIRMED_SQL = f"coalesce(sum(requests) filter (where bot_reason like '%{_CONFIRMED}'), 0)"
"""SQL for the requests that come from a network of the crawler that they claim to be."""
