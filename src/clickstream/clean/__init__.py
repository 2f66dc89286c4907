"""Label parsed requests: add visitor id, kind, source and channel, and bot verdict.

`pipeline` and `logs` call `Cleaner`. The number and the order of the rows do not change. The
input has client addresses and user agents; the output has neither. `cleaner` processes requests
in batches. Targets, arrivals and visitors, which many requests share, are stored once, in tables
(`targets`, `acquisition`, `visitors`). The result is the `RequestTable` of `request_table`.
"""

import pandas as pd
import pyarrow as pa

from clickstream.clean.bots import BehaviourRules, Networks
from clickstream.clean.channels import ChannelRules
from clickstream.clean.cleaner import Cleaner
from clickstream.clean.pages import PageRules
from clickstream.clean.request_kinds import KindRules
from clickstream.clean.request_table import RequestTable, joined, together
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.urls import TargetRules
from clickstream.clean.visitors import VisitorKeys
from clickstream.core import dictionary_encoding
from clickstream.core.networks import NetworkSet

__all__ = [
    "BehaviourRules",
    "ChannelRules",
    "CleanRules",
    "Cleaner",
    "KindRules",
    "LookUps",
    "NetworkSet",
    "Networks",
    "PageRules",
    "RequestTable",
    "TargetRules",
    "VisitorKeys",
    "clean",
    "joined",
    "together",
]


def clean(parsed: pd.DataFrame, rules: CleanRules, key: bytes) -> pd.DataFrame:
    """Label the requests of a parsed frame. Returns the same rows with the columns COLUMNS."""
    cleaner = Cleaner(rules, VisitorKeys(key))
    cleaner.add(pa.table({name: dictionary_encoding.to_arrow(parsed[name]) for name in parsed}))
    return cleaner.requests().frame().set_index(parsed.index)
