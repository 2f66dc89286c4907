"""The list of visits: its rows as a page shows them, and its CSV file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.folding import named_rows
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.visits.questions import (
    PageKey,
    errors_question,
    goals_question,
    id_text,
    visits_question,
)
from clickstream.dashboard.widgets.page import PageContext

ROWS = 50
"""Number of visits on a page of the list."""
ROWS_OF_A_BATCH = 5000
"""Number of visits that the CSV file asks for at once."""

Record = Mapping[str, Any]
_PLACES = (("city_name", "city"), ("region_name", "region"), ("country", "country"))
_FEW = "Other places"

CSV_COLUMNS = (
    "session_id",
    "visitor_id",
    "local_time",
    "channel",
    "source",
    "medium",
    "campaign",
    "content",
    "term",
    "referrer",
    "place",
    "device",
    "browser",
    "os",
    "landing_page",
    "exit_page",
    "page_views",
    "duration_seconds",
    "goals",
    "errors",
)


@dataclass(frozen=True)
class ShownVisit:
    """A visit as a list shows it. `origin` is its source, with the campaign if it has one."""

    id: str
    day: str
    time: str
    channel: str
    origin: str
    place: str
    device: str
    landing_page: str
    pages: int
    length: str
    goals: Sequence[str]
    errors: Sequence[str]


@dataclass(frozen=True)
class VisitList:
    """A page of the list. `older` is the key of the next page, empty on the last one."""

    total: int
    rows: Sequence[ShownVisit]
    older: str


class NamedPlaces:
    """The places of some visits, without the names of those with fewer than ten visitors."""

    def __init__(self, page: PageContext, period: Period, filtered: bool = True) -> None:
        self._page = page
        self._period = period
        self._filters = None if filtered else ()

    @cached_property
    def _named(self) -> Mapping[str, set[Any]]:
        named = {}
        for column, by in _PLACES:
            answer = self._page.answer(("visits",), (by,), self._period, filters=self._filters)
            named[column] = {row[0] for row in named_rows(answer)} - {None}
        return named

    def name_of(self, visit: Record) -> str:
        """Return the smallest place of a visit that may be named."""
        for column, _ in _PLACES:
            if visit[column] in self._named[column]:
                is_country = column == "country"
                name = str(visit[column])
                return self._page.formats.country(name) if is_country else name
        return "" if visit["country"] is None else _FEW


def build_list(page: PageContext, after: PageKey | None) -> VisitList:
    """Ask for one page of the visits of the view, the newest first."""
    total = page.answer(("visits",)).single()["visits"] or 0
    visits = _ask(page, ROWS + 1, after)
    shown = visits[:ROWS]
    older = str(_key_of(shown[-1])) if len(visits) > ROWS else ""
    return VisitList(total, shown_visits(page, shown, NamedPlaces(page, page.period)), older)


def shown_visits(
    page: PageContext, visits: Sequence[Record], places: NamedPlaces
) -> list[ShownVisit]:
    """Format visits, with the goals and the errors of each."""
    goals, errors = _goals_of(page, visits), _errors_of(page, visits)
    return [
        _shown(page, visit, places, goals[visit["session_id"]], errors[visit["session_id"]])
        for visit in visits
    ]


def _ask(page: PageContext, limit: int, after: PageKey | None) -> list[Record]:
    question = visits_question(page.period, page.view.filters, limit, after, page.key_days)
    return records(page.ask(question).records())


def records(rows: Sequence[Record]) -> list[Record]:
    """Return rows of visits with their ids as text."""
    return [
        {**row, **{name: id_text(row[name]) for name in ("session_id", "visitor_id")}}
        for row in rows
    ]


def _key_of(visit: Record) -> PageKey:
    return PageKey(visit["started_at"], visit["session_id"])


def _days_of(visits: Sequence[Record]) -> Period:
    """Return the local dates of some visits."""
    days = [visit["local_date"] for visit in visits]
    return Period(min(days), max(days))


def _goals_of(page: PageContext, visits: Sequence[Record]) -> Mapping[str, list[str]]:
    goals: dict[str, list[str]] = defaultdict(list)
    ids = [visit["session_id"] for visit in visits if visit["conversions"]]
    if ids:
        for row in page.ask(goals_question(ids, _days_of(visits))).records():
            goals[id_text(row["session_id"])].append(str(row["goal"]))
    return goals


def _errors_of(page: PageContext, visits: Sequence[Record]) -> Mapping[str, list[str]]:
    """Return the errors of each visit, such as `500 /order`."""
    errors: dict[str, list[str]] = defaultdict(list)
    ids = [visit["session_id"] for visit in visits if visit["errors"]]
    if ids:
        for row in page.ask(errors_question(ids, _days_of(visits))).records():
            name = " ".join(filter(None, (str(row["status"]), row["page"])))
            errors[id_text(row["session_id"])].append(name)
    return errors


def _shown(
    page: PageContext,
    visit: Record,
    places: NamedPlaces,
    goals: Sequence[str],
    errors: Sequence[str],
) -> ShownVisit:
    formats, local = page.formats, local_start(page, visit)
    return ShownVisit(
        visit["session_id"],
        formats.day(local.date(), with_weekday=True),
        formats.time(local),
        visit["channel"] or NO_VALUE,
        origin_of(visit),
        places.name_of(visit),
        device_of(visit),
        visit["landing_page"] or NO_VALUE,
        visit["page_views"],
        formats.seconds(visit["duration_seconds"] or 0),
        goals,
        errors,
    )


def local_start(page: PageContext, visit: Record) -> datetime:
    """Return the local time at which a visit began."""
    return to_local(visit["started_at"], page.zone)


def origin_of(visit: Record) -> str:
    """Name the source of a visit, or else the referring site, and the campaign."""
    return " · ".join(filter(None, (visit["source"] or visit["referrer"], visit["campaign"])))


def device_of(visit: Record) -> str:
    """Name the device and the browser of a visit."""
    return " · ".join(filter(None, (visit["device"], visit["browser"]))) or NO_VALUE


def csv_rows(page: PageContext) -> Iterator[Sequence[Any]]:
    """Yield the head and the rows of the CSV file: all visits of the view."""
    yield CSV_COLUMNS
    places, after = NamedPlaces(page, page.period), None
    while visits := _ask(page, ROWS_OF_A_BATCH, after):
        goals, errors = _goals_of(page, visits), _errors_of(page, visits)
        for visit in visits:
            own = {
                "local_time": local_start(page, visit).isoformat(sep=" ", timespec="seconds"),
                "place": places.name_of(visit),
                "goals": ", ".join(goals[visit["session_id"]]),
                "errors": ", ".join(errors[visit["session_id"]]),
            }
            yield [{**visit, **own}[name] for name in CSV_COLUMNS]
        after = _key_of(visits[-1])
