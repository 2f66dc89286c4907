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

from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import FIRST_DATE, Question, build_question
from clickstream.dashboard.questions.view import Filter
from clickstream.dashboard.widgets.page import PageContext

PEOPLE = "people"
"""The measure that is the number of inhabitants."""

_EVER = Period(FIRST_DATE, date(9999, 12, 30))
_BY = ("measured_country", "measured_region", "measured_place", "measure")

Measures = Mapping[str, float]
"""Values of a place by the name of the measure."""


def measures_question(page: PageContext) -> Question:
    """Ask for the current values of the measures that the settings choose, of all places."""
    wanted = dict.fromkeys((PEOPLE, *page.settings.dashboard.place_measures))
    only = (Filter("measure", tuple(wanted)),)
    return build_question(("measured",), _BY, _EVER, only)


def measures_of_places(page: PageContext) -> Mapping[str, Measures]:
    """Return the measures of each place by its key."""
    return page.ask(measures_question(page)).derive("by place", lambda: _by_place(page))


def _by_place(page: PageContext) -> Mapping[str, Measures]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for country, region, name, measure, value in page.ask(measures_question(page)).rows:
        found[place_key(_shown_name(country, region, name))].setdefault(measure, value)
    return found


def place_key(place: str) -> str:
    """Return the letters and digits of a place's name, without case and accents."""
    text = unicodedata.normalize("NFKD", place.casefold())
    return "".join(one for one in text if one.isalnum())


def _shown_name(country: str | None, region: str | None, name: str | None) -> str:
    """Return the name as the dimensions city, region and country have it.

    A row without a region is of a region, and one without both is of a country.
    """
    aliases = _aliases()
    region = aliases.get((country, region, ""), region)
    name = aliases.get((country, region or name, name if region else ""), name)
    return ", ".join(part for part in dict.fromkeys((name, region, country)) if part)


@cache
def _aliases() -> Mapping[tuple[str | None, str | None, str | None], str]:
    text = (files(__package__) / "place_aliases.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["country"], row["region"], row["city"]): row["known_as"] for row in rows}
