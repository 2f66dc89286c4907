"""The newest plan of locations in the facts, as `clickstream_locations` has stored it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import EVER, Question
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_market import Market, Point
from clickstream.insight.location_plan import CafeCandidate, DrawInterval, RankedCandidate
from clickstream.insight.location_rows import MarketGaps, Missing, build_market
from clickstream.insight.location_sql import market_rows, market_sql
from clickstream.insight.location_texts import describe_flag

COLUMNS = (
    "event_date",
    "run_id",
    "first_date",
    "last_date",
    "notes",
    "rank",
    "name",
    "latitude",
    "longitude",
    "competition",
    "attraction",
    "orders_low",
    "orders_middle",
    "orders_high",
    "own_share",
    "top_share",
    "flags",
    "place",
)

_SQL = f"""
select {", ".join(COLUMNS)}
from location_facts
where event_date = (select max(event_date) from location_facts)
order by rank
"""  # noqa: S608  the columns are those above


@dataclass(frozen=True)
class PlannedCandidate:
    """A candidate with its rank, its values of a month, and the nearest town."""

    rank: int
    candidate: CafeCandidate
    orders: DrawInterval
    own_share: float
    top_share: float
    flags: str
    place: str = ""

    @classmethod
    def of_ranked(cls, rank: int, ranked: RankedCandidate) -> PlannedCandidate:
        """Return a candidate of a plan that was computed now."""
        return cls(
            rank,
            ranked.candidate,
            ranked.orders,
            ranked.own_share,
            ranked.top_share,
            "; ".join(map(describe_flag, ranked.flags)),
        )


@dataclass(frozen=True)
class StoredPlan:
    """The newest plan: its UTC date, the dates of its first and last order, its candidates."""

    day: date
    first: date
    last: date
    run_id: str
    notes: Sequence[str]
    candidates: Sequence[PlannedCandidate]


def newest_plan(page: PageContext) -> StoredPlan | None:
    """Return the newest plan of the facts, whatever the page's dates and filters are."""
    answer = page.ask(Question(_SQL, (), COLUMNS, (), EVER))
    rows = answer.records()
    return answer.derive("plan", lambda: _plan(rows)) if rows else None


def market_of(page: PageContext, plan: StoredPlan) -> tuple[Market, MarketGaps] | Missing:
    """Return the market of a plan, as `clickstream locations` has read it."""
    first, last = plan.first, plan.day - timedelta(days=1)
    dates = Period(first, last)
    answers = [page.ask(Question(sql, (), (), (), dates)) for sql in market_sql(first, last)]
    orders, *other_answers = answers
    rows = market_rows(*(answer.rows for answer in answers))
    key = ("market", *(id(answer) for answer in other_answers))
    return orders.derive(key, lambda: build_market(rows))


def _plan(rows: Sequence[dict[str, Any]]) -> StoredPlan:
    first = rows[0]
    return StoredPlan(
        day=first["event_date"],
        first=first["first_date"],
        last=first["last_date"],
        run_id=first["run_id"],
        notes=first["notes"].split("\n"),
        candidates=[_candidate(row) for row in rows],
    )


def _candidate(row: dict[str, Any]) -> PlannedCandidate:
    return PlannedCandidate(
        row["rank"],
        CafeCandidate(
            row["name"],
            Point(row["latitude"], row["longitude"]),
            *(row[name] for name in CafeCandidate._fields[2:]),
        ),
        DrawInterval(*(row[f"orders_{name}"] for name in DrawInterval._fields)),
        row["own_share"],
        row["top_share"],
        row["flags"],
        row["place"],
    )
