"""Inhabitants and other measures of places, joined to the places of visits by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.question import EVER, Question, build_question
from clickstream.dashboard.questions.view import Filter
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.place_names import PlaceKey, measured_place_key

PEOPLE = "people"
"""The measure that is the number of inhabitants."""

_BY = ("measured_country", "measured_region", "measured_place", "measure")

Measures = Mapping[str, float]
"""Values of a place by the name of the measure."""


def measures_question(page: PageContext) -> Question:
    """Ask for the current values of the measures that the settings choose, of all places."""
    wanted = dict.fromkeys((PEOPLE, *page.settings.dashboard.place_measures))
    only = (Filter("measure", tuple(wanted)),)
    return build_question(("measured",), _BY, EVER, only)


def measures_of_places(page: PageContext) -> Mapping[PlaceKey, Measures]:
    """Return the measures of all places."""
    answer = page.ask(measures_question(page))
    return answer.derive("by place", lambda: _by_place(answer))


def _by_place(answer: Answer) -> Mapping[PlaceKey, Measures]:
    found: dict[PlaceKey, dict[str, float]] = defaultdict(dict)
    for country, region, name, measure, value in answer.rows:
        found[measured_place_key(country, region, name)].setdefault(measure, value)
    return found
