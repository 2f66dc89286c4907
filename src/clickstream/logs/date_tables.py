"""The rows of the tables of a date, from its lines and the open sessions of the date before."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from itertools import chain, groupby
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import __version__, people, sessions
from clickstream.clean import Cleaner, RequestTable, VisitorKeys
from clickstream.clean.request_table import together
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour
from clickstream.lake.visitor_keys import KeyPeriod, periods_of
from clickstream.logs.lines_by_date import HOURS_OF_A_DAY, HourOfLog, Piece, date_of
from clickstream.parquet import shape, shaped_schema
from clickstream.parse import parse
from clickstream.people.date_search import search_date
from clickstream.pipeline.hour.rows import build_rows
from clickstream.settings import Settings
from clickstream.step_config import (
    clean_rules,
    look_ups,
    networks_dated,
    result_digest,
    session_rules,
)
from clickstream.tables import (
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_PARTS,
    Table,
)
from clickstream.tables.people import PEOPLE_ESTIMATES

DateTables = Mapping[Table, pa.Table]
"""The rows of a date, or of consecutive ones, by table."""


class DateCarry(NamedTuple):
    """What later dates need of a date.

    `open_sessions` are those at its end (the columns CARRY_COLUMNS), `reached` is the number of the
    hour after its last one, and `counts` are those of its people.
    """

    open_sessions: pa.Table
    reached: int
    counts: people.Counts


class DateBuilder:
    """Builds the rows of consecutive dates, some dates at a time, in order.

    `settings` have the site's own domains. Visitor ids are hashes with keys made from `secret`;
    keys change as often as in a lake. `hours` are the first and the last hour of all logs: between
    them, hours without lines are published, too. `before` has the carries of earlier dates, if the
    first date to build is not the first one of the logs.
    """

    def __init__(
        self,
        settings: Settings,
        secret: bytes,
        hours: tuple[int, int],
        read_at: datetime,
        before: Mapping[int, DateCarry] | None = None,
    ) -> None:
        self._settings, self._secret, self._read_at = settings, secret, read_at
        self._first_hour, self._last_hour = hours
        self._rules = session_rules(settings)
        self._clean_rules, self._look_ups = clean_rules(settings), look_ups(settings)
        self._open_sessions, self._reached = sessions.no_carry(), self._first_hour
        self._cleaner: Cleaner | None = None
        counts = {date_of(day): carry.counts for day, carry in (before or {}).items()}
        self._history = people.SiteHistory(counts)
        if before:
            last = before[max(before)]
            self._open_sessions, self._reached = last.open_sessions, last.reached
        self._kept = frozenset(settings.people.kept_cohorts)

    def build(self, dates: Mapping[int, Sequence[Piece]]) -> DateTables:
        """Return the rows of consecutive dates, which are days since 1970-01-01."""
        hours = self._hours(min(dates), max(dates))
        pieces = [piece for of_date in dates.values() for piece in of_date]
        requests = self._requests(dates)
        if hours[0].number != self._reached:
            self._open_sessions = sessions.no_carry()
        self._carry_in, self._reached = self._open_sessions, hours[-1].number + 1
        rows = build_rows(requests, self._carry_in, self._rules)
        ends = sessions.carry_rows(rows[SESSION_PARTS])
        of_sessions = pa.concat_tables([self._carry_in, ends])
        self._open_sessions = sessions.carry_out(of_sessions, hours[-1], self._rules)
        return {
            **rows,
            REJECTS: _rejects(pieces),
            RAW_OBJECTS: self._raw_objects(pieces),
            HOUR_LEDGER: self._ledger(hours, requests, pieces, rows[SESSION_PARTS]),
        }

    def _hours(self, first_day: int, last_day: int) -> list[Hour]:
        first = max(first_day * HOURS_OF_A_DAY, self._first_hour)
        last = min((last_day + 1) * HOURS_OF_A_DAY - 1, self._last_hour)
        return [Hour.of_epoch(number * 3600) for number in range(first, last + 1)]

    def _requests(self, dates: Mapping[int, Sequence[Piece]]) -> RequestTable:
        """Label the requests of dates; they are in the order of the hours."""
        labelled = []
        for keys, days in groupby(dates, self._keys_of):
            if not self._cleaner:
                self._cleaner = Cleaner(self._clean_rules, keys, self._look_ups)
            self._cleaner.forget(keys)
            self._cleaner.add(parse(b"", "common").table)  # it needs at least one batch
            for piece in chain.from_iterable(dates[day] for day in days):
                self._cleaner.add(piece.requests, source_name(piece.source))
            labelled.append(self._cleaner.requests())
        requests = together(labelled)
        order = np.argsort(requests.columns["hour"], kind="stable")
        return replace(requests, columns={k: c[order] for k, c in requests.columns.items()})

    def _keys_of(self, day: int) -> VisitorKeys:
        period, before = periods_of(self._settings, self._hours(day, day)[0])
        return VisitorKeys(self._key(period), self._key(before) if before else None)

    def _key(self, period: KeyPeriod) -> bytes:
        return hashlib.blake2b(period.name.encode(), key=self._secret, digest_size=32).digest()

    def _ledger(
        self,
        hours: Sequence[Hour],
        requests: RequestTable,
        pieces: Sequence[Piece],
        parts: pa.Table,
    ) -> pa.Table:
        """Return the ledger's rows; columns about publications say that there was none."""
        lines: Counter[int] = Counter()
        rejected: Counter[int] = Counter()
        other_hosts: Counter[int] = Counter()
        for piece in pieces:
            other_hosts.update(piece.other_hosts)
            rejected.update(piece.rejects["hour"].to_pylist())
            for (_, hour), number in piece.lines.items():
                lines[hour] += number
        of_parts = parts["hour_at"].to_numpy().astype("M8[h]").astype(np.int64)
        days = {hour.event_date for hour in hours}
        keys = {day: periods_of(self._settings, Hour.midnight(day))[0].name for day in days}
        columns: dict[str, Any] = {
            **{name: [value] * len(hours) for name, value in self._of_all_hours.items()},
            "event_date": [hour.event_date for hour in hours],
            "hour_at": [hour.naive for hour in hours],
            **requests.balance_by_hour(hours),
            "lines": [lines[hour.number] for hour in hours],
            "rejected": [rejected[hour.number] for hour in hours],
            "other_hosts": [other_hosts[hour.number] for hour in hours],
            "session_parts": np.bincount(of_parts - hours[0].number, minlength=len(hours)),
            "visitor_key": [keys[hour.event_date] for hour in hours],
        }
        nothing = [None] * len(hours)
        schema = HOUR_LEDGER.arrow_schema()
        made = [pa.array(columns.get(field.name, nothing), field.type) for field in schema]
        return pa.table(made, schema=schema)

    @cached_property
    def _of_all_hours(self) -> dict[str, Any]:
        return {
            "late_lines": 0,
            "timeout_seconds": self._rules.timeout_seconds,
            "cap_hours": self._rules.cap_hours,
            "library_version": __version__,
            "settings_digest": result_digest(self._settings),
            "published_at": self._read_at.replace(tzinfo=None),
            "published_by": "clickstream open",
            "networks_dated": networks_dated(self._settings),
            "has_order_numbers": bool(self._settings.orders.number),
        }

    def _raw_objects(self, pieces: Sequence[Piece]) -> pa.Table:
        """Return a row for each log and hour; the key names the log as the source."""
        lines: Counter[HourOfLog] = Counter()
        for piece in pieces:
            lines.update(piece.lines)
        rows = [
            {
                "event_date": Hour.of_epoch(hour * 3600).event_date,
                "hour_at": Hour.of_epoch(hour * 3600).naive,
                "raw_object": f"raw/{hour}/{log}-log-{0:014}-{0:014}.log",
                "lines": number,
                "arrived_at": self._read_at.replace(tzinfo=None),
                "is_late": False,
            }
            for (log, hour), number in sorted(lines.items())
        ]
        return pa.Table.from_pylist(rows, schema=RAW_OBJECTS.arrow_schema())

    def search(self, tables: DateTables, days: Sequence[int]) -> tuple[DateTables, list[DateCarry]]:
        """Search the dates that were built last for suspected machines, one after the other.

        Also return the carry of each date, which later dates need of it and of its past.
        """
        parts = tables[SESSION_PARTS]
        frame = dictionary_encoding.to_frame(parts.select(people.PART_COLUMNS))
        of_parts = parts["event_date"].to_numpy().astype(np.int64)
        visitors, of_visitors = people.visitors_of_dates(frame, of_parts)
        frames_by_table: defaultdict[Table, list[pd.DataFrame]] = defaultdict(list)
        estimates, carries = [], []
        for number in days:
            day = date_of(number)
            of_day = visitors.iloc[_slice_of(of_visitors, number)]
            searched = search_date(day, of_day, self._history, self._history.habit(day), self._kept)
            estimates.append(searched.estimate)
            for table, rows in searched.rows.items():
                frames_by_table[table].append(rows.assign(day=number) if len(rows) else rows)
            last = self._hours(number, number)[-1]
            ends = sessions.carry_rows(parts[_slice_of(of_parts, number)])
            of_sessions = pa.concat_tables([self._carry_in, ends])
            self._carry_in = sessions.carry_out(of_sessions, last, self._rules)
            carries.append(DateCarry(self._carry_in, last.number + 1, searched.counts))
        frames_by_table[PEOPLE_ESTIMATES] = [pd.DataFrame(estimates).assign(day=days)]
        return {
            table: _shape_frames(frames, table) for table, frames in frames_by_table.items()
        }, carries


def source_name(number: int) -> str:
    """Return the name of a source in the column `raw_object`; names sort like the numbers."""
    return f"{number:012}"


def _slice_of(days: NDArray[np.int64], day: int) -> slice:
    """Return the slice of the rows of a day; `days` has the day of each row, in order."""
    return slice(*np.searchsorted(days, [day, day + 1]).tolist())


def _shape_frames(frames: Sequence[pd.DataFrame], table: Table) -> pa.Table:
    """Convert the rows of dates, with the number of their `day`, to the columns of a table."""
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return shaped_schema(table).empty_table()
    rows = pd.concat(frames, ignore_index=True)
    return shape(rows, table, pa.array(rows["day"].to_numpy("M8[D]").astype("M8[us]")))


def _rejects(pieces: Sequence[Piece]) -> pa.Table:
    """Return the rows of `rejects`."""
    tables = [
        dictionary_encoding.append_columns(
            piece.rejects,
            {
                "raw_object": dictionary_encoding.encode_constant(
                    source_name(piece.source), len(piece.rejects)
                )
            },
        )
        for piece in pieces
        if len(piece.rejects)
    ]
    if not tables:
        return shaped_schema(REJECTS).empty_table()
    rows = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    hours = rows["hour"].to_numpy().astype("M8[h]").astype("M8[us]")
    return shape(rows, REJECTS, pa.array(hours))
