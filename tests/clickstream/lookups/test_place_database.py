"""Databases of places: several files as one, and what is refused."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from clickstream.clean.places import Place, place_at
from clickstream.core.errors import SettingsError, UnusablePlaces
from clickstream.lookups import PlaceDatabase

NEAR_TOKYO = {"country_code": "JP", "state1": "Tokyo", "city": "", "latitude": 35.69}


def write(path: Path, networks: dict[str, dict[str, Any]], kind: str = "city ipv4") -> Path:
    version = 6 if any(":" in network for network in networks) else 4
    writer = MMDBWriter(version, kind)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def test_several_files_are_one_database(tmp_path: Path) -> None:
    write(tmp_path / "a.mmdb", {"2001:db8::/32": NEAR_TOKYO}, "city ipv6")
    write(tmp_path / "b.mmdb", {"192.0.2.0/24": NEAR_TOKYO})
    write(tmp_path / "c.mmdb", {"198.51.100.0/24": NEAR_TOKYO})
    for paths in ([tmp_path], [tmp_path / f"{name}.mmdb" for name in "cba"]):
        database = PlaceDatabase.open(paths)
        for address in ("192.0.2.7", "2001:db8::7", "198.51.100.255"):
            assert place_at(address, database.record) == Place("JP", "Tokyo", None, 35.69)
        for address in ("203.0.113.7", "2001:db9::7", "www.example.com", "", "-"):
            assert place_at(address, database.record) == Place()


def test_an_ipv4_file_alone_knows_no_ipv6(tmp_path: Path) -> None:
    database = PlaceDatabase.open([write(tmp_path / "b.mmdb", {"192.0.2.0/24": NEAR_TOKYO})])
    assert place_at("2001:db8::7", database.record) == Place()


def test_identity_changes_with_the_database(tmp_path: Path) -> None:
    first = PlaceDatabase.open([write(tmp_path / "a.mmdb", {"192.0.2.0/24": NEAR_TOKYO})])
    other = PlaceDatabase.open([write(tmp_path / "b.mmdb", {"192.0.2.0/24": {}}, "GeoLite2-City")])
    assert first.identity.startswith("city ipv4 1")
    assert other.identity.startswith("GeoLite2-City 1")
    assert PlaceDatabase.open([]).identity == ""


def test_without_a_database_nothing_has_a_place_and_it_says_so() -> None:
    database = PlaceDatabase.open([])
    assert place_at("8.8.8.8", database.record) == Place()
    assert place_at("10.0.0.1", database.record) == Place(network="private")
    assert "make geoip" in (database.missing or "")


def test_with_a_database_nothing_is_missing(tmp_path: Path) -> None:
    database = PlaceDatabase.open([write(tmp_path / "a.mmdb", {"192.0.2.0/24": NEAR_TOKYO})])
    assert database.missing is None


@pytest.mark.parametrize("name", ["nowhere.mmdb", "empty"])
def test_a_missing_database_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match=f"{name}.*make geoip"):
        PlaceDatabase.open([tmp_path / name])


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mmdb").write_text("hello")
    with pytest.raises(SettingsError, match=r"text\.mmdb"):
        PlaceDatabase.open([tmp_path])


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mmdb", {"192.0.2.0/24": {"asn": 1}}, "GeoLite2-ASN")
    with pytest.raises(SettingsError, match="GeoLite2-ASN"):
        PlaceDatabase.open([file])


def test_a_damaged_database_is_named_when_it_shows(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mmdb", {"192.0.2.0/24": NEAR_TOKYO})
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"\x42JP", b"\xff\xff\xff"))
    database = PlaceDatabase.open([file])
    with pytest.raises(UnusablePlaces, match="make geoip"):
        database.record(str(ip_network("192.0.2.0/24")[1]))
