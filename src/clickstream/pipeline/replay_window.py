"""The replay window: which published hours can be built again with the same visitor ids.

An hour is past its window when a visitor key that it was built with is destroyed. To build it again
would give its visitors new ids, so that they count twice, and would change the hours after it.
So every build asks here first. `new_visitor_ids` is the way to do it on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clickstream.errors import KeyDestroyed
from clickstream.hours import Hour, describe_hours
from clickstream.lake import Lake, hour_ledger, visitor_keys
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.visitor_keys import KeyIds, KeyRing, Period, periods_of

KEY_COLUMNS = ("hour_at", "visitor_key", "earlier_visitor_key")
"""The columns of the ledger that say which keys an hour was built with."""


class ReplayWindow:
    """Which hours of a lake are past their window, as one operation sees it.

    `keys` are the keys that the operation builds with.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.keys = KeyRing(lake)

    def key_ids(self, row: Mapping[str, Any]) -> KeyIds:
        """The ids of the keys that a published hour, by its row of the ledger, was built with."""
        return KeyIds(row["visitor_key"], row["earlier_visitor_key"])

    def is_over(self, row: Mapping[str, Any]) -> bool:
        """Whether the hour of a row of the ledger is past its window."""
        return self._destroyed(row) is not None

    def _destroyed(self, row: Mapping[str, Any]) -> str | None:
        """The id of a key that the hour was built with and that is not stored any more."""
        ids = self.key_ids(row)
        return next((one for one in (ids.own, ids.earlier) if one and not self.keys.has(one)), None)

    def check(self, row: LedgerRow) -> None:
        """Raise KeyDestroyed for a published hour that is past its window.

        It is not raised while the hour's period is open for new visitor ids.
        """
        if row.values and (error := self.refusal(row)):
            raise error

    def refusal(self, row: LedgerRow) -> KeyDestroyed | None:
        """Why a published hour may not be built again; None if it may."""
        destroyed = self._destroyed(row.values)
        hour = Hour.at(row.values["hour_at"])
        if destroyed is None or self.is_open(hour):
            return None
        return KeyDestroyed(self._message(hour, destroyed))

    def check_all(self, rows: Iterable[LedgerRow]) -> None:
        """Raise one KeyDestroyed for all published hours that are past their window."""
        raise_first(self.refused(rows))

    def refused(self, rows: Iterable[LedgerRow]) -> Sequence[tuple[Hour, KeyDestroyed]]:
        """The published hours that may not be built again, in order, each with why."""
        found = ((row, self.refusal(row)) for row in rows if row.values)
        hours = {Hour.at(row.values["hour_at"]): error for row, error in found if error}
        return sorted(hours.items(), key=lambda pair: pair[0])

    def is_open(self, hour: Hour) -> bool:
        """Whether the hour's period is open for new visitor ids."""
        return periods_of(self._lake, hour)[0].name in self._open_periods

    @cached_property
    def _open_periods(self) -> frozenset[str]:
        return frozenset(one.name for one in visitor_keys.open_periods(self._lake))

    def _message(self, hour: Hour, key_id: str) -> str:
        period = Period.named(key_id.partition("/")[0])
        at = visitor_keys.destroyed_at(self._lake, key_id)
        when = f" on {at:%Y-%m-%d at %H:%M} UTC" if at else ""
        return (
            f"Hour {hour} is past its replay window and was not built again: the visitor key of "
            f"{period.start:%Y-%m-%d} to {period.last_day:%Y-%m-%d} was destroyed{when}, so its "
            "visitors would get new ids and count twice. Nothing was changed, lines that came late "
            "stay in raw, and to clear the task again has the same result. To build its whole key "
            f"period with new visitor ids: clickstream build {hour} {hour} --new-visitor-ids, or "
            "tick New visitor ids in clickstream_reprocess."
        )


def raise_first(refused: Sequence[tuple[Hour, KeyDestroyed]]) -> None:
    """Raise one KeyDestroyed for refused hours, in order, that names them all; none for no hour."""
    if not refused:
        return
    others = describe_hours([hour for hour, _ in refused[1:]])
    raise KeyDestroyed(f"{refused[0][1]}{f' Also refused: {others}.' if others else ''}")


def check_replay_window(lake: Lake, first: Hour, last: Hour) -> None:
    """Raise KeyDestroyed if a published hour from `first` to `last` is past its window."""
    ReplayWindow(lake).check_all(hour_ledger.ledger_rows(lake, first, last).values())


@dataclass(frozen=True)
class Renewal:
    """A period that is open for new visitor ids, and its hours that still have the former ones."""

    period: Period
    opened: visitor_keys.OpenPeriod
    left: tuple[Hour, ...]


def renewals(lake: Lake) -> list[Renewal]:
    """The periods that are open for new visitor ids; as a rule there is none."""
    found = []
    for opened in visitor_keys.open_periods(lake):
        period = Period.named(opened.name)
        rows = hour_ledger.ledger_rows(lake, Hour(period.start), Hour(period.end).previous)
        window = ReplayWindow(lake)
        left = sorted(hour for hour, row in rows.items() if window.is_over(row.values))
        found.append(Renewal(period, opened, tuple(left)))
    return found


def close_renewed_periods(lake: Lake) -> None:
    """End the permission for new visitor ids of the periods whose hours all have them."""
    for renewal in renewals(lake):
        if not renewal.left:
            visitor_keys.close_period(lake, renewal.opened.name)
