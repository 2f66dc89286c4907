"""Verify: prove from the lake that hours add up, agree with their rows, and form one chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from clickstream import sessions
from clickstream.hours import Hour
from clickstream.lake import Lake, athena, raw, trouble
from clickstream.lake import hour as lake_hour
from clickstream.tables import BALANCE

COUNTED = {"hits": "hits", "session_parts": "session_parts", "rejects": "rejected"}
"""Tables whose rows are counted, and the ledger's column that must say the same."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and the command that mends it."""

    hour: str
    what: str

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        mend = f"clickstream build {self.hour} {self.hour}"
        return f"Hour {self.hour}: {self.what}. To mend it: {mend}"


@trouble.told()
def verify(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> list[Finding]:
    """Everything that is wrong with the published hours, by hour; an empty list proves them."""
    ledger = lake_hour.ledger(lake)
    chosen = ledger[_within(ledger["hour_at"], first, last)]
    found = [
        *_unbalanced(chosen),
        *_miscounted(lake, chosen),
        *_broken_links(ledger, chosen),
        *_waiting(lake, chosen),
    ]
    return sorted(found, key=lambda finding: finding.hour)


def _within(hour_at: pd.Series, first: Hour | None, last: Hour | None) -> pd.Series:
    inside = pd.Series(True, index=hour_at.index)
    if first:
        inside &= hour_at >= first.naive
    if last:
        inside &= hour_at <= last.naive
    return inside


def _name(hour_at: pd.Timestamp) -> str:
    return str(hour_at.strftime("%Y-%m-%dT%H"))


def _unbalanced(ledger: pd.DataFrame) -> Iterator[Finding]:
    sums = ledger[[*BALANCE, "rejected"]].sum(axis=1)
    for row in ledger[sums != ledger["lines"]].itertuples():
        yield Finding(_name(row.hour_at), f"its balance does not add up to {row.lines:,} lines")
    for hour_at in ledger.loc[ledger["hour_at"].duplicated(), "hour_at"]:
        yield Finding(_name(hour_at), "it is in the ledger twice")


def _miscounted(lake: Lake, ledger: pd.DataFrame) -> Iterator[Finding]:
    for table, column in COUNTED.items():
        counted = athena.query(lake, f"select hour_at, count(*) from {table} group by hour_at")  # noqa: S608 - our own table names
        rows = {pd.Timestamp(hour_at): number for hour_at, number in counted.rows}
        for hour_at, expected in zip(ledger["hour_at"], ledger[column], strict=True):
            if rows.get(hour_at, 0) != expected:
                what = f"{table} has {rows.get(hour_at, 0):,} rows, the ledger says {expected:,}"
                yield Finding(_name(hour_at), what)


def _broken_links(ledger: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[Finding]:
    """Hours that took over something else than the hour before hands on."""
    nothing = sessions.carry_digest(sessions.no_carry())
    handed_on = dict(zip(ledger["hour_at"], ledger["carry_out"], strict=True))
    for hour_at, carry_in in zip(chosen["hour_at"], chosen["carry_in"], strict=True):
        if handed_on.get(hour_at - pd.Timedelta(hours=1), nothing) != carry_in:
            yield Finding(_name(hour_at), "it took over other sessions than were handed on to it")


def _waiting(lake: Lake, ledger: pd.DataFrame) -> Iterator[Finding]:
    published = {_name(hour_at) for hour_at in ledger["hour_at"]}
    for hour in raw.pending_hours(lake):
        if str(hour) in published:
            yield Finding(str(hour), "lines came late and wait to be built in")
