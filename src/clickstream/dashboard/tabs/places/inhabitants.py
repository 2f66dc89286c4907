"""Inhabitants and other measures of places, joined to the places of visits by their names.

Demographics name places as their source does, visits as the place database does.
`place_aliases.csv` has the names that differ.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import FIRST_DATE, Question, build_question
from clickstream.dashboard.questions.view import Filter
from clickstream.dashboard.widgets.page import PageContext

PEOPLE = "people"
"""The measure that is the number of inhabitants."""

_EVER = Period(FIRST_DATE, date(9999, 12, 30))
_BY = ("measured_country", "measured_region", "measured_place", "measure")

PlaceKey = tuple[str, str]
"""A dimension, and the name of a place in it: a city can have the name of its region."""

Measures = Mapping[str, float]
"""Values of a place by the name of the measure."""


def measures_question(page: PageContext) -> Question:
    """Ask for the current values of the measures that the settings choose, of all places."""
    wanted = dict.fromkeys((PEOPLE, *page.settings.dashboard.place_measures))
    only = (Filter("measure", tuple(wanted)),)
    return build_question(("measured",), _BY, _EVER, only)


def measures_of_places(page: PageContext) -> Mapping[PlaceKey, Measures]:
    """Return the measures of all places."""
    answer = page.ask(measures_question(page))
    return answer.derive("by place", lambda: _by_place(answer))


def _by_place(answer: Answer) -> Mapping[PlaceKey, Measures]:
    found: dict[PlaceKey, dict[str, float]] = defaultdict(dict)
    for country, region, name, measure, value in answer.rows:
        found[_key_of(country, region, name)].setdefault(measure, value)
    return found


def place_key(dimension: str, place: str) -> PlaceKey:
    """Return the dimension, and the letters and digits of the name without case and accents."""
    text = unicodedata.normalize("NFKD", place.casefold())
    return dimension, "".join(one for one in text if one.isalnum())


def _key_of(country: str | None, region: str | None, name: str | None) -> PlaceKey:
    """Return the key of the place that has a row of demographics.

    A row without a region is of a region, and one without both is of a country.
    """
    aliases = _aliases()
    region = aliases.get((country, region, ""), region)
    if region:
        name = aliases.get((country, region, name), name)
    else:
        name = aliases.get((country, name, ""), name)
    # As in the dimensions: the name of a city leaves out a region of the same name.
    parts = [one for one in dict.fromkeys((name, region, country)) if one]
    return place_key(
        "city" if region else "region" if len(parts) > 1 else "country", "".join(parts)
    )


@cache
def _aliases() -> Mapping[tuple[str | None, str | None, str | None], str]:
    text = (files(__package__) / "place_aliases.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["country"], row["region"], row["city"]): row["known_as"] for row in rows}
