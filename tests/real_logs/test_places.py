"""MaxMind's test database to the last network, and against look-ups by another reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import pytest
from tests.real_logs.figures import PLACES
from tests.support.shared_data import shared

from clickstream.clean.places import Place, place_at
from clickstream.lookups import PlaceDatabase

pytestmark = pytest.mark.shared_data

Network = IPv4Network | IPv6Network


@pytest.fixture(scope="module")
def database() -> PlaceDatabase:
    return PlaceDatabase.open([shared("geoip2-city-test", "GeoIP2-City-Test.mmdb")])


@pytest.fixture(scope="module")
def records() -> dict[Network, dict[str, Any]]:
    """The database's networks with their records, from the file it was made of."""
    pairs = json.loads(shared("geoip2-city-test", "GeoIP2-City-Test.json").read_text())
    return {network_of(text): record for pair in pairs for text, record in pair.items()}


def network_of(text: str) -> Network:
    network = ip_network(text)
    first = int(network.network_address)
    if network.prefixlen >= 96 and first < 1 << 32:  # an IPv4 network in IPv6's clothes
        return IPv4Network((first, network.prefixlen - 96))
    return network


def test_every_network_has_the_place_of_its_record(
    database: PlaceDatabase, records: dict[Network, dict[str, Any]]
) -> None:
    wrong = []
    for network, record in records.items():
        for address in (network[0], network[-1]):
            inner = max((n for n in records if address in n), key=lambda n: n.prefixlen)
            place = place_at(str(address), database.record)
            if place.network != "private" and place != expected(records[inner]):
                wrong.append((address, place, record))
    assert len(records) > 240
    assert wrong == []


def expected(record: dict[str, Any]) -> Place:
    """What `place_of` should make of it. No record of this database has a user type."""
    location = record.get("location", {})
    regions = [region["names"]["en"] for region in record.get("subdivisions", [])]
    return Place(
        record["country"]["iso_code"] if "country" in record else None,
        regions[0] if regions else None,
        record["city"]["names"]["en"] if "city" in record else None,
        location.get("latitude"),
        location.get("longitude"),
        location.get("accuracy_radius"),
        "proxy" if record.get("traits", {}).get("is_anonymous_proxy") else None,
    )


def test_look_ups_agree_with_the_known_figures(
    database: PlaceDatabase,
    records: dict[Network, dict[str, Any]],
    known: Callable[[str], Any],
) -> None:
    """Regions are codes there and names in our tables, which keep the first of several."""
    codes = {name: code for record in records.values() for name, code in region_codes(record)}
    look_ups = known("geoip2-city-test.lookups.json")
    assert len(look_ups) == 251
    for look_up in look_ups:
        place = place_at(look_up["ip"], database.record)
        found = {
            "ip": look_up["ip"],
            "country": place.country,
            "city": place.city,
            "subdivision": codes[place.region] if place.region else None,
            "lat": place.latitude,
            "lon": place.longitude,
        }
        first = (look_up["subdivision"] or [None])[0]
        assert found == {name: look_up[name] for name in PLACES} | {"subdivision": first}


def region_codes(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for region in record.get("subdivisions", []):
        yield region["names"]["en"], region["iso_code"]
