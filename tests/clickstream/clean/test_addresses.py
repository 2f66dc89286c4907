"""The client's address: proxies are believed, clients are not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.clean.visitors import PREFIX_IPV4, PREFIX_IPV6, network_of
from clickstream.core.errors import SettingsError
from clickstream.core.networks import NetworkSet, address_in, are_addresses, client_address

NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.0.2.7", "2001:db8::/32")
TRUSTED = NetworkSet.of(NETWORKS)
NOBODY = NetworkSet.of(())

ADDRESSES = st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None))
PROXIES = (
    st.ip_addresses(network="10.0.0.0/8")
    | st.ip_addresses(network="172.16.0.0/12")
    | st.ip_addresses(network="2001:db8::/32")
)
STRANGERS = ADDRESSES.filter(
    lambda address: not any(address in ip_network(network) for network in NETWORKS)
)


def spellings(address: IPv4Address | IPv6Address) -> list[str]:
    """How proxies write one address."""
    if isinstance(address, IPv4Address):
        mapped = f"::ffff:{address}"
        plain = [f"{address}", f"{address}:5678", mapped, f"[{mapped}]:80"]
    else:
        long = address.exploded.upper()
        plain = [f"{address}", long, f"{address}%eth0", f"[{address}]", f"[{long}%25en1]:4711"]
    quoted = [f'for="{text}"' for text in plain]
    return [*plain, *quoted, f'by=_x;For="{plain[0]}" ; proto=https', f"for={plain[0]}"]


def spelled(addresses: st.SearchStrategy[IPv4Address | IPv6Address]) -> st.SearchStrategy[str]:
    return addresses.flatmap(lambda address: st.sampled_from(spellings(address)))


SPACES = st.sampled_from([",", ", ", " , ", ",,", ",\t"])


@many_examples
@given(address=ADDRESSES, data=st.data())
def test_every_spelling_of_an_address_becomes_one_text(
    address: IPv4Address | IPv6Address, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from([t for t in spellings(address) if "=" not in t]))
    assert address_in(text) == str(address)


@many_examples
@given(st.text() | st.from_regex(r"[0-9a-f:.%\[\]_-]{1,40}"))
@example("1.2.3.256")
@example("010.1.1.1")
@example("1.2.3.4:")
@example("1.2.3.4 ")
@example("[1.2.3.4")
@example("١.2.3.4")
@example("::1::")
def test_what_is_read_as_an_address_is_one(text: str) -> None:
    address = address_in(text)
    assert address is None or str(ip_address(address)) == address


HEXTETS = st.sampled_from(["0", "0", "1", "a0", "ffff", "00", "0db8", "A", ""])


@many_examples
@given(
    st.lists(
        ADDRESSES.map(str)
        | st.lists(HEXTETS, min_size=2, max_size=9).map(":".join)
        | st.from_regex(r"[0-9a-f:.]{1,20}")
        | st.none()
    )
)
@example(["1:0:0:1:1:1:1:1", "0:0:1:1:1:1:1:1", "1:1:1:1:1:1:0:0", "1:0:1:0:1:1:1:0"])
@example(["0:1:1:1:1:1:1:1", "10:0:10:1:1:1:1:1", "0:0:0:0:0:ffff:1:1", "1.2.3.04", "1.2.3.4\n"])
def test_what_need_not_be_read_reads_as_it_is_written(some: list[str | None]) -> None:
    sure = are_addresses(pa.array(some, pa.string())).tolist()
    assert [text for text, is_sure in zip(some, sure, strict=True) if is_sure] == [
        address_in(text or "") for text, is_sure in zip(some, sure, strict=True) if is_sure
    ]


@many_examples
@given(address=ADDRESSES)
def test_most_addresses_need_not_be_read(address: IPv4Address | IPv6Address) -> None:
    is_sure = are_addresses(pa.array([str(address)])).tolist()[0]
    assert is_sure or "::" in str(address)


@many_examples
@given(
    left=st.lists(st.sampled_from(["1", "a0", "ffff"]), min_size=1, max_size=5),
    right=st.lists(st.sampled_from(["1", "a0", "ffff"]), max_size=5),
)
def test_shortened_addresses_need_not_be_read(left: list[str], right: list[str]) -> None:
    text = f"{':'.join(left)}::{':'.join(right)}"
    is_sure = are_addresses(pa.array([text])).tolist()[0]
    assert is_sure == (len(left) + len(right) <= 6)


@many_examples
@given(address=ADDRESSES, networks=st.lists(ADDRESSES.map(str)))
def test_an_address_is_trusted_if_one_network_holds_it(
    address: IPv4Address | IPv6Address, networks: list[str]
) -> None:
    wide = [*NETWORKS, *networks]
    expected = any(address in ip_network(network) for network in wide)
    assert (str(address) in NetworkSet.of(wide)) is expected
    assert (str(address) in NOBODY) is False


@many_examples
@given(address=st.ip_addresses())
def test_the_network_of_an_address_holds_it(address: IPv4Address | IPv6Address) -> None:
    length = PREFIX_IPV4 if isinstance(address, IPv4Address) else PREFIX_IPV6
    assert network_of(str(address)) == str(ip_network((address, length), strict=False))


@each_case("text", [None, "", "example.com", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1:2"])
def test_other_texts_have_no_network(text: str | None) -> None:
    assert network_of(text) is None


@pytest.mark.parametrize("network", NETWORKS)
def test_the_edges_of_a_network_are_in_it_and_their_neighbours_are_not(network: str) -> None:
    held = ip_network(network)
    assert str(held[0]) in TRUSTED
    assert str(held[-1]) in TRUSTED
    assert str(held[0] - 1) not in TRUSTED
    assert str(held[-1] + 1) not in TRUSTED


@many_examples
@given(
    client=spelled(STRANGERS),
    proxies=st.lists(spelled(PROXIES)),
    separator=SPACES,
    peer=PROXIES.map(str),
    data=st.data(),
)
def test_whatever_a_client_sends_changes_nothing(
    client: str, proxies: list[str], separator: str, peer: str, data: st.DataObject
) -> None:
    added = separator.join([client, *proxies])
    honest = client_address(peer, added, TRUSTED)
    assert ip_address(honest) in map(ip_address, filter(None, [_plain(client)]))
    sent = data.draw(
        st.text()
        | spelled(ADDRESSES)
        | st.lists(spelled(PROXIES)).map(", ".join)
        | st.sampled_from(['for="', '"', 'for="1.2.3.4', "unknown", "for=1.2.3.4;", "[", "\\"])
    )
    assert client_address(peer, sent + separator + added, TRUSTED) == honest


def _plain(spelling: str) -> str | None:
    """The address of a spelling that may be a pair."""
    pairs = dict(p.strip().split("=", 1) for p in spelling.split(";") if "=" in p)
    named = {name.lower(): value for name, value in pairs.items()}
    return address_in(named.get("for", spelling).strip('"'))


@many_examples
@given(client=STRANGERS, sent=st.text(st.sampled_from('a,;="\\ for6.:') | st.characters()))
@example(ip_address("203.0.113.9"), "x, for=6.6.6.6")
@example(ip_address("203.0.113.9"), 'x, for=6.6.6.6;z="')
@example(ip_address("203.0.113.9"), "x;for=6.6.6.6")
def test_a_host_that_a_proxy_quotes_can_not_name_a_client(
    client: IPv4Address | IPv6Address, sent: str
) -> None:
    host = sent.replace("\\", "\\\\").replace('"', '\\"')
    element = f'for="{client}";host="{host}"'
    assert client_address("10.0.0.1", element, TRUSTED) in {str(client), "10.0.0.1"}


@many_examples
@given(stranger=STRANGERS, forwarded=st.none() | st.text() | spelled(ADDRESSES))
def test_a_peer_that_is_not_trusted_is_the_client(
    stranger: IPv4Address | IPv6Address, forwarded: str | None
) -> None:
    assert client_address(str(stranger), forwarded, TRUSTED) == str(stranger)
    assert client_address("10.0.0.1", forwarded, NOBODY) == "10.0.0.1"


@many_examples
@given(proxies=st.lists(PROXIES, min_size=1), separator=SPACES, data=st.data())
def test_when_all_are_trusted_the_leftmost_is_the_client(
    proxies: list[IPv4Address | IPv6Address], separator: str, data: st.DataObject
) -> None:
    texts = [data.draw(st.sampled_from(spellings(proxy))) for proxy in proxies]
    assert client_address("10.9.9.9", separator.join(texts), TRUSTED) == str(proxies[0])


@pytest.mark.parametrize(
    "stop", ["unknown", "_hidden", "for=_SEVKISEK", "by=203.0.113.43", "1.2.3", "-", "<script>"]
)
def test_what_is_no_address_ends_the_walk_at_the_last_hop_that_is_one(stop: str) -> None:
    forwarded = f"203.0.113.9, {stop}, 10.0.0.3, 10.0.0.2"
    assert client_address("10.0.0.1", forwarded, TRUSTED) == "10.0.0.3"
    assert client_address("10.0.0.1", stop, TRUSTED) == "10.0.0.1"


@pytest.mark.parametrize("client", ["host-7.example.com", "-", "unix:", "", "localhost"])
def test_a_client_that_is_no_address_is_kept_as_logged(client: str) -> None:
    assert client_address(client, "203.0.113.9", TRUSTED) == client


@pytest.mark.parametrize(
    "entry", ["10.0.0.1/8", "somewhere", "", "10.0.0.0/33", "::ffff:10.0.0.0/104", "fe80::1/64"]
)
def test_a_bad_network_is_named(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"'" + entry.replace(".", r"\.")):
        NetworkSet.of(("10.0.0.0/8", entry))
