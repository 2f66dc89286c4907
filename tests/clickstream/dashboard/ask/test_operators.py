"""The list of operators names programs and sources that exist, each once."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files

from clickstream.clean.bots.agents import listed, scanners
from clickstream.clean.data import read_csv
from clickstream.dashboard.ask.operators import IMPOSTOR, OPERATORS, OWN, UNKNOWN


def test_each_program_is_named_in_a_verdict_and_has_one_operator() -> None:
    verdicts = [*listed(), *scanners()]
    named = {verdict.reason.removeprefix("user agent: ") for _, verdict in verdicts}
    known = {name.lower() for name in (*named, *(row["name"] for row in read_csv("ai_agents.csv")))}
    names = [name.lower() for one in OPERATORS.values() for name in one.names]
    assert [name for name in names if name not in known] == []
    assert len(set(names)) == len(names)


def test_each_source_is_known_and_has_one_operator() -> None:
    known = {row["source"] for row in read_csv("known_sites.csv")}
    sources = [source for one in OPERATORS.values() for source in one.sends]
    assert [source for source in sources if source not in known] == []
    assert len(set(sources)) == len(sources)


def test_the_list_has_its_date_and_its_sources() -> None:
    text = files("clickstream.dashboard.ask").joinpath("operators.toml").read_text()
    assert isinstance(tomllib.loads(text)["listed_on"], date)
    assert all(one.documented_at.startswith("https://") for one in OPERATORS.values())
    assert not [name for name in OPERATORS if name in (UNKNOWN, OWN) or name.startswith(IMPOSTOR)]
