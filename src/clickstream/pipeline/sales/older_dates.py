"""Compare the dates before the horizon of a database with the lake, once a week and on demand.

An hourly run compares only the dates of the last `horizon_days`. What has changed before is named
with the command that reads it again. An order or refund that has moved from before the horizon to
after it would count twice, so its older date is pulled by itself. `clickstream sales pull`,
`clickstream sales compare` and the task `compare_older_dates` call this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clickstream.collect.sales.reader import DayDigest, SalesReader
from clickstream.core.hours import Hour
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, aws_errors, publication
from clickstream.lake.compared_dates import (
    COMPARED_EVERY,
    compared_dates,
    describe_changed,
    describe_other_rules,
    describe_unread,
    record_older,
    still_changed,
)
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.sales.opening import FindConnection, open_source, rules_of_lake
from clickstream.pipeline.sales.pull import is_changed, is_read_by
from clickstream.sales.fields import DATED, KEYS, TIMES
from clickstream.sales.row_reader import SalesRules
from clickstream.sales.sales_day import build_day
from clickstream.settings.sales import SalesSettings
from clickstream.tables import Table
from clickstream.tables.sales import ORDERS, REFUNDS


@dataclass(frozen=True)
class OlderDates:
    """What a comparison of a source's dates before `since` has found.

    `changed` dates differ at the source from what was read, and `unread` ones were never read.
    `of_other_rules` do not differ, and were read with other settings.
    `moved` are those of `changed` with an order or a refund that the source has on a date from
    `since` on now.
    """

    source: str
    since: date
    changed: Sequence[date]
    unread: Sequence[date]
    of_other_rules: Sequence[date]
    moved: Sequence[date] = ()

    @property
    def sentences(self) -> Iterator[str]:
        """A sentence for each group of dates, with the command that reads them."""
        if self.moved:
            yield (
                f"{self.source}: orders or refunds have moved from "
                f"{quantity(len(self.moved), 'date')} before {self.since} to later ones: "
                f"{shorten(self.moved)}."
            )
        if named := [day for day in self.changed if day not in self.moved]:
            yield f"{self.source}: {describe_changed(self.source, named)}"
        if self.unread:
            yield f"{self.source}: {describe_unread(self.source, self.unread)}"
        if self.of_other_rules:
            yield f"{self.source}: {describe_other_rules(self.source, self.of_other_rules)}"


@aws_errors.translate_errors()
def are_due(lake: Lake, source: SalesSettings, now: datetime) -> bool:
    """Whether a source has older dates that were not compared for a week."""
    if source.kind != "sql":
        return False
    compared_at = compared_dates(lake, source.name).older_at
    return compared_at is None or now - compared_at >= COMPARED_EVERY


def compare_older_dates(
    lake: Lake, source: SalesSettings, now: datetime, find: FindConnection | None = None
) -> OlderDates:
    """Compare all dates of a database before the horizon, by one query for each table.

    Raises ShopUnreachable, ShopRefused, UnusableSales.
    """
    since = now.date() - timedelta(days=source.horizon_days)
    last = since - timedelta(days=1)
    rules = rules_of_lake(lake, source)
    with aws_errors.translate_errors():
        recorded = publication.versions(lake, source.name, None, last)
    with open_source(lake.settings, source, rules, find, DATED) as reader:
        days = reader.survey(None, last, examples=0).days
        nothing = DayDigest({}, "")
        changed = {
            day: version
            for day, version in recorded.items()
            if is_changed(version, days.get(day, nothing))
        }
        moved = [*_moved_across(lake, reader, rules, changed, since)]
    of_other_rules = sorted(
        day for day, v in recorded.items() if day not in changed and not is_read_by(v, rules)
    )
    lacking = days.keys() - recorded
    with aws_errors.translate_errors():
        compared = record_older(lake, source.name, last, changed, lacking, of_other_rules, now)
        still = still_changed(lake, source.name, compared)
    older = [day for day in still if day < since]
    return OlderDates(source.name, since, older, compared.unread, of_other_rules, moved)


def _moved_across(
    lake: Lake, reader: SalesReader, rules: SalesRules, changed: Collection[date], since: date
) -> Iterator[date]:
    """Yield the dates of which the lake has an id that the source has on a date from `since` on."""
    if not changed:
        return
    tables = [table for table in (ORDERS, REFUNDS) if table.name in rules.columns.tables]
    with aws_errors.translate_errors():
        stored = {table: _ids_by_date(lake, table, rules.source, changed) for table in tables}
    for day in sorted(changed):
        rows = reader.read_day(day)
        for table, by_date in stored.items():
            name = table.name
            column = rules.columns.tables[name].columns[KEYS[name][0]]
            gone = by_date[day] - {str(row.values[column]).strip() for row in rows.get(name, ())}
            found = {name: reader.find(name, gone, by_id=True)}
            times = (row[TIMES[name]] for row in build_day(date.min, found, rules).rows[table])
            if any(time.date() >= since for time in times):
                yield day
                break


def _ids_by_date(
    lake: Lake, table: Table, source: str, days: Collection[date]
) -> dict[date, set[str]]:
    """Return the ids that the lake has of some dates of a source."""
    first, last = Hour.midnight(min(days)), Hour.midnight(max(days)).plus(23)
    columns = ["event_date", "sales_source", KEYS[table.name][0]]
    rows = iceberg_tables.load(lake, table).read(first, last, columns)
    ids: dict[date, set[str]] = defaultdict(set)
    for day, of_source, row_id in zip(*(rows[name].to_pylist() for name in columns), strict=True):
        if of_source == source:
            ids[day].add(row_id)
    return ids
