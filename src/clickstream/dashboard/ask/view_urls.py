"""Parses a URL of the dashboard to a view."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TypeVar

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.dimensions import FILTERS
from clickstream.dashboard.ask.periods import COMPARISONS, LONGEST_DAYS, RANGES
from clickstream.dashboard.ask.view import (
    CHARTED,
    CHOICES,
    EXCLUDED,
    GRAINS,
    NULL,
    Filter,
    Tab,
    Value,
    View,
)

# Checks the names of a URL's parameters, so that a misspelt filter never shows all visits.

_APPENDED = ("utm_", "_ga", "_gl")
"""How names begin that programs append to links which they send, beside click ids."""


def check_names(names: Iterable[str], known_names: Collection[str]) -> None:
    """Raise InputError for the first name that is not known; it names the nearest known name.

    Parameters that mail programs, social networks and ads append to a link are ignored.
    """
    for name in names:
        if name in known_names or name.startswith(_APPENDED) or name.lower() in _click_ids():
            continue
        near = get_close_matches(name.lower(), known_names, n=1)
        advice = f"Did you mean {near[0]}?" if near else "Remove it from the address."
        raise InputError(f"{name[:40]!r} is not a parameter of this page. {advice}")


@cache
def _click_ids() -> frozenset[str]:
    """Return the click ids that the pipeline knows; its package is not imported: it has pandas."""
    file = files("clickstream") / "clean" / "data" / "click_ids.csv"
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return frozenset(name for row in rows for name in row["parameters"].split())


MOST_VALUES = 50
"""Maximum number of filter values in one URL."""
LONGEST_VALUE = 2000
LONGEST_OPERATOR = 200
FIRST_YEAR, LAST_YEAR = 1970, 2999
"""First and last year of dates and hours in a URL."""

PARAMETERS = (
    "range",
    "from",
    "to",
    "compare",
    "metric",
    "by",
    "hour",
    "operator",
    *CHOICES,
    *FILTERS,
    *(EXCLUDED + name for name in FILTERS),
)
"""The names of the parameters that describe a view."""


def _from_text(text: str) -> Value:
    if text == NULL:
        return None
    return text.removeprefix(NULL)


def parse_view(
    tab: Tab, query: Iterable[tuple[str, str]], page_parameters: Collection[str] = ()
) -> View:
    """Parse a URL. Raises InputError that names the parameter and the allowed values.

    `page_parameters` are the names of the page's parameters that do not describe a view.
    """
    pairs = [pair for pair in query if pair[0] not in page_parameters]
    check_names((name for name, _ in pairs), PARAMETERS)
    parameters = dict(pairs)
    first, last = _dates(parameters)
    view = View(
        tab=tab,
        range="own" if first else _one_of(parameters, "range", RANGES, None),
        first=first,
        last=last,
        compare=_one_of(parameters, "compare", COMPARISONS, "previous"),
        metric=_one_of(parameters, "metric", CHARTED, "visits"),
        grain=_one_of(parameters, "by", GRAINS, None),
        filters=_filters(pairs),
        hour=parse_hour(parameters["hour"]) if tab == "trust" and "hour" in parameters else None,
        operator=_operator(parameters) if tab == "machines" else "",
    )
    if view.range == "own" and not first:
        raise InputError("range=own needs two dates: from=2026-11-01&to=2026-11-30.")
    for panel, allowed in CHOICES.items():
        view = view.with_choice(panel, _one_of(parameters, panel, allowed, allowed[0]))
    return view


Name = TypeVar("Name", bound=str)
Default = TypeVar("Default", bound="str | None")


def _one_of(
    parameters: Mapping[str, str], parameter: str, allowed: Sequence[Name], default: Default
) -> Name | Default:
    text = parameters.get(parameter)
    if text is None:
        return default
    for name in allowed:
        if name == text:
            return name
    names = ", ".join(allowed)
    raise InputError(f"{parameter}={text[:40]} is not known; use one of {names}.")


def _dates(parameters: Mapping[str, str]) -> tuple[date | None, date | None]:
    """Parse the two dates of an own range, in order."""
    texts = [parameters.get(name) for name in ("from", "to")]
    if texts == [None, None]:
        return None, None
    if None in texts:
        raise InputError("A range needs two dates: from=2026-11-01&to=2026-11-30.")
    first, last = sorted(_date(text or "") for text in texts)
    if (last - first).days >= LONGEST_DAYS:
        raise InputError(f"A range has {LONGEST_DAYS:,} days at most; {first} to {last} is longer.")
    return first, last


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InputError(f"{text[:40]!r} is not a date; write it like 2026-11-20.") from None
    return day


def parse_hour(text: str) -> Hour:
    """Parse a UTC hour. Raises InputError if it is malformed or its year is out of range."""
    hour = Hour.parse(text[:40])
    if not FIRST_YEAR <= hour.start.year <= LAST_YEAR:
        raise InputError(f"{text[:40]!r} is not an hour; write it like 2026-11-20T05 (UTC).")
    return hour


def _operator(parameters: Mapping[str, str]) -> str:
    """Parse the operator; one without machines chooses no row."""
    text = parameters.get("operator", "")
    if len(text) > LONGEST_OPERATOR:
        raise InputError(f"An operator's name has {LONGEST_OPERATOR} characters at most.")
    return text


def _filters(pairs: Iterable[tuple[str, str]]) -> tuple[Filter, ...]:
    view = View()
    number = 0
    for parameter, text in pairs:
        name = parameter.removeprefix(EXCLUDED)
        if name not in FILTERS:
            continue
        number += 1
        if number > MOST_VALUES or len(text) > LONGEST_VALUE:
            raise InputError(
                f"A URL filters by {MOST_VALUES} values at most, of {LONGEST_VALUE:,} characters "
                "each; remove some."
            )
        view = view.with_filter(name, _from_text(text), parameter.startswith(EXCLUDED))
    return view.filters
