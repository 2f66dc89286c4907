"""Which dates are to be matched: those whose sales, hours or settings have changed.

A run compares lists of data files first, which needs no rows. Of the dates for which they differ,
it reads the ledgers, because a compaction changes files and no rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from more_itertools import split_when

from clickstream import __version__
from clickstream.core.hours import Hour
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import shorten
from clickstream.lake import Lake, hour_ledger, match_reads
from clickstream.lake.hour_ledger import UNPUBLISHED
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import (
    MATCHES,
    is_unfinished,
    ledger_rows,
    matches_of,
    publications_in,
    versions,
)
from clickstream.pipeline.sales.journey_reader import TRAINING_DAYS
from clickstream.pipeline.sales.match_reader import (
    MatchReader,
    Reach,
    days_around,
    rules_of_matches,
)
from clickstream.tables import HOUR_LEDGER
from clickstream.tables.people import PEOPLE_ESTIMATES
from clickstream.tables.sales import SALES_LEDGER
from clickstream.tables.sales_matches import MATCH_LEDGER

LEAST_HORIZON = 400
"""Days before today whose dates are compared at least, as `horizon_days` of a source."""

_MARGIN = 31
"""Days past the replay window in which a run that was missed is made up for."""

_OF_HOURS = ("hour_at", "published_at", "published_by", "missing_sources", "has_order_numbers")
_OF_PEOPLE = ("suspects_version",)


class Step(Enum):
    """What is to be done with a date."""

    MATCH = "match"
    ANONYMIZE = "remove the ids of visits"
    RECORD = "record that nothing has changed"


@dataclass(frozen=True)
class DateToMatch:
    """A date whose inputs may have changed.

    `files` is the version of the files, and `recorded` the stored one, with that of the date's rows
    after a hyphen. `inputs` is the digest of the rows. `stored` is the date's row in the ledger.
    `is_past` is whether the date is past the replay window.
    """

    day: date
    step: Step
    files: str
    recorded: str
    inputs: str
    stored: pa.Table
    is_past: bool

    @property
    def is_unfinished(self) -> bool:
        """Whether an earlier publication of the date was interrupted."""
        return is_unfinished(self.recorded)

    @property
    def publication(self) -> str:
        """What identifies the stored publication of the date."""
        return publications_in(self.stored, matches_of(self.day)).get(self.day, UNPUBLISHED)


@dataclass(frozen=True)
class MatchGroup:
    """Neighbouring dates: the reader of their inputs, and the rows of the ledgers."""

    reader: MatchReader
    inputs: LedgerRows


@dataclass(frozen=True)
class MatchPlan:
    """Groups of neighbouring dates, each with the reader of their inputs.

    The credits of a date depend on the journeys of the dates before it. So a date is described
    again by `describe` when the dates before it are published, and `note` takes their version.
    """

    groups: Sequence[tuple[MatchGroup, Sequence[DateToMatch]]]
    files: MatchFiles

    def describe(self, group: MatchGroup, planned: DateToMatch) -> DateToMatch:
        """Return a date with the versions that its inputs have now."""
        inputs = group.inputs.digest(planned.day, self.files.journeys_before(planned.day))
        return replace(planned, files=self.files.version(planned.day), inputs=inputs)

    def note(self, day: date, rows: str) -> None:
        """Take the version of a date's rows, on which later dates depend."""
        self.files.note(day, rows)

    @property
    def has_outdated(self) -> bool:
        """Whether dates that are not in the plan depend on rows that have changed since."""
        days = {planned.day for _, dates in self.groups for planned in dates}
        return not self.files.outdated <= days

    @property
    def dates(self) -> list[date]:
        """The dates to match or to publish again, in order."""
        return sorted(
            {
                planned.day
                for _, dates in self.groups
                for planned in dates
                if planned.step != Step.RECORD
            }
        )

    @property
    def sentence(self) -> str:
        """One line for the log."""
        if not self.dates:
            return "No date needs its orders matched."
        return f"Dates whose orders are to be matched: {shorten(self.dates)}."


@dataclass(frozen=True)
class MatchRange:
    """The dates that a run compares: from `first` (None: the horizon) to `last`.

    `since` is a date that the run has replaced sales from, before which nothing is left out.
    `everything` is whether unchanged dates are matched, too.
    """

    first: date | None = None
    last: date | None = None
    since: date | None = None
    everything: bool = False

    def start(self, lake: Lake, now: datetime) -> date:
        """Return the first date to compare."""
        days = max(LEAST_HORIZON, lake.settings.privacy.replay_days + _MARGIN)
        horizon = now.date() - timedelta(days=days)
        return self.first or min(horizon, self.since or horizon)

    def has(self, day: date) -> bool:
        """Whether a date is not after the end of the range."""
        return self.last is None or day <= self.last


def plan_matches(lake: Lake, now: datetime, chosen: MatchRange | None = None) -> MatchPlan:
    """Find the dates to match; `now` is an aware time."""
    chosen = chosen or MatchRange()
    files = MatchFiles(lake, chosen.start(lake, now), now)
    changed = [
        day
        for day in files.days
        if chosen.has(day) and (chosen.everything or not files.is_known(day))
    ]
    groups = [_group(files, days, everything=chosen.everything) for days in _neighbours(changed)]
    customers = _customers_with_new_consents(lake, groups)
    if not customers:
        return MatchPlan(groups, files)
    dates = match_reads.dates_of_customers(lake, files.first, customers)
    of_consents = sorted({*files.days} & dates - {*changed})
    # They come first: if the run is killed, the dates of the consents are still to be matched.
    forced = [_group(files, days, everything=True) for days in _neighbours(of_consents)]
    return MatchPlan([*forced, *groups], files)


def _neighbours(days: Iterable[date]) -> Iterator[list[date]]:
    """Split dates into groups whose ranges of inputs overlap."""
    return split_when(days, lambda day, following: (following - day).days > _MARGIN)


class MatchFiles:
    """The data files of all inputs by date, and the recorded versions."""

    def __init__(self, lake: Lake, first: date, now: datetime) -> None:
        self.lake, self.first = lake, first
        self.reach = Reach(rules_of_matches(lake))
        self._today = now.date()
        start = first - timedelta(days=self.reach.hours_before)
        by_table = {
            table: iceberg_tables.files_by_date(lake, table, start)
            for table in (HOUR_LEDGER, SALES_LEDGER)
        }
        people = iceberg_tables.texts_by_date(lake, PEOPLE_ESTIMATES, start, _OF_PEOPLE)
        self._hours = {
            day: digest_texts([*paths, *people.get(day, {}).values()])
            for day, paths in by_table[HOUR_LEDGER].items()
        }
        self._sales = {day: digest_texts(paths) for day, paths in by_table[SALES_LEDGER].items()}
        self.recorded = versions(lake, MATCHES, first - timedelta(days=TRAINING_DAYS))
        self.outdated: set[date] = set()
        self._rows = {  # the version of each date's rows
            day: "" if is_unfinished(version) else version.partition("-")[2]
            for day, version in self.recorded.items()
        }
        self._settings = digest_texts([lake.settings.orders.model_dump_json(), __version__])

    @property
    def days(self) -> list[date]:
        """The dates with sales, those of the log since then, and those that are recorded."""
        begin = max(min(self._sales, default=date.max), self.first)
        of_log = {day for day in self._hours if day >= begin}
        recorded = {day for day in self.recorded if day >= self.first}
        return sorted({*(day for day in self._sales if day >= begin), *of_log, *recorded})

    def is_known(self, day: date) -> bool:
        """Whether the recorded version of a date is that of its files."""
        return self.recorded.get(day, "").partition("-")[0] == self.version(day)

    def note(self, day: date, rows: str) -> None:
        """Take the version of a date's rows."""
        if self._rows.get(day) != rows:
            later = days_around(day, -1, TRAINING_DAYS)
            self.outdated |= self.recorded.keys() & {*later}
        self._rows[day] = rows

    def journeys_before(self, day: date) -> list[str]:
        """Return the versions of the rows of the dates whose journeys give the credits of one."""
        return [self._rows.get(earlier, "") for earlier in days_around(day, TRAINING_DAYS, -1)]

    def is_past(self, day: date) -> bool:
        """Whether a date is past the replay window, so that no row may name its visits."""
        return day + timedelta(days=self.lake.settings.privacy.replay_days) < self._today

    def version(self, day: date) -> str:
        """Return the version of the files that the matches of a date depend on."""
        reach = self.reach
        hours = days_around(day, reach.hours_before, reach.hours_after)
        sales = days_around(day, reach.orders_before, reach.orders_after)
        texts = [
            *(self._hours.get(near, "") for near in hours),
            *(self._sales.get(near, "") for near in sales),
            *self.journeys_before(day),
        ]
        return digest_texts([*texts, self._settings, str(self.is_past(day))])

    def inputs(self, days: Sequence[date]) -> LedgerRows:
        """Read the ledgers for neighbouring dates."""
        first, last, reach = days[0], days[-1], self.reach
        of_hours = days_around(first, reach.hours_before, 0)[0]
        hours = hour_ledger.ledger_in_order(
            self.lake,
            Hour.midnight(of_hours),
            Hour.midnight(last + timedelta(days=reach.hours_after)).plus(23),
            _OF_HOURS,
        )
        sales = ledger_rows(
            self.lake,
            first - timedelta(days=reach.orders_before),
            last + timedelta(days=reach.orders_after),
        )
        people = iceberg_tables.texts_by_date(self.lake, PEOPLE_ESTIMATES, of_hours, _OF_PEOPLE)
        return LedgerRows(hours.to_pylist(), sales.to_pylist(), people, self._settings, reach)


class LedgerRows:
    """The rows of the ledgers of a range of dates, and their digests by date."""

    def __init__(
        self,
        hours: list[dict[str, Any]],
        sales: list[dict[str, Any]],
        people: Mapping[date, Mapping[str, str]],
        settings: str,
        reach: Reach,
    ) -> None:
        self.hours, self._settings, self._reach = hours, settings, reach
        self._of_hours: dict[date, list[str]] = {
            day: [*map(str, versions.values())] for day, versions in people.items()
        }
        for row in hours:
            self._of_hours.setdefault(row["hour_at"].date(), []).append(str([*row.values()]))
        self._of_sales: dict[date, list[str]] = {}
        self._orders: Counter[date] = Counter()
        for row in sales:
            self._orders[row["event_date"]] += row["orders"]
            text = f"{row['sales_source']} {row['source_digest']}"
            self._of_sales.setdefault(row["event_date"], []).append(text)

    def orders_of(self, day: date) -> int:
        """Return the number of orders of a date."""
        return self._orders[day]

    def digest(self, day: date, journeys: Sequence[str]) -> str:
        """Return the digest of the sales, and after a hyphen that of everything else.

        `journeys` are the versions of the rows of the dates before.
        """
        reach = self._reach
        sales = _texts(self._of_sales, days_around(day, reach.orders_before, reach.orders_after))
        hours = _texts(self._of_hours, days_around(day, reach.hours_before, reach.hours_after))
        return f"{digest_texts(sales)}-{digest_texts([*hours, *journeys, self._settings])}"


def _group(
    files: MatchFiles, days: Sequence[date], *, everything: bool
) -> tuple[MatchGroup, list[DateToMatch]]:
    """Describe neighbouring dates. Their ledgers are read before any other row."""
    lake = files.lake
    ledger = iceberg_tables.load(lake, MATCH_LEDGER)
    stored = ledger.read(Hour.midnight(days[0]), Hour.midnight(days[-1]))
    rows = files.inputs(days)
    dates = []
    for day in days:
        of_day = stored.filter(pc.equal(stored["event_date"], day))
        recorded, inputs = files.recorded.get(day, ""), rows.digest(day, files.journeys_before(day))
        planned = DateToMatch(
            day,
            Step.MATCH,
            files.version(day),
            recorded,
            inputs,
            of_day,
            is_past=files.is_past(day),
        )
        dates.append(planned if everything else replace(planned, step=_step(planned)))
    return MatchGroup(MatchReader(lake, rows.hours), rows), dates


def _step(planned: DateToMatch) -> Step:
    """Return what is to be done with a date whose files differ."""
    if not len(planned.stored) or planned.is_unfinished:
        return Step.MATCH
    [stored] = planned.stored.to_pylist()
    if not planned.is_past:
        is_known = stored["inputs_digest"] == planned.inputs and not stored["is_anonymous"]
        return Step.RECORD if is_known else Step.MATCH
    if _sales_part(stored["inputs_digest"]) != _sales_part(planned.inputs):
        return Step.MATCH
    return Step.RECORD if stored["is_anonymous"] else Step.ANONYMIZE


def _sales_part(digest: str) -> str:
    return digest.partition("-")[0]


def _customers_with_new_consents(
    lake: Lake, groups: Sequence[tuple[MatchGroup, Sequence[DateToMatch]]]
) -> Collection[str]:
    """Return the customers with statements on dates whose sales have changed.

    Orders of other dates may be theirs, so that these are matched again.
    """
    customers: set[str] = set()
    for _, dates in groups:
        days = []
        for planned in dates:
            stored = planned.stored.to_pylist()
            before = _sales_part(stored[0]["inputs_digest"]) if stored else None
            if planned.step is Step.MATCH and before != _sales_part(planned.inputs):
                days.append(planned.day)
        if days:
            consents = match_reads.consents(lake, min(days), max(days))
            customers |= {*consents["customer_key"].to_pylist()}
    return customers


def _texts(by_day: Mapping[date, Sequence[str]], days: Iterable[date]) -> Iterator[str]:
    for day in days:
        yield str(day)
        yield from sorted(by_day.get(day, ()))
