"""The rows of the tables of a date, from its lines and the open sessions of the date before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from clickstream import __version__, dictionary_encoding, people, sessions
from clickstream.clean import Cleaner, RequestTable, VisitorKeys
from clickstream.hours import Hour
from clickstream.lake.visitor_keys import KeyPeriod, periods_of
from clickstream.log_facts.date_carry import DateCarry, digest_continued_sessions
from clickstream.log_facts.lines_by_date import HOURS_OF_A_DAY, HourOfLog, Piece, date_of
from clickstream.parquet import shape, shaped_schema
from clickstream.parse import parse
from clickstream.pipeline.hour.rows import build_rows, hour_slices
from clickstream.pipeline.publish.date_search import search_date
from clickstream.settings import Settings
from clickstream.step_config import (
    clean_rules,
    look_ups,
    networks_dated,
    result_digest,
    session_rules,
)
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_PARTS,
    Table,
)
from clickstream.tables.dates import PEOPLE_ESTIMATES, VISITOR_COUNTS

DateTables = Mapping[Table, pa.Table]
"""The rows of a date, by table."""

_NO_COUNTS = pd.DataFrame(columns=people.COUNT_COLUMNS)


class DateBuilder:
    """Builds the rows of one date after the other, in order.

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
        self._keys: VisitorKeys | None = None
        counts = {date_of(day): one.counts for day, one in (before or {}).items()}
        self._history, self._counts = people.SiteHistory(counts), _NO_COUNTS
        self._continued = ""
        if before:
            last = before[max(before)]
            self._open_sessions, self._reached = last.open_sessions, last.reached
        self._kept = frozenset(settings.people.kept_cohorts)

    def build(self, day: int, pieces: Iterable[Piece]) -> DateTables:
        """Return the rows of a date, given in days since 1970-01-01; call it in order."""
        pieces, hours = [*pieces], self._hours(day)
        requests = self._requests(pieces, self._cleaner(hours[0]))
        is_next = hours[0].number == self._reached
        carry = self._open_sessions if is_next else sessions.no_carry()
        rows, _, self._open_sessions = build_rows(requests, hours, carry, self._rules)
        self._reached = hours[-1].number + 1
        found = {table: pa.concat_tables(some) for table, some in rows.items()}
        found[REJECTS] = _rejects(pieces)
        found[RAW_OBJECTS] = self._raw_objects(pieces)
        found[HOUR_LEDGER] = self._ledger(hours, requests, pieces, rows[SESSION_PARTS])
        midnight = Hour.midnight(date_of(day)).naive
        self._continued = digest_continued_sessions(found[SESSION_PARTS], found[HITS], midnight)
        return found

    def _hours(self, day: int) -> list[Hour]:
        first = max(day * HOURS_OF_A_DAY, self._first_hour)
        last = min((day + 1) * HOURS_OF_A_DAY - 1, self._last_hour)
        return [Hour.of_epoch(number * 3600) for number in range(first, last + 1)]

    def _cleaner(self, hour: Hour) -> Cleaner:
        """Return a cleaner without requests, which still knows the user agents of earlier dates."""
        period, before = periods_of(self._settings, hour)
        keys = VisitorKeys(self._key(period), self._key(before) if before else None)
        if keys != self._keys:
            self._keys = keys
            self._last_cleaner = Cleaner(self._clean_rules, keys, self._look_ups)
        self._last_cleaner.forget()
        return self._last_cleaner

    def _key(self, period: KeyPeriod) -> bytes:
        return hashlib.blake2b(period.name.encode(), key=self._secret, digest_size=32).digest()

    def _requests(self, pieces: Sequence[Piece], cleaner: Cleaner) -> RequestTable:
        """Label the requests of a date; they are in the order of the hours."""
        cleaner.add(parse(b"", "common").table)  # the cleaner needs at least one batch
        for piece in pieces:
            cleaner.add(piece.requests, source_name(piece.source))
        requests = cleaner.requests()
        order = np.argsort(requests.columns["hour"], kind="stable")
        return replace(requests, columns={k: c[order] for k, c in requests.columns.items()})

    def _ledger(
        self,
        hours: Sequence[Hour],
        requests: RequestTable,
        pieces: Sequence[Piece],
        parts: Sequence[pa.Table],
    ) -> pa.Table:
        """Return the ledger's rows; columns about publications say that there was none."""
        lines: Counter[int] = Counter()
        rejected: Counter[int] = Counter()
        other_hosts: Counter[int] = Counter()
        for piece in pieces:
            other_hosts += piece.other_hosts
            rejected.update(piece.rejects["hour"].to_pylist())
            for (_, hour), number in piece.lines.items():
                lines[hour] += number
        of_hours = hour_slices(requests.columns["hour"], hours)
        rows = [
            {
                **self._of_all_hours,
                **_times(hour),
                **requests.balance(some),
                "lines": lines[hour.number],
                "rejected": rejected[hour.number],
                "other_hosts": other_hosts[hour.number],
                "session_parts": len(of_hour),
                "visitor_key": periods_of(self._settings, hour)[0].name,
            }
            for hour, some, of_hour in zip(hours, of_hours, parts, strict=True)
        ]
        return pa.Table.from_pylist(rows, schema=HOUR_LEDGER.arrow_schema())

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
            lines += piece.lines
        rows = [
            {
                **_times(Hour.of_epoch(hour * 3600)),
                "raw_object": f"raw/{hour}/{log}-log-{0:014}-{0:014}.log",
                "lines": number,
                "arrived_at": self._read_at.replace(tzinfo=None),
                "is_late": False,
            }
            for (log, hour), number in sorted(lines.items())
        ]
        return pa.Table.from_pylist(rows, schema=RAW_OBJECTS.arrow_schema())

    def search(self, number: int, parts: pa.Table) -> DateTables:
        """Search a date for suspected machines by its session parts; call it in order."""
        day = date_of(number)
        frame = dictionary_encoding.to_frame(parts.select(people.PART_COLUMNS))
        habit = self._history.habit(day)
        found = search_date(day, frame, self._history, habit, self._kept)
        self._counts = found.rows[VISITOR_COUNTS]
        rows = {**found.rows, PEOPLE_ESTIMATES: pd.DataFrame([found.estimate])}
        midnight = Hour.midnight(day)
        return {table: _shaped(frame, table, midnight) for table, frame in rows.items()}

    @property
    def carry(self) -> DateCarry:
        """What later dates need of the date that was built and searched last, and of its past."""
        return DateCarry(self._open_sessions, self._reached, self._counts, self._continued)


def source_name(number: int) -> str:
    """Return the name of a source in the column `raw_object`; names sort like the numbers."""
    return f"{number:012}"


def _times(hour: Hour) -> dict[str, Any]:
    return {"event_date": hour.event_date, "hour_at": hour.naive}


def _shaped(frame: pd.DataFrame, table: Table, midnight: Hour) -> pa.Table:
    return shaped_schema(table).empty_table() if frame.empty else shape(frame, table, midnight)


def _rejects(pieces: Sequence[Piece]) -> pa.Table:
    """Return the rows of `rejects`."""
    found = [
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
    if not found:
        return shaped_schema(REJECTS).empty_table()
    rows = pa.concat_tables(found).unify_dictionaries().combine_chunks()
    hours = rows["hour"].to_numpy().astype("M8[h]").astype("M8[us]")
    return shape(rows, REJECTS, pa.array(hours))
