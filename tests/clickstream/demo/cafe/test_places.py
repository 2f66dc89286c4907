"""The café's database of places opens like any other and knows every address the café hands out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from clickstream.clean.places import Place, place_at
from clickstream.demo.cafe import addresses
from clickstream.demo.cafe.places import CITIES, demo_networks, write_demo_database
from clickstream.lookups import PlaceDatabase


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("places") / "demo.mmdb"
    write_demo_database(path)
    return path


def test_customers_are_in_the_cities_of_their_country(file: Path) -> None:
    database = PlaceDatabase.open([file])
    rng = Random(5)
    found = [place_at(addresses.home_address(rng), database.record) for _ in range(20_000)]
    seen = Counter((place.country, place.city) for place in found)
    everyone = sum(share for _, _, share in addresses.COUNTRIES.values())
    for country, (_, _, share) in addresses.COUNTRIES.items():
        for city in CITIES[country]:
            expected = 20_000 * share / everyone * city.share / 16
            assert seen.pop((country, city.name)) == pytest.approx(expected, rel=0.25)
    assert not seen


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (addresses.OFFICES[0], ("GB", "London", "business")),
        (addresses.MONITOR, (None, None, None)),
        ("192.0.2.77", ("US", "Ashburn", "hosting")),
        ("203.0.113.9", ("NL", "Amsterdam", "hosting")),
        ("198.51.100.130", ("DE", "Berlin", "business")),
        ("192.168.0.7", (None, None, "private")),
        ("8.8.8.8", (None, None, None)),
    ],
)
def test_an_address_has_its_country_city_and_kind_of_network(
    file: Path, address: str, place: tuple[str | None, ...]
) -> None:
    found = place_at(address, PlaceDatabase.open([file]).record)
    assert (found.country, found.city, found.network) == place


def test_all_of_a_record_arrives(file: Path) -> None:
    first = "198.18.0.1"
    assert place_at(first, PlaceDatabase.open([file]).record) == Place(
        "US", "New York", "New York", 40.7143, -74.006, 20, "residential"
    )


def test_it_is_the_same_file_whenever_it_is_written(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mmdb"
    write_demo_database(again)
    assert again.read_bytes() == file.read_bytes()
    assert PlaceDatabase.open([again]).identity == "Clickstream-Demo-City 1767225600"


def test_no_network_is_listed_twice() -> None:
    networks = [network for network, _ in demo_networks()]
    assert len(networks) == len(set(networks))
