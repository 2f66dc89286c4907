"""Places of addresses, from the records of a geolocation database.

`lookups.place_database` reads the database. Two layouts of records are supported: MaxMind's
(GeoIP2, GeoLite2, the files of DB-IP), with names in several languages, and the flat layout of
ip-location-db. A record describes where a network is registered or used. For a phone this may be
another city.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from clickstream.core.networks import NetworkSet

Record = Mapping[str, Any]

PRIVATE = "private"
"""Value of `Place.network` for addresses that are not used on the public internet."""


class Place(NamedTuple):
    """The place of an address; None for unknown fields.

    `country` is an ISO 3166-1 code; `region` and `city` are English names. `latitude` and
    `longitude` (degrees, WGS 84) are the centre of a circle with the radius `accuracy_radius_km`.
    `network` is the kind of network: PRIVATE, a value of `_TRAITS`, or the user type of GeoIP2
    Enterprise (`residential`, `cellular`, `business` ...).
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

# RFC 6890 and its successors: addresses for private use, and unused ones. The ranges for
# documentation and benchmarks (RFC 5737, 2544, 3849) are not listed: examples use them in place of
# real addresses, and a database of examples contains them.
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

# Flags of a record's traits; the first that is set decides.
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
    """Return the place of an address in the form of `address_in`; a host name has no place.

    `record_of` returns the database's record of an address. It is not called for private ones.
    """
    if address in _PRIVATE_NETWORKS:
        return _IN_PRIVATE
    return place_of(record_of(address))


def place_of(record: Record | None) -> Place:
    """Return the place that a record of either layout describes."""
    if not record:
        return NOWHERE
    if "country_code" in record:
        names = ("country_code", "state1", "city", "latitude", "longitude")
        return _flat_place(*map(record.get, names))
    return _nested(record)


@lru_cache(maxsize=1 << 16)
def _flat_place(
    country: str | None,
    region: str | None,
    city: str | None,
    latitude: float | None,
    longitude: float | None,
) -> Place:
    """Build a place; cached, because a city has many networks."""
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
    """Round degrees to five decimals (1 m); further digits are errors of 32-bit floats."""
    return None if value is None else round(value, 5)
