"""A GeoIP database that maps the café's reserved addresses to real cities.

Each country's block of addresses is split into sixteen networks, which are assigned to its cities.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from clickstream.demo.cafe.addresses import (
    COUNTRIES,
    CRAWLERS,
    HIDDEN_CRAWLERS,
    SCANNERS,
    TABLETS,
)

_BUILT_AT = 1_767_225_600  # 2026-01-01, a constant, so that equal databases have equal bytes
_OFFICES = "198.51.100.0/25"
_HOME_RADIUS_KM = 20
_KNOWN_RADIUS_KM = 1


class City(NamedTuple):
    """A city, and its number of the sixteen networks of each block of its country."""

    name: str
    region: str
    latitude: float
    longitude: float
    share: int = 0


CITIES: dict[str, tuple[City, ...]] = {
    "US": (
        City("New York", "New York", 40.7143, -74.006, 5),
        City("Los Angeles", "California", 34.0522, -118.2437, 4),
        City("Chicago", "Illinois", 41.85, -87.6501, 3),
        City("Seattle", "Washington", 47.6062, -122.3321, 2),
        City("Austin", "Texas", 30.2672, -97.7431, 2),
    ),
    "GB": (
        City("London", "England", 51.5085, -0.1257, 10),
        City("Manchester", "England", 53.481, -2.2374, 4),
        City("Edinburgh", "Scotland", 55.9521, -3.1965, 2),
    ),
    "DE": (
        City("Berlin", "Land Berlin", 52.5244, 13.4105, 7),
        City("Hamburg", "Hamburg", 53.5507, 9.993, 5),
        City("Munich", "Bavaria", 48.1374, 11.5755, 4),
    ),
    "FR": (
        City("Paris", "Île-de-France", 48.8534, 2.3488, 11),
        City("Lyon", "Auvergne-Rhône-Alpes", 45.7485, 4.8467, 5),
    ),
    "CA": (
        City("Toronto", "Ontario", 43.7001, -79.4163, 7),
        City("Montréal", "Quebec", 45.5088, -73.5878, 5),
        City("Vancouver", "British Columbia", 49.2497, -123.1193, 4),
    ),
    "SE": (
        City("Stockholm", "Stockholm", 59.3294, 18.0687, 9),
        City("Gothenburg", "Västra Götaland County", 57.7072, 11.9668, 7),
    ),
    "JP": (
        City("Tokyo", "Tokyo", 35.6895, 139.6917, 10),
        City("Osaka", "Osaka", 34.6937, 135.5022, 6),
    ),
    "BR": (
        City("São Paulo", "São Paulo", -23.5475, -46.6361, 10),
        City("Rio de Janeiro", "Rio de Janeiro", -22.9064, -43.1822, 6),
    ),
    "AU": (
        City("Sydney", "New South Wales", -33.8679, 151.2073, 9),
        City("Melbourne", "Victoria", -37.814, 144.9633, 7),
    ),
    "IN": (
        City("Mumbai", "Maharashtra", 19.0728, 72.8826, 8),
        City("Bengaluru", "Karnataka", 12.9719, 77.5937, 8),
    ),
}
"""The cities of each country of the café's visitors."""

_ASHBURN = City("Ashburn", "Virginia", 39.0437, -77.4875)
_AMSTERDAM = City("Amsterdam", "North Holland", 52.374, 4.8897)


class CafePlace(NamedTuple):
    """Country, region and city of an address."""

    country: str
    region: str
    city: str


def place_of(address: str) -> CafePlace:
    """Return the place of a person of the simulation, by their address."""
    ip = ip_address(address)
    if place := _homes().get(_sixteenth(ip)):
        return place
    country = "DE" if ip in ip_network(TABLETS) else "GB"
    return _place(country, CITIES[country][0])


@cache
def _homes() -> dict[tuple[int, int], CafePlace]:
    """Return the place of each network of the countries' blocks."""
    return {
        _sixteenth(ip_network(network)[0]): _place(country, city)
        for country, blocks in COUNTRIES.items()
        for block in blocks[:2]
        for network, city in zip(_sixteenths(block), _shared_out(country), strict=True)
    }


def _sixteenth(ip: IPv4Address | IPv6Address) -> tuple[int, int]:
    """Return the key of an address's sixteenth of a block: IPv4 blocks are /20, IPv6 blocks /48."""
    return ip.version, int(ip) >> (8 if ip.version == 4 else 76)


def _place(country: str, city: City) -> CafePlace:
    return CafePlace(country, city.region, city.name)


def _shared_out(country: str) -> list[City]:
    """Return the city of each of the sixteen networks of a country's block."""
    return [shared for city in CITIES[country] for shared in repeat(city, city.share)]


class _Writer(MMDBWriter):
    def _build_meta(self) -> dict[str, Any]:
        return {**super()._build_meta(), "build_epoch": _BUILT_AT}


def write_demo_database(path: Path) -> None:
    """Write the café's database in the layout of GeoIP2 City."""
    writer = _Writer(
        ip_version=6,
        ipv4_compatible=True,
        database_type="Clickstream-Demo-City",
        languages=["en"],
        description="Made-up networks in real cities",
    )
    for network, record in demo_networks():
        writer.insert_network(IPSet([network]), record)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.to_db_file(str(path))


def demo_networks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all networks with their records."""
    for country, (ipv4, ipv6, _) in COUNTRIES.items():
        for block in (ipv4, ipv6):
            for network, city in zip(_sixteenths(block), _shared_out(country), strict=True):
                yield network, _record(country, city, "residential", _HOME_RADIUS_KM)
    yield _OFFICES, _record("GB", CITIES["GB"][0], "business", _KNOWN_RADIUS_KM)
    yield TABLETS, _record("DE", CITIES["DE"][0], "business", _KNOWN_RADIUS_KM)
    yield HIDDEN_CRAWLERS, _record("US", _ASHBURN, "hosting", _KNOWN_RADIUS_KM)
    yield CRAWLERS, _record("US", _ASHBURN, "hosting", _KNOWN_RADIUS_KM)
    yield SCANNERS, _record("NL", _AMSTERDAM, "hosting", _KNOWN_RADIUS_KM)


def _sixteenths(block: str) -> list[str]:
    return [str(network) for network in ip_network(block).subnets(prefixlen_diff=4)]


def _record(country: str, city: City, user_type: str, radius_km: int) -> dict[str, Any]:
    return {
        "city": {"names": {"en": city.name}},
        "country": {"iso_code": country},
        "location": {
            "accuracy_radius": radius_km,
            "latitude": city.latitude,
            "longitude": city.longitude,
        },
        "subdivisions": [{"names": {"en": city.region}}],
        "traits": {"user_type": user_type},
    }
