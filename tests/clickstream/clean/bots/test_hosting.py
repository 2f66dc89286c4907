"""Hosting networks: which browsers they make bots, and what takes precedence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from tests.clickstream.clean.builders import BROWSER, KEY, line, requests, table

from clickstream.clean import Cleaner, CleanRules, LookUps, Networks, VisitorKeys
from clickstream.clean.bots.networks import HOSTING_VERDICTS
from clickstream.clean.data import read_csv
from clickstream.clean.devices import device_of
from clickstream.settings import Settings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules

AMAZON, CLOUDFLARE = 16509, 13335
ASNS = {"192.0.2.1": AMAZON, "192.0.2.2": AMAZON, "2001:db8::1": AMAZON, "192.0.2.9": CLOUDFLARE}
RULES = CleanRules("cafe", hosting=HOSTING_VERDICTS)
REASON = "network: hosting, Amazon (AS16509)"
APPLEBOT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"
)
PETALBOT = (
    "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile "
    "Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)"
)
SILK = (
    "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Silk/142.3.7 like Chrome/142.0.7444.60 Safari/537.36"
)


def asns(addresses: Sequence[str | None]) -> npt.NDArray[np.int64]:
    return np.array([ASNS.get(one or "", 0) for one in addresses], np.int64)


def labelled(*lines: str, rules: CleanRules = RULES, **columns: Any) -> pd.DataFrame:
    cleaner = Cleaner(rules, VisitorKeys(KEY), LookUps(asns=asns))
    cleaner.add(table(requests(*lines).assign(**columns)))
    return cleaner.requests().frame()


def reason_of(client: str, agent: str = BROWSER, rules: CleanRules = RULES) -> str | None:
    (reason,) = labelled(line(client=client, agent=agent), rules=rules)["bot_reason"]
    return None if pd.isna(reason) else reason


def test_a_browser_from_a_hosting_network_is_a_bot() -> None:
    found = labelled(*(line(client=client) for client in (*ASNS, "192.0.2.77", "host.example")))
    assert found["bot_reason"].notna().tolist() == [True, True, True, False, False, False]
    assert set(found["bot_reason"][:3]) == {REASON}
    assert set(found["bot_class"][:3]) == {"other"}


def test_a_named_crawler_keeps_its_class() -> None:
    found = labelled(
        line(client="192.0.2.1", agent=APPLEBOT), line(client="192.0.2.1", agent=PETALBOT)
    )
    assert found["bot_class"].tolist() == ["search engine"] * 2
    assert found["bot_reason"].tolist() == ["user agent: Applebot", "user agent: PetalBot"]


def test_a_browser_that_loads_pages_through_its_maker_is_a_persons() -> None:
    assert reason_of("192.0.2.1", SILK) is None
    assert device_of(SILK).browser == "Amazon Silk"


@pytest.mark.parametrize(
    ("role", "networks", "reason"),
    [
        ("people", "192.0.2.1", None),
        ("people", "192.0.2.0/24", None),
        ("people", "192.0.2.2", REASON),
        ("datacenter", "192.0.2.0/24 ours", "network: ours"),
        ("crawler", "192.0.2.0/24", REASON),
    ],
)
def test_lists_of_the_settings_take_precedence(
    role: str, networks: str, reason: str | None
) -> None:
    rules = CleanRules(
        "cafe", hosting=HOSTING_VERDICTS, networks=Networks.parse("list", role, networks)
    )
    assert reason_of("192.0.2.1", rules=rules) == reason


def test_the_setting_switches_the_list_off_and_own_equipment_outranks_it() -> None:
    off = clean_rules(Settings(bots=BotSettings(hosting=False)))
    assert reason_of("192.0.2.1", rules=off) is None
    own = clean_rules(Settings(bots=BotSettings(own_networks=("192.0.2.1",))))
    assert reason_of("192.0.2.1", rules=own) == "network: own equipment"
    assert reason_of("192.0.2.2", rules=own) == REASON


def test_visitors_of_one_operator_share_its_id_unless_they_opted_out() -> None:
    found = labelled(*(line(client=client) for client in (*ASNS, "192.0.2.77")))["operator_id"]
    assert found[:3].nunique() == 1
    assert found[3] != found[0]
    assert found.isna().tolist() == [False] * 4 + [True]
    assert labelled(line(client="192.0.2.1"), opt_out=True)["operator_id"].isna().all()


def test_no_network_of_people_is_hosting() -> None:
    rows = [*read_csv("hosting_networks.csv")]
    roles = {"hosting", "relay", "vpn", "gateway", "cdn", "mixed", "isp", "satellite"}
    assert {row["role"] for row in rows} == roles
    assert len({row["asn"] for row in rows}) == len(rows), "each system has one role"
    mixed = {"Google", "Microsoft", "Apple", "Cloudflare"}
    assert mixed.isdisjoint(row["name"] for row in rows if row["role"] == "hosting")
    assert 60 <= len(HOSTING_VERDICTS) <= 150
