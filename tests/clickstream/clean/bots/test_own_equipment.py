"""The site's own equipment counts under bots, and the line balance closes as before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import BROWSER, KEY, line, requests, table

from clickstream.clean import Cleaner, CleanRules, Networks, VisitorKeys
from clickstream.clean.bots import OWN_EQUIPMENT
from clickstream.clean.request_kinds import balance
from clickstream.core.errors import SettingsError
from clickstream.settings import Settings
from clickstream.settings.labels import BotSettings, CleanSettings
from clickstream.step_config import clean_rules

TABLET = f"{BROWSER} MenuTablet/2.1"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BOTS = BotSettings(
    own_networks=("192.0.2.64/26", "2001:db8:7::/48"), own_user_agents=("menutablet",)
)
OWN = clean_rules(Settings(bots=BOTS))
OTHERS = clean_rules(Settings())


def reasons(*lines: str, rules: CleanRules = OWN) -> list[str | None]:
    cleaner = Cleaner(rules, VisitorKeys(KEY))
    cleaner.add(table(requests(*lines)))
    rows = cleaner.requests().frame()
    assert ((rows["bot_class"] == OWN_EQUIPMENT) <= rows["is_bot"]).all()
    is_own = (rows["bot_class"] == OWN_EQUIPMENT).tolist()
    return [reason if own else None for reason, own in zip(rows["bot_reason"], is_own, strict=True)]


def test_own_networks_and_own_agents_in_any_case() -> None:
    found = reasons(
        line(client="192.0.2.70"),
        line(client="192.0.2.7"),
        line(client="2001:db8:7::1"),
        line(agent=TABLET),
        line(agent=TABLET.upper(), client="192.0.2.70"),
        line(agent=GOOGLEBOT, client="192.0.2.70"),
        line(agent="-"),
    )
    by_network, by_agent = "network: own equipment", "user agent: own equipment, menutablet"
    expected = [by_network, None, by_network, by_agent, by_agent, by_network, None]
    assert found == expected


def test_the_address_behind_a_trusted_proxy_counts() -> None:
    rules = clean_rules(Settings(bots=BOTS, clean=CleanSettings(trusted_proxies=("10.0.0.0/8",))))
    parsed = requests(line(client="10.0.0.1"))
    parsed["forwarded"] = parsed["forwarded"].astype("str").astype("category")
    parsed["forwarded"] = parsed["forwarded"].cat.rename_categories(["192.0.2.70"])
    cleaner = Cleaner(rules, VisitorKeys(KEY))
    cleaner.add(table(parsed))
    assert cleaner.requests().frame()["bot_class"].tolist() == [OWN_EQUIPMENT]


def test_own_equipment_outranks_lists_of_networks() -> None:
    lists = Networks.parse("cloud", "datacenter", "192.0.2.0/24")
    rules = CleanRules("cafe", networks=lists, own_equipment=OWN.own_equipment)
    assert reasons(line(client="192.0.2.70"), rules=rules) == ["network: own equipment"]
    assert reasons(line(client="192.0.2.7"), rules=rules) == [None]


requested = st.builds(
    line,
    st.sampled_from(["/", "/menu", "/style.css", "/.env", "/health"]),
    client=st.sampled_from(["192.0.2.7", "192.0.2.70"]),
    agent=st.sampled_from([BROWSER, TABLET, GOOGLEBOT]),
    status=st.sampled_from([200, 301, 404, 500]),
)


@given(st.lists(requested, min_size=1, max_size=12))
def test_the_balance_closes_and_only_bots_grow(lines: list[str]) -> None:
    def counted(rules: CleanRules) -> dict[str, int]:
        cleaner = Cleaner(rules, VisitorKeys(KEY))
        cleaner.add(table(requests(*lines)))
        found = cleaner.requests()
        rows = found.frame()
        codes = rows["kind"].cat.codes.to_numpy()
        assert found.balance() == balance(found.columns["kind"], rows["is_bot"].to_numpy())
        assert len(codes) == len(lines)
        return found.balance()

    own, others = counted(OWN), counted(OTHERS)
    assert sum(own.values()) == sum(others.values()) == len(lines)
    assert own["assets"] == others["assets"]
    assert all(own[name] <= others[name] for name in own if name != "bots")


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="not a network"):
        clean_rules(Settings(bots=BotSettings(own_networks=("tablets",))))


def test_an_empty_part_of_an_agent_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 character"):
        BotSettings(own_user_agents=("",))


def test_what_is_own_shapes_results() -> None:
    assert Settings(bots=BOTS).result_digest() != Settings().result_digest()
