"""The replay window: which hours can be built, or built again, with the same result.

An hour is past its window for one of two reasons. First, a visitor key that it was built with is
destroyed: building it again would give its visitors new ids, so that they count twice, and would
change the hours after it. Second, its raw lines are deleted, or will be soon: building it would
lose them. So every build checks here first. `new_visitor_ids` builds hours of the first kind on
purpose; hours of the second kind can't be built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clickstream.core.errors import KeyDestroyed, PastWindow, RawDeleted
from clickstream.core.hours import Hour, describe_hours
from clickstream.lake import Lake, hour_ledger, visitor_keys
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.publication import interrupted_hours
from clickstream.lake.raw_watermark import read_watermark
from clickstream.lake.visitor_keys import KeyIds, KeyPeriod, KeyRing, periods_of

KEY_COLUMNS = ("hour_at", "visitor_key", "earlier_visitor_key")
"""The columns of the ledger that name the keys that an hour was built with."""


class ReplayWindow:
    """Which hours of a lake are past their window, from the view of one operation.

    `keys` are the keys that the operation builds with.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.keys = KeyRing(lake)

    def key_ids(self, row: Mapping[str, Any]) -> KeyIds:
        """Return the ids of the keys that the hour of a row of the ledger was built with."""
        return KeyIds(row["visitor_key"], row["earlier_visitor_key"])

    def has_lost_key(self, row: Mapping[str, Any]) -> bool:
        """Return whether a key that the hour of a row of the ledger was built with is destroyed."""
        return self._destroyed(row) is not None

    def _destroyed(self, row: Mapping[str, Any]) -> str | None:
        """Return the id of a key that the hour was built with and that is no longer stored."""
        ids = self.key_ids(row)
        return next(
            (key_id for key_id in (ids.own, ids.earlier) if key_id and not self.keys.has(key_id)),
            None,
        )

    def has_lost_raw(self, hour: Hour) -> bool:
        """Return whether the hour is before the raw watermark, published or not.

        An hour whose publication was interrupted keeps its raw lines and can be repaired; so do the
        hours of a period that is open for new visitor ids.
        """
        if self.raw_before is None or hour >= self.raw_before or self.is_open(hour):
            return False
        return hour not in interrupted_hours(self._lake, hour, hour)

    def check(self, hour: Hour, row: LedgerRow) -> None:
        """Raise PastWindow if an hour, given with its row of the ledger, is past its window.

        It is not raised while the hour's period is open for new visitor ids.
        """
        if error := self.refusal(hour, row):
            raise error

    def refusal(self, hour: Hour, row: LedgerRow) -> PastWindow | None:
        """Return why an hour must not be built; None if it may be."""
        if self.has_lost_raw(hour):
            return RawDeleted(
                f"Hour {hour} is past its replay window and was not built: raw lines before "
                f"{self.raw_before} are deleted, or will be in a few days ([maintenance] raw_days)"
                ", so a build would lose lines. Nothing was changed, and late lines stay in the "
                "raw store and are never deleted; clearing the task has the same result."
            )
        destroyed = self._destroyed(row.values) if row.values else None
        if destroyed is None or self.is_open(hour):
            return None
        period = KeyPeriod.named(destroyed.partition("/")[0])
        record = visitor_keys.DESTROYED_KEYS.read(self._lake, destroyed)
        when = f" on {record.value:%Y-%m-%d at %H:%M} UTC" if record else ""
        return KeyDestroyed(
            f"Hour {hour} is past its replay window and was not built again: the visitor key of "
            f"{period.start:%Y-%m-%d} to {period.last_day:%Y-%m-%d} was destroyed{when}, so its "
            "visitors would get new ids and count twice. Nothing was changed, and late lines stay "
            "in the raw store; clearing the task has the same result. To build its whole key "
            f"period with new visitor ids: clickstream build {hour} {hour} --new-visitor-ids, or "
            "select New visitor ids in clickstream_reprocess."
        )

    def check_all(self, rows: Mapping[Hour, LedgerRow]) -> None:
        """Raise one PastWindow for all hours that are past their window."""
        raise_first(self.refused(rows))

    def refused(self, rows: Mapping[Hour, LedgerRow]) -> Sequence[tuple[Hour, PastWindow]]:
        """Return the hours that must not be built, in order, each with the reason."""
        refusals = ((hour, self.refusal(hour, row)) for hour, row in sorted(rows.items()))
        return [(hour, error) for hour, error in refusals if error]

    @cached_property
    def raw_before(self) -> Hour | None:
        """The raw watermark: no hour before it is built. None while raw lines are never deleted."""
        return read_watermark(self._lake).before

    def is_open(self, hour: Hour) -> bool:
        """Whether the hour's period is open for new visitor ids."""
        return periods_of(self._lake.settings, hour)[0].name in self._open_periods

    @cached_property
    def _open_periods(self) -> frozenset[str]:
        return frozenset(period.name for period in visitor_keys.open_periods(self._lake))


def raise_first(refused: Sequence[tuple[Hour, PastWindow]]) -> None:
    """Raise one PastWindow that names all refused hours, given in order; nothing for no hour."""
    if not refused:
        return
    first, rest = refused[0][1], describe_hours([hour for hour, _ in refused[1:]])
    raise type(first)(f"{first}{f' Also refused: {rest}.' if rest else ''}")


def check_replay_window(lake: Lake, first: Hour, last: Hour) -> None:
    """Raise PastWindow if a published hour from `first` to `last` is past its window."""
    ReplayWindow(lake).check_all(hour_ledger.ledger_rows(lake, first, last))


@dataclass(frozen=True)
class Renewal:
    """A period that is open for new visitor ids, and its hours that still have the former ones."""

    period: KeyPeriod
    opened: visitor_keys.OpenPeriod
    remaining: tuple[Hour, ...]


def renewals(lake: Lake) -> list[Renewal]:
    """Return the periods that are open for new visitor ids; usually there are none."""
    result = []
    for opened in visitor_keys.open_periods(lake):
        period = KeyPeriod.named(opened.name)
        rows = hour_ledger.ledger_rows(lake, Hour(period.start), Hour(period.end).previous)
        window = ReplayWindow(lake)
        remaining = sorted(hour for hour, row in rows.items() if window.has_lost_key(row.values))
        result.append(Renewal(period, opened, tuple(remaining)))
    return result


def close_renewed_periods(lake: Lake) -> None:
    """Close the periods for new visitor ids whose hours all have them."""
    for renewal in renewals(lake):
        if not renewal.remaining:
            visitor_keys.OPEN_PERIODS.delete(lake, renewal.opened.name)
