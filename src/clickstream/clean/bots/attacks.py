"""Attacks in user agents, and scanners by their names: what both data files say, as verdicts.

An attack is a program's work whatever the agent calls itself, so it is looked for first.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from clickstream.clean.bots.verdict import SCANNER, Verdict

_DATA = files("clickstream.clean.bots")


def attacks() -> Iterator[tuple[str, Verdict]]:
    """The patterns of attacks.toml (RE2 syntax, without case), each with its verdict."""
    table = tomllib.loads(_DATA.joinpath("attacks.toml").read_text(encoding="utf-8"))
    for family in table["attacks"]:
        verdict = Verdict(SCANNER, f"user agent: {family['sign']}")
        yield from ((f"(?i:{pattern})", verdict) for pattern in family["patterns"])


def scanners() -> Iterator[tuple[str, Verdict]]:
    """The names of scanners.csv, as patterns that match whole words without case."""
    text = _DATA.joinpath("scanners.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        name = row["name"]
        yield rf"(?i:\b{re.escape(name)}\b)", Verdict(SCANNER, f"user agent: {name}")
