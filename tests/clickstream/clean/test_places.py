"""Places from records of both layouts, and addresses that are on no map."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean.places import PRIVATE, Place, place_at, place_of

TEXTS = st.none() | st.text()
COORDINATES = st.none() | st.integers(-180_000_00, 180_000_00).map(lambda n: n / 100_000)

NOT_FOR_EXAMPLES = [
    *("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12".split()),
    *("192.168.0.0/16 224.0.0.0/4 240.0.0.0/4 ::/128 ::1/128 fc00::/7 fe80::/10 ff00::/8".split()),
]


def named(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"names": {"en": name, "de": "x"}, "geoname_id": 1}


@given(TEXTS, TEXTS, TEXTS, COORDINATES, COORDINATES)
def test_both_layouts_tell_the_same(
    country: str | None,
    region: str | None,
    city: str | None,
    latitude: float | None,
    longitude: float | None,
) -> None:
    """The flat one has empty texts for what is not known, and floats of 32 bits."""
    place = Place(country or None, region or None, city or None, latitude, longitude)
    narrow = [None if c is None else float(np.float32(c)) for c in (latitude, longitude)]
    flat = place_of(
        {
            "country_code": country or "",
            "state1": region or "",
            "city": city or "",
            "latitude": narrow[0],
            "longitude": narrow[1],
        }
    )
    assert (flat.country, flat.region, flat.city) == (place.country, place.region, place.city)
    for found, true in ((flat.latitude, latitude), (flat.longitude, longitude)):
        assert (found is None) is (true is None)
        assert found is None or found == pytest.approx(true, abs=2e-5)
    location = {"latitude": latitude, "longitude": longitude}
    nested = {
        "country": {"iso_code": country} if country else {},
        "subdivisions": [named(region or None), named("A smaller one")] if region else [],
        "city": named(city or None),
        "location": {name: value for name, value in location.items() if value is not None},
    }
    assert place_of(nested) == place


@pytest.mark.parametrize(
    ("traits", "network"),
    [
        ({}, None),
        ({"user_type": "residential"}, "residential"),
        ({"user_type": "business", "is_hosting_provider": True}, "hosting"),
        ({"is_anonymous_proxy": True}, "proxy"),
        ({"is_anonymous": True, "is_tor_exit_node": True, "is_public_proxy": True}, "tor"),
        ({"is_anonymous_vpn": True, "is_hosting_provider": True}, "vpn"),
        ({"is_satellite_provider": True}, "satellite"),
        ({"is_anonymous_proxy": False, "is_anycast": True}, None),
    ],
)
def test_a_record_says_the_kind_of_network(traits: Mapping[str, Any], network: str | None) -> None:
    assert place_of({"traits": traits, "location": {"accuracy_radius": 50}}) == Place(
        accuracy_radius_km=50, network=network
    )


@pytest.mark.parametrize("record", [None, {}])
def test_an_address_without_a_record_has_no_place(record: dict[str, Any] | None) -> None:
    assert place_of(record) == Place()


@given(
    st.sampled_from(NOT_FOR_EXAMPLES).flatmap(lambda network: st.ip_addresses(network=network)),
    st.data(),
)
def test_private_addresses_are_not_looked_up(address: object, data: st.DataObject) -> None:
    def never(_: str) -> None:
        raise AssertionError

    assert place_at(str(address), never) == Place(network=PRIVATE)


@given(st.ip_addresses())
def test_all_others_are_looked_up(address: object) -> None:
    private = any(ip_address(str(address)) in ip_network(network) for network in NOT_FOR_EXAMPLES)
    place = place_at(str(address), lambda _: {"country_code": "SE"})
    assert place == (Place(network=PRIVATE) if private else Place("SE"))


@pytest.mark.parametrize(
    "text", ["192.0.2.1", "198.51.100.1", "198.18.0.1", "2001:db8::1", "www.example.com", "8.8.8.8"]
)
def test_documentation_and_names_are_looked_up(text: str) -> None:
    assert place_at(text, lambda asked: {"city": named(asked)}) == Place(city=text)
