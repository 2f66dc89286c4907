"""What must hold of `clean` and of what it is made of, whatever a log holds."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pandas as pd
import pyarrow as pa

from clickstream.clean import (
    ChannelRules,
    Cleaner,
    CleanRules,
    Networks,
    NetworkSet,
    PageRules,
    TargetRules,
    VisitorKeys,
)
from clickstream.clean.bots import agent_verdict, is_scanner_path
from clickstream.clean.bots.verdict import BOT_CLASSES
from clickstream.clean.channels import DEFAULT_CHANNELS, arrival
from clickstream.clean.devices import DEVICES, device_of
from clickstream.clean.pages import page_name
from clickstream.clean.places import NOWHERE, PRIVATE, place_at
from clickstream.clean.referrers import named_source, referrer_of
from clickstream.clean.request_kinds import PATH_KINDS, KindRules, path_kind
from clickstream.clean.request_table import COLUMNS
from clickstream.clean.urls import split_target
from clickstream.core.errors import InputError, SettingsError
from clickstream.core.networks import address_in, client_address
from clickstream.parse.frames import Parsed, escape, unescape

DOMAINS = ("cafe.example",)
NETWORKS = Networks.parse("Googlebot", "crawler", "192.0.2.0/28") | Networks.parse(
    "hosting", "datacenter", "198.51.100.0/24\n2001:db8::/32"
)
TRUSTED = NetworkSet.of(("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"))
TARGETS = TargetRules(frozenset({"q", "page", "item"}), PageRules(fold_case=True))
RULES = (
    CleanRules("cafe"),
    CleanRules("cafe", DOMAINS, TARGETS, trusted=TRUSTED, networks=NETWORKS),
)


def check_cleaning(parsed: Parsed, rules: CleanRules) -> None:
    """Every request is labelled, in its place, and counted once; and Parquet can hold it all."""
    cleaner = Cleaner(rules, VisitorKeys(bytes(32), bytes(31) + b"1"))
    cleaner.add(parsed.table, "raw/a")
    cleaner.referrers_of_assets()
    requests = cleaner.requests()
    frame = requests.frame()
    assert sum(requests.balance().values()) == len(frame) == len(parsed.requests)
    assert tuple(frame.columns) == COLUMNS
    for name in ("kind", "site", "visitor_id", "carried_as", "raw_object", "device"):
        assert frame[name].notna().all()
    assert (frame["line_number"].to_numpy() == parsed.requests["line_number"].to_numpy()).all()
    assert (frame["hit_at"].to_numpy() == parsed.requests["at"].to_numpy()).all()
    assert (frame["is_bot"] == frame["bot_reason"].notna()).all()
    assert frame["path"].notna().to_numpy().tolist() == _is_http(parsed.requests)
    pa.Table.from_pandas(frame).validate(full=True)


def _is_http(requests: pd.DataFrame) -> list[bool]:
    return [*(requests["method"].notna() & requests["target"].notna())]


def check_values(data: bytes) -> None:
    """The functions that a text of a log is given to, by itself or, split, as two."""
    assert unescape(escape(data)) == data
    text = data.decode("utf-8", "backslashreplace")
    first, _, second = text.partition("\n")
    _check_target(first)
    _check_referrer(first, second)
    _check_client(first, second)
    _check_agent(text)
    _check_settings(text)


def _check_target(text: str) -> None:
    for rules in (TargetRules(), TARGETS):
        target = split_target(text, rules)
        for part in target:
            (part or "").encode()
        assert page_name(target.page, rules.pages) == target.page
        assert path_kind(target.path, KindRules()) in (None, *PATH_KINDS)
    is_scanner_path(text)


def _check_referrer(text: str, other: str) -> None:
    referrer = referrer_of(text, DOMAINS)
    assert referrer is None or referrer.domain
    named_source(text)
    arrival(referrer, split_target(other, TARGETS), DEFAULT_CHANNELS)


def _check_client(text: str, forwarded: str) -> None:
    for trusted in (TRUSTED, NetworkSet.of(("0.0.0.0/0", "::/0"))):
        client = client_address(text, forwarded, trusted)
        assert client == text or str(ip_address(client)) == client == address_in(client)
        place = place_at(client, lambda _address: None)
        assert place == NOWHERE or place.network == PRIVATE
        NETWORKS.verdict(client, None)


def _check_agent(text: str) -> None:
    verdict = agent_verdict(text)
    assert verdict is None or verdict.bot_class in BOT_CLASSES
    assert device_of(text).device in DEVICES


def _check_settings(text: str) -> None:
    """What people write is refused in our own words."""
    for read in (
        unescape,
        ChannelRules.parse,
        lambda one: NetworkSet.of((one,)),
        lambda one: Networks.parse("list", "datacenter", one),
        lambda one: PageRules(replacements=((one, ""),)),
    ):
        with suppress(InputError, SettingsError):
            read(text)
