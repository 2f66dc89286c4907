"""Lists of networks: what they prove, whom they expose, and the search among them."""

from __future__ import annotations

import ipaddress
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean.bots import Networks, Verdict, agent_verdict
from clickstream.core.errors import InputError

GOOGLEBOT = agent_verdict(
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
GOOGLE_JSON = json.dumps(
    {
        "creationTime": "2026-11-20T15:00:00",
        "prefixes": [{"ipv4Prefix": "192.0.2.0/27"}, {"ipv6Prefix": "2001:db8:1::/64"}],
    }
)
GOOGLE = Networks.parse("Googlebot", "crawler", GOOGLE_JSON)
DATACENTER = Networks.parse("a cloud", "datacenter", "198.51.100.0/24\n2001:db8::/32\n")


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "192.0.2.31", "2001:db8:1::5", "::ffff:192.0.2.1"]
)
def test_a_crawler_in_its_ranges_is_confirmed(address: str) -> None:
    assert GOOGLE.verdict(address, GOOGLEBOT) == Verdict(
        "search engine", "user agent: Googlebot, confirmed by network"
    )


@pytest.mark.parametrize(
    "address", ["192.0.2.32", "192.0.1.255", "2001:db8:2::5", "10.0.0.1", "::"]
)
def test_a_crawler_outside_its_ranges_is_an_impostor(address: str) -> None:
    assert GOOGLE.verdict(address, GOOGLEBOT) == Verdict(
        "scanner", "network: not from Googlebot's ranges"
    )


def test_a_crawler_is_judged_by_the_list_of_its_name_only() -> None:
    image = Verdict("search engine", "user agent: Googlebot-Image")
    alike = Verdict("other", "user agent: Googlebotany")
    curl = agent_verdict("curl/8.5.0")
    assert GOOGLE.verdict("192.0.2.1", image) is not image
    for other in (alike, curl, agent_verdict("DuckDuckBot/1.1")):
        assert GOOGLE.verdict("10.0.0.1", other) is other
        assert GOOGLE.verdict("192.0.2.1", other) is other


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8:ffff::1", "::ffff:198.51.100.7"])
def test_nobody_browses_from_a_datacenter(address: str) -> None:
    assert DATACENTER.verdict(address, None) == Verdict("other", "network: a cloud")
    assert DATACENTER.verdict(address, GOOGLEBOT) is GOOGLEBOT


def test_the_longest_prefix_wins() -> None:
    relay = Networks.parse("relay", "people", "198.51.100.64/26,US,US-CA,\n")
    inner = Networks.parse("inner", "datacenter", "198.51.100.64/28")
    lists = inner | DATACENTER | relay
    assert len(lists) == 4
    assert lists.verdict("198.51.100.200", None) == Verdict("other", "network: a cloud")
    assert lists.verdict("198.51.100.100", None) is None
    assert lists.verdict("198.51.100.70", None) == Verdict("other", "network: inner")


def test_of_one_network_on_two_lists_people_win() -> None:
    both = DATACENTER | Networks.parse("relay", "people", "198.51.100.0/24")
    assert both.verdict("198.51.100.7", None) is None


@pytest.mark.parametrize("address", ["198.51.100.0", "198.51.100.255"])
def test_a_crawlers_range_in_a_datacenter_stays_in_it(address: str) -> None:
    lists = DATACENTER | Networks.parse("Googlebot", "crawler", address)
    assert lists.verdict(address, None) == Verdict("other", "network: a cloud")
    assert lists.verdict(address, GOOGLEBOT) is not GOOGLEBOT


def test_a_crawlers_range_makes_no_person_a_bot() -> None:
    assert GOOGLE.verdict("192.0.2.1", None) is None


def test_a_line_may_have_a_name_and_a_remark() -> None:
    text = "\n# ours\n192.0.2.0/24  bingbot   # by post\n203.0.113.9\n"
    lists = Networks.parse("cloud", "datacenter", text)
    assert lists.verdict("192.0.2.3", None) == Verdict("other", "network: bingbot")
    assert lists.verdict("203.0.113.9", None) == Verdict("other", "network: cloud")
    assert lists.verdict("203.0.113.8", None) is None


def test_a_list_in_the_json_of_amazon_is_read() -> None:
    ranges = {
        "prefixes": [{"ip_prefix": "203.0.113.0/24", "region": "x"}],
        "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/40", "region": "x"}],
    }
    lists = Networks.parse("aws", "datacenter", json.dumps(ranges))
    verdict = Verdict("other", "network: aws")
    assert [lists.verdict(a, None) for a in ("203.0.113.1", "2001:db8::1")] == [verdict] * 2


@pytest.mark.parametrize("address", ["", "-", "client.example", "300.1.1.1"])
def test_what_is_no_address_changes_nothing(address: str) -> None:
    assert (GOOGLE | DATACENTER).verdict(address, GOOGLEBOT) is GOOGLEBOT
    assert (GOOGLE | DATACENTER).verdict(address, None) is None


def test_without_lists_the_agent_decides() -> None:
    assert Networks().verdict("192.0.2.1", GOOGLEBOT) is GOOGLEBOT
    assert Networks().verdict("192.0.2.1", None) is None


@pytest.mark.parametrize(
    ("role", "text", "error"),
    [
        ("friend", "192.0.2.0/24", "List x: unknown role 'friend'; use one of crawler, datacenter"),
        ("crawler", "192.0.2.0/24\nnonsense 3", "List x, line 2: 'nonsense' does not appear to be"),
        ("crawler", "192.0.2.1/24", "List x, line 1: 192.0.2.1/24 has host bits set"),
        ("crawler", '{"prefixes": [', "List x is not valid JSON"),
        ("crawler", '{"values": []}', 'List x has no "prefixes"'),
        ("crawler", '{"prefixes": 3}', "List x, entry 1 has no network"),
        ("crawler", '{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {}]}', "entry 2 has no network"),
        (
            "crawler",
            '{"prefixes": [{"ipv4Prefix": "192.0.2/24"}]}',
            "List x, entry 1: '192.0.2/24'",
        ),
    ],
)
def test_errors_name_list_and_line(role: str, text: str, error: str) -> None:
    with pytest.raises(InputError) as raised:
        Networks.parse("x", role, text)
    assert error in str(raised.value)


networks = st.one_of(
    st.builds(
        lambda number, bits: ipaddress.ip_network((number, bits), strict=False),
        st.integers(0xC0000000, 0xC00000FF),
        st.integers(20, 32),
    ),
    st.builds(
        lambda number, bits: ipaddress.ip_network((number << 64, bits), strict=False),
        st.integers(0x20010DB800000000, 0x20010DB8000000FF),
        st.integers(50, 66),
    ),
)
addresses = st.one_of(
    st.integers(0xBFFFFFF0, 0xC000010F).map(ipaddress.ip_address),
    st.integers(0x20010DB7FFFFFFFF, 0x20010DB80000010F).map(
        lambda half: ipaddress.ip_address(half << 64 | 1)
    ),
)


@given(st.dictionaries(networks, st.sampled_from(["datacenter", "people"])), addresses)
def test_the_search_finds_what_looking_at_every_network_finds(
    roles: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, str],
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    lists = Networks()
    for network, role in roles.items():
        lists |= Networks.parse(str(network), role, str(network))
    holders = [n for n in roles if n.version == address.version and address in n]
    innermost = max(holders, key=lambda n: n.prefixlen, default=None)
    is_bot = innermost is not None and roles[innermost] == "datacenter"
    expected = Verdict("other", f"network: {innermost}") if is_bot else None
    assert lists.verdict(str(address), None) == expected
