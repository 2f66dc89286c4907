"""Parsed requests to labelled ones: visitor (a keyed hash), kind, acquisition, bot or person.

No row is dropped or moved. Addresses and user agents go in and do not come out. `cleaner` works
batch after batch, with a table for each thing that requests share (`targets`, `acquisition`,
`visitors`), and returns a `request_table`.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean.addresses import NetworkSet
from clickstream.clean.bots import BehaviourRules, Networks, OwnEquipment
from clickstream.clean.channels import DEFAULT_CHANNELS, ChannelRules
from clickstream.clean.cleaner import Cleaner
from clickstream.clean.pages import PageRules
from clickstream.clean.referrers import OwnDomain, infer_own_domain
from clickstream.clean.request_kinds import COUNTED_UNDER, KINDS, KindRules, balance
from clickstream.clean.request_table import COLUMNS, Requests, joined, together
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.urls import TargetRules
from clickstream.clean.visitors import VisitorKeys

__all__ = [
    "COLUMNS",
    "COUNTED_UNDER",
    "DEFAULT_CHANNELS",
    "KINDS",
    "BehaviourRules",
    "ChannelRules",
    "CleanRules",
    "Cleaner",
    "KindRules",
    "LookUps",
    "NetworkSet",
    "Networks",
    "OwnDomain",
    "OwnEquipment",
    "PageRules",
    "Requests",
    "TargetRules",
    "VisitorKeys",
    "balance",
    "clean",
    "infer_own_domain",
    "joined",
    "together",
]


def clean(parsed: pd.DataFrame, rules: CleanRules, key: bytes) -> pd.DataFrame:
    """Label the requests of one parsed frame; same rows, same order, the columns COLUMNS."""
    cleaner = Cleaner(rules, VisitorKeys(key))
    cleaner.add(pa.table({name: dictionary_encoding.to_arrow(parsed[name]) for name in parsed}))
    return cleaner.requests().frame().set_index(parsed.index)
