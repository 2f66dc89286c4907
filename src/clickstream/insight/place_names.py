"""Names of places that demographics, visits and files of users write differently.

Demographics name places as their source does, visits as the place database does.
`place_aliases.csv` has the names that differ. The Places page and `clickstream locations` compare
names by these rules.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

REGION_SQL = "region || coalesce(', ' || country, '')"
CITY_SQL = "city || coalesce(', ' || nullif(region, city), '') || coalesce(', ' || country, '')"
"""Names with region and country, because several places have one name: Paris, Île-de-France, FR.

`full_name` is the same in Python.
"""

PlaceKey = tuple[str, str]
"""A dimension, and the name of a place in it: a city can have the name of its region."""


def place_key(dimension: str, place: str) -> PlaceKey:
    """Return the dimension, and the letters and digits of the name without case and accents."""
    text = unicodedata.normalize("NFKD", place.casefold())
    return dimension, "".join(char for char in text if char.isalnum())


def full_name(city: str | None, region: str | None, country: str | None) -> str:
    """Return the name of a place as the dashboard shows it: `Leeds, England, GB`.

    The name of a city leaves out a region of the same name.
    """
    return ", ".join(name for name in dict.fromkeys((city, region, country)) if name)


def measured_place_key(country: str | None, region: str | None, name: str | None) -> PlaceKey:
    """Return the key of the place that has a row of demographics.

    A row without a region is of a region, and one without both is of a country.
    """
    aliases = _aliases()
    region = aliases.get((country, region, ""), region)
    if region:
        name = aliases.get((country, region, name), name)
        return place_key("city", full_name(name, region, country))
    name = aliases.get((country, name, ""), name)
    is_country = not name or not country or name == country
    return place_key("country" if is_country else "region", full_name(name, region, country))


@cache
def _aliases() -> Mapping[tuple[str | None, str | None, str | None], str]:
    text = (files(__package__) / "place_aliases.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["country"], row["region"], row["city"]): row["known_as"] for row in rows}
