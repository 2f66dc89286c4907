"""Parsed requests to labelled ones: who (by keyed hash), what kind, from where, bot or person.

Nothing is thrown away here, rows and their order stay. Addresses and user agents go in and do not
come out. `cleaner` does the work, batch after batch; `requests` is what it makes.
"""

from __future__ import annotations

import pandas as pd

from clickstream.clean.bots import bot_reason
from clickstream.clean.cleaner import Cleaner, CleanRules
from clickstream.clean.kinds import KINDS, balance
from clickstream.clean.requests import COLUMNS, Requests
from clickstream.clean.visitors import VisitorKeys

__all__ = [
    "COLUMNS",
    "KINDS",
    "CleanRules",
    "Cleaner",
    "Requests",
    "VisitorKeys",
    "balance",
    "bot_reason",
    "clean",
]


def clean(parsed: pd.DataFrame, rules: CleanRules, key: bytes) -> pd.DataFrame:
    """Label the requests of one parsed frame; same rows, same order, the columns COLUMNS."""
    cleaner = Cleaner(rules, VisitorKeys(key))
    cleaner.add(parsed)
    return cleaner.requests().frame().set_index(parsed.index)
