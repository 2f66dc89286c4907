"""How recent the sales of each source are, from the ledger of sales; no source is asked.

`freshness` calls this for `clickstream status`. The cost depends on the number of dates checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickstream.lake import Lake
from clickstream.lake.collection import unreadable_since
from clickstream.lake.sales_publication import is_unfinished, ledger_rows, versions
from clickstream.pipeline.hosts.host_freshness import describe_unreadable_shop
from clickstream.pipeline.sales.opening import sources_with_dates
from clickstream.wording import describe_duration, quantity

ROUNDING = 0.001
"""Share of a date's gross sales up to which a shop's own rounding needs nobody's attention."""


@dataclass(frozen=True)
class SalesFreshness:
    """The sales of a source since the first date that is checked.

    `newest` is the newest of its `dates`, and `published_at` the last publication of any of them;
    both are None without a date. `rejected` dates have rows that can't be used. On `differing`
    dates, the parts of orders differ from their totals by more than `ROUNDING` of the sales.
    `unfinished` dates have a publication that was interrupted or is still running. `failing` is
    since when the source can't be read (aware), and the error of the last attempt.
    """

    name: str
    dates: int
    newest: date | None
    published_at: datetime | None
    published_by: str
    rejected: int
    differing: int
    unfinished: tuple[date, ...]
    failing: tuple[datetime, str] | None = None

    @property
    def problem(self) -> str:
        """Why the source can't be read; empty if the last attempt could."""
        return describe_unreadable_shop(self.name, self.failing)

    def sentence(self, now: datetime) -> str:
        """Describe the source in one line; `now` is an aware time."""
        if self.newest is None or self.published_at is None:
            return f"no date of these days; to pull its sales: clickstream sales pull {self.name}"
        parts = [
            f"newest date {self.newest}",
            f"last change published {describe_duration(now - self.published_at)} ago",
            quantity(self.dates, "date"),
        ]
        parts += [f"{self.rejected:,} with rejects"] if self.rejected else []
        parts += [f"{self.differing:,} with orders that differ"] if self.differing else []
        if self.unfinished:
            parts.append(f"{len(self.unfinished):,} being published, or interrupted")
        return "; ".join(parts)

    @property
    def has_notes(self) -> bool:
        """Whether a person should look at it."""
        return not self.dates or bool(
            self.rejected or self.differing or self.unfinished or self.failing
        )


def sales_freshness(lake: Lake, first: date, now: datetime) -> tuple[SalesFreshness, ...]:
    """Read the ledger of sales from `first` on, and describe the sources that have dates."""
    if not lake.settings.sales:
        return ()
    last = now.date() + timedelta(days=1)
    rows = ledger_rows(lake, first, last).to_pylist()
    with_dates = sources_with_dates(lake.settings)
    return tuple(
        _measure(
            one.name,
            [row for row in rows if row["sales_source"] == one.name],
            versions(lake, one.name, first),
            unreadable_since(lake, one.name),
        )
        for one in lake.settings.sales
        if one.name in with_dates
    )


def _measure(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    recorded: Mapping[date, str],
    failing: tuple[datetime, str] | None,
) -> SalesFreshness:
    newest = max(rows, key=lambda row: row["published_at"], default=None)
    return SalesFreshness(
        name,
        len(rows),
        max((row["event_date"] for row in rows), default=None),
        newest["published_at"].replace(tzinfo=UTC) if newest else None,
        newest["published_by"] if newest else "",
        sum(bool(row["rejected"]) for row in rows),
        sum((row["differing_cents"] or 0) > row["gross_cents"] * ROUNDING for row in rows),
        tuple(sorted(day for day, version in recorded.items() if is_unfinished(version))),
        failing,
    )
