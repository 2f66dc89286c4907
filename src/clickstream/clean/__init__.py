"""Label parsed requests: add visitor id, kind, source and channel, and bot verdict.

`pipeline` and `report` call `Cleaner`. The number and the order of the rows do not change. The
input has client addresses and user agents; the output has neither. `cleaner` processes requests
in batches. Targets, arrivals and visitors, which many requests share, are stored once, in tables
(`targets`, `acquisition`, `visitors`). The result is the `RequestTable` of `request_table`.
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
from clickstream.clean.request_table import COLUMNS, RequestTable, joined, together
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
    "RequestTable",
    "TargetRules",
    "VisitorKeys",
    "balance",
    "clean",
    "infer_own_domain",
    "joined",
    "together",
]


def clean(parsed: pd.DataFrame, rules: CleanRules, key: bytes) -> pd.DataFrame:
    """Label the requests of a parsed frame. Returns the same rows with the columns COLUMNS."""
    cleaner = Cleaner(rules, VisitorKeys(key))
    cleaner.add(pa.table({name: dictionary_encoding.to_arrow(parsed[name]) for name in parsed}))
    return cleaner.requests().frame().set_index(parsed.index)
