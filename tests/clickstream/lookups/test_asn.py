"""ASN databases of both formats: what they find, and which files are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from clickstream.core.errors import SettingsError
from clickstream.demo.asn_ranges import write_ranges
from clickstream.lookups import AsnDatabase, open_asn_database
from clickstream.lookups.asn import RANGES, AsnRanges, packed_address

DATED = date(2026, 6, 17)
FIRST_IPV4, FIRST_IPV6 = int(IPv4Address("192.0.2.0")), int(IPv6Address("2001:db8::"))
addresses = st.one_of(
    st.integers(0, 300).map(lambda n: str(IPv4Address(FIRST_IPV4 + n))),
    st.integers(0, 300).map(lambda n: str(IPv6Address(FIRST_IPV6 + n))),
    st.sampled_from(["10.0.0.1", "::1", "www.example.com", "", "192.0.2.7:80", None]),
)
edges = st.lists(st.integers(0, 300), max_size=8, unique=True).map(sorted)


def ranges_between(texts: list[str]) -> list[tuple[bytes, bytes, int]]:
    """Build a range from each pair of addresses, with the numbers 1, 2 and so on."""
    pairs = zip(texts[::2], texts[1::2], strict=False)
    return [(packed_address(a), packed_address(b), n) for n, (a, b) in enumerate(pairs, 1)]


@given(edges, edges, st.lists(addresses))
def test_the_search_finds_what_looking_at_every_range_finds(
    ipv4: list[int], ipv6: list[int], looked_up: list[str | None]
) -> None:
    ranges = [
        *ranges_between([str(IPv4Address(FIRST_IPV4 + n)) for n in ipv4]),
        *ranges_between([str(IPv6Address(FIRST_IPV6 + n)) for n in ipv6]),
    ]
    columns = [*zip(*ranges, strict=True)] or [[], [], []]
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, RANGES, strict=True)], RANGES)
    found = AsnRanges(table, "test", DATED).numbers(looked_up).tolist()

    def expected(address: str | None) -> int:
        packed = packed_address(address)
        return next((n for first, last, n in ranges if first <= packed <= last), 0)

    assert found == [*map(expected, looked_up)]


def write_arrow(path: Path) -> Path:
    ends = ("192.0.2.0", "192.0.2.127", "198.51.100.0", "198.51.100.255")
    ranges = [*ranges_between([*ends]), *ranges_between(["2001:db8::", "2001:db8::ffff"])]
    write_ranges(path, [(a, b, 64_500 + n) for a, b, n in ranges], "test", DATED)
    return path


def write_mmdb(path: Path, kind: str = "GeoLite2-ASN") -> Path:
    writer = MMDBWriter(6, kind, ipv4_compatible=True)
    networks = {"192.0.2.0/25": 64_501, "198.51.100.0/24": 64_502, "2001:db8::/112": 64_501}
    for network, number in networks.items():
        writer.insert_network(IPSet([network]), {"autonomous_system_number": number})
    writer.to_db_file(str(path))
    return path


@pytest.fixture(params=["arrow", "mmdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsnDatabase:
    writers = {"arrow": write_arrow, "mmdb": write_mmdb}
    return open_asn_database(writers[request.param](tmp_path / f"asn.{request.param}"))


def test_both_formats_give_the_same_numbers_and_their_own_date(database: AsnDatabase) -> None:
    known = {"192.0.2.127": 64_501, "198.51.100.255": 64_502, "2001:db8::ffff": 64_501}
    unknown = dict.fromkeys(("192.0.2.128", "2001:db8::1:0", "www.example.com", "", None), 0)
    found = database.numbers([*known, *unknown])
    assert found.tolist() == [*known.values(), *unknown.values()]
    assert database.dated in (DATED, datetime.now(UTC).date())  # the writer's own build date
    assert database.identity


def test_without_a_path_no_address_is_known() -> None:
    database = open_asn_database(None)
    assert database.numbers(["8.8.8.8", None]).tolist() == [0, 0]
    assert (database.dated, database.identity) == (None, "")


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.arrow", None), ("cut.arrow", b"ARROW1"), ("text.mmdb", b"x"), ("cut.mmdb", b"")],
)
def test_a_file_that_is_no_database_is_named(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=rf"{name}.*make geoip"):
        open_asn_database(tmp_path / name)


def test_a_database_of_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GeoLite2-City"):
        open_asn_database(write_mmdb(tmp_path / "city.mmdb", "GeoLite2-City"))


def test_a_cut_file_is_damaged_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = write_arrow(tmp_path / "asn.arrow").read_bytes()
    for size in range(0, len(whole), 97):
        (tmp_path / "cut.arrow").write_bytes(whole[:size])
        with pytest.raises(SettingsError, match=r"cut\.arrow"):
            open_asn_database(tmp_path / "cut.arrow")


def test_a_packed_address_is_ipv6_with_ipv4_mapped() -> None:
    assert ip_address(packed_address("192.0.2.7")) == ip_address("::ffff:192.0.2.7")
    assert ip_address(packed_address("2001:db8::7")) == ip_address("2001:db8::7")
