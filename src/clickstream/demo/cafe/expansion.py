"""Where the simulated café could open next: its cafés, inhabitants of cities, and candidates.

The numbers of inhabitants are those of the cities themselves, rounded to thousands, from censuses
and registers of 2011 to 2023.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from clickstream.demo.cafe.places import CITIES

COLUMN_MAP = Path(__file__).with_name("expansion_columns.toml")
CANDIDATES = "candidates.csv"
"""Name of the file of candidates."""

THOUSANDS = {
    "US": (8804, 3899, 2746, 737, 962),
    "GB": (8800, 552, 513),
    "DE": (3755, 1892, 1512),
    "FR": (2113, 520),
    "CA": (2794, 1763, 662),
    "SE": (984, 596),
    "JP": (9734, 2752),
    "BR": (11452, 6211),
    "AU": (5231, 4918),
    "IN": (12442, 8444),
}
"""Thousands of inhabitants of each city of `CITIES`."""

CAFES = (("soho", "Soho", "London"), ("northern-quarter", "Northern Quarter", "Manchester"))
"""The café's own cafés: id, name and city."""

CANDIDATE_CITIES = (
    "New York",
    "Los Angeles",
    "Chicago",
    "Seattle",
    "Edinburgh",
    "Berlin",
    "Hamburg",
    "Munich",
    "Paris",
    "Toronto",
    "Stockholm",
    "Tokyo",
)


_BY_NAME = {city.name: (country, city) for country, cities in CITIES.items() for city in cities}


def write_expansion(directory: Path) -> None:
    """Write the files of stores and inhabitants."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(
        directory / "stores.csv",
        ("store_id", "name", "kind", "latitude", "longitude", "country", "region", "city"),
        (
            (store, name, "café", city.latitude, city.longitude, country, city.region, city.name)
            for store, name, where in CAFES
            for country, city in [_BY_NAME[where]]
        ),
    )
    _write(
        directory / "demographics.csv",
        ("place_id", "name", "country", "region", "year", "measure", "value"),
        (
            (
                f"{country}/{city.region}/{city.name}",
                city.name,
                country,
                city.region,
                2021,
                "people",
                thousands * 1000,
            )
            for country, cities in CITIES.items()
            for city, thousands in zip(cities, THOUSANDS[country], strict=True)
        ),
    )


def write_candidates(path: Path) -> None:
    """Write the file of candidates, unless it exists: it may have been edited."""
    if path.exists():
        return
    cities = (_BY_NAME[name][1] for name in CANDIDATE_CITIES)
    rows = ((city.name, city.latitude, city.longitude) for city in cities)
    _write(path, ("name", "latitude", "longitude"), rows)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a file as a whole, so that no reader sees a part of it."""
    beside = path.with_suffix(".writing")
    with beside.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    beside.replace(path)
