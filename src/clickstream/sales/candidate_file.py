"""Candidates for a new café, from a CSV file that the owner fills in.

The setting `candidates` of `[locations]` names the file; docs/locations.md describes its columns.
Each row that can't be used has a sentence, and the other rows count.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clickstream.core.errors import InputError
from clickstream.core.wording import shorten
from clickstream.insight.arrays import Floats
from clickstream.insight.huff import distances_km
from clickstream.insight.location_market import Point, Town, points_of
from clickstream.insight.location_plan import CafeCandidate
from clickstream.insight.place_names import PlaceKey, place_key
from clickstream.sales.value_checks import BadValue

COLUMNS = ("name", "place", "latitude", "longitude", "attraction", "competition")
"""The columns that the file can have; `name` is needed, and either `place` or both coordinates."""

_LATITUDE, _LONGITUDE = (-90.0, 90.0), (-180.0, 180.0)
_COMPETITION, _ATTRACTION = (0.0, 1000.0), (0.1, 10.0)

FARTHEST_TOWN_KM = 50.0
"""Distance to the nearest town beyond which a candidate can't be meant, such as one in the sea."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class CandidateFile:
    """The candidates of a file, and a sentence for each row that can't be used."""

    candidates: tuple[CafeCandidate, ...]
    problems: tuple[str, ...]


class _Places(NamedTuple):
    """The towns of the lake: their points by name, and as rows."""

    by_name: Mapping[PlaceKey, Point]
    points: Floats


def read_candidates(text: str, where: str, towns: Sequence[Town]) -> CandidateFile:
    """Read the file; `where` is its path.

    Raises InputError if the columns are not those of COLUMNS.
    """
    places = _Places(
        {place_key("city", town.name): town.point for town in towns},
        points_of([town.point for town in towns]),
    )
    candidates: dict[str, CafeCandidate] = {}
    problems: list[str] = []
    for number, row, has_extra_values in _read_rows(text, where):
        try:
            if has_extra_values:
                raise BadValue(
                    "it has more values than columns: put quotes around a text with a comma"
                )
            candidate = _candidate(row, places)
            if candidate.name in candidates:
                raise BadValue("it is in the file twice: give each row a name of its own")
        except BadValue as problem:
            name = row["name"] or "without a name"
            problems.append(f"Line {number}, {name}: {problem}.")
        else:
            candidates[candidate.name] = candidate
    return CandidateFile(tuple(candidates.values()), tuple(problems))


def write_candidates(candidates: Sequence[CafeCandidate]) -> str:
    """Return candidates as a file to fill in."""
    lines = io.StringIO()
    table = csv.DictWriter(lines, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for candidate in candidates:
        point = {"latitude": candidate.point.latitude, "longitude": candidate.point.longitude}
        table.writerow({"name": candidate.name} | point)
    return lines.getvalue()


def _read_rows(text: str, where: str) -> Iterator[tuple[int, Row, bool]]:
    """Yield the number of each line, its values by column, and whether it has more values.

    An absent value is empty.
    """
    lines = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    columns = [name.strip() for name in lines.fieldnames or ()]
    if "name" not in columns or not {*columns} <= {*COLUMNS} or len({*columns}) < len(columns):
        raise InputError(
            f"The columns of {where} are {shorten(columns, len(COLUMNS))}: the file needs name, "
            f"and can have {', '.join(COLUMNS[1:])}, each once."
        )
    lines.fieldnames = columns
    for row in lines:
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        yield lines.line_num, values, None in row


def _candidate(row: Row, places: _Places) -> CafeCandidate:
    """Return the candidate of a row. Raises BadValue with what is wrong and what to do."""
    if not row["name"]:
        raise BadValue("it needs a name: write one")
    return CafeCandidate(
        name=row["name"],
        point=_point(row, places),
        competition=_number(row, "competition", _COMPETITION, "0"),
        attraction=_number(row, "attraction", _ATTRACTION, "1"),
    )


def _point(row: Row, places: _Places) -> Point:
    """Return the coordinates of a row, or those of its place."""
    if row["latitude"] and row["longitude"]:
        return _near_a_town(row, places.points)
    if row["latitude"] or row["longitude"]:
        raise BadValue("it has one coordinate only: write latitude and longitude")
    if not row["place"]:
        raise BadValue("it has no coordinates: write latitude and longitude, or a place")
    point = places.by_name.get(place_key("city", row["place"]))
    if point is None:
        raise BadValue(
            f"no town with visits and inhabitants is called {row['place']}: write it as the "
            "dashboard does, for example Leeds, England, GB, or write latitude and longitude"
        )
    return point


def _near_a_town(row: Row, towns: Floats) -> Point:
    """Return the coordinates of a row. Raises BadValue if no town is near, as in the sea."""
    point = Point(_number(row, "latitude", _LATITUDE), _number(row, "longitude", _LONGITUDE))
    if distances_km(points_of([point]), towns).min() > FARTHEST_TOWN_KM:
        raise BadValue(
            f"no town with visits and inhabitants is within {FARTHEST_TOWN_KM:g} km of "
            f"{point.latitude:g}, {point.longitude:g}: check the sign and the order of its "
            "coordinates"
        )
    return point


def _number(row: Row, column: str, limits: tuple[float, float], default: str = "") -> float:
    """Return the number in a column. Raises BadValue if it is outside the limits."""
    text = row[column] or default
    try:
        value = float(text)
    except ValueError:
        raise BadValue(f"{column} is {text}, which is no number: write it as 1234.56") from None
    low, high = limits
    if not low <= value <= high:
        raise BadValue(f"{column} is {text}: write a number from {low:g} to {high:g}")
    return value
