"""Where an address is, from the record that a database has of its network.

Databases of two layouts are read: MaxMind's (GeoIP2, GeoLite2, DB-IP's own files), with names in
several languages, and the flat one of ip-location-db. What it says is where the network is
registered or used, which for a telephone may be another city.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from clickstream.clean.addresses import NetworkSet

Record = Mapping[str, Any]

PRIVATE = "private"
"""The network of addresses that nobody has on the internet."""


class Place(NamedTuple):
    """Where an address is; None for what is not known.

    `country` is an ISO 3166-1 code, `region` and `city` are English names. `latitude` and
    `longitude` (degrees, WGS 84) are the middle of a circle with the radius `accuracy_radius_km`.
    `network` is what kind of network it is: PRIVATE, one of those in `_TRAITS`, or the user type
    of GeoIP2 Enterprise (`residential`, `cellular`, `business` ...).
    """

    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy_radius_km: int | None = None
    network: str | None = None


NOWHERE = Place()
_IN_PRIVATE = Place(network=PRIVATE)

# RFC 6890 and its successors: what is used inside networks, or by no one. Left out are the ranges
# for documentation and benchmarks (RFC 5737, 2544, 3849): they stand for real addresses, and a
# database made of examples knows them.
_PRIVATE_NETWORKS = NetworkSet.of(
    (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)

# Flags of a record's traits, the most telling first.
_TRAITS = {
    "is_tor_exit_node": "tor",
    "is_anonymous_vpn": "vpn",
    "is_residential_proxy": "proxy",
    "is_public_proxy": "proxy",
    "is_anonymous_proxy": "proxy",
    "is_hosting_provider": "hosting",
    "is_satellite_provider": "satellite",
}


def place_at(address: str, record_of: Callable[[str], Record | None]) -> Place:
    """The place of an address, as `address_in` gives it, or of a host name, which has none.

    `record_of` is asked for the database's record of any address that is not private.
    """
    if address in _PRIVATE_NETWORKS:
        return _IN_PRIVATE
    return place_of(record_of(address))


def place_of(record: Record | None) -> Place:
    """The place that a database's record tells of."""
    if not record:
        return NOWHERE
    return _flat(record) if "country_code" in record else _nested(record)


def _flat(record: Record) -> Place:
    get = record.get
    return _flat_place(
        get("country_code"), get("state1"), get("city"), get("latitude"), get("longitude")
    )


@lru_cache(maxsize=1 << 16)
def _flat_place(
    country: str | None,
    region: str | None,
    city: str | None,
    latitude: float | None,
    longitude: float | None,
) -> Place:
    """Built once for the many networks of one city."""
    return Place(
        country or None, region or None, city or None, _degrees(latitude), _degrees(longitude)
    )


def _nested(record: Record) -> Place:
    location = record.get("location", {})
    regions = record.get("subdivisions")
    return Place(
        record.get("country", {}).get("iso_code"),
        _name(regions[0]) if regions else None,
        _name(record.get("city", {})),
        _degrees(location.get("latitude")),
        _degrees(location.get("longitude")),
        location.get("accuracy_radius"),
        _network(record.get("traits", {})),
    )


def _name(named: Record) -> str | None:
    name: str | None = named.get("names", {}).get("en")
    return name


def _network(traits: Record) -> str | None:
    kind: str | None = traits.get("user_type")
    return next((name for flag, name in _TRAITS.items() if traits.get(flag)), kind)


def _degrees(value: float | None) -> float | None:
    """Degrees to five decimals, a metre: what is beyond comes from storage as 32-bit floats."""
    return None if value is None else round(value, 5)
