"""The newest plan of locations in the facts, as `clickstream_locations` has stored it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import EVER, Question
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_market import Market, Point
from clickstream.insight.location_plan import CafeCandidate, DrawInterval, RankedCandidate
from clickstream.insight.location_rows import MarketGaps, Missing, build_market
from clickstream.insight.location_texts import describe_flag
from clickstream.pipeline.sales.location_reader import market_rows, market_sql

_OF_PLAN = (
    *("event_date", "run_id", "first_date", "last_date", "currency", "is_by_money", "notes"),
)
_OF_CANDIDATE = (
    *("rank", "name", "latitude", "longitude", "rent_cents", "opening_cents", "margin"),
    *("competition", "payback_months", "attraction", "orders_low", "orders_middle", "orders_high"),
    *("own_share", "top_share", "result_low_cents", "result_middle_cents", "result_high_cents"),
    *("break_even", "flags", "place"),
)
COLUMNS = (*_OF_PLAN, *_OF_CANDIDATE)

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
    result_cents: DrawInterval | None
    break_even: float | None
    flags: str
    place: str = ""

    @classmethod
    def of_ranked(cls, rank: int, one: RankedCandidate) -> PlannedCandidate:
        """Return a candidate of a plan that was computed now."""
        return cls(
            *(rank, one.candidate, one.orders, one.own_share, one.top_share),
            *(one.result_cents, one.break_even, "; ".join(map(describe_flag, one.flags))),
        )

    def ranked_by(self, is_by_money: bool) -> DrawInterval:
        """Return what the candidate is ranked by: its money, or else its orders."""
        return self.result_cents if is_by_money and self.result_cents else self.orders


@dataclass(frozen=True)
class StoredPlan:
    """The newest plan: its UTC date, the dates of its orders, its run, and its candidates."""

    day: date
    first: date
    last: date
    run_id: str
    currency: str
    is_by_money: bool
    notes: Sequence[str]
    candidates: Sequence[PlannedCandidate]


def newest_plan(page: PageContext) -> StoredPlan | None:
    """Return the newest plan of the facts, whatever the page's dates and filters are."""
    answer = page.ask(Question(_SQL, (), COLUMNS, (), EVER))
    rows = answer.records()
    return answer.derive("plan", lambda: _plan(rows)) if rows else None


def market_of(page: PageContext, first: date, last: date) -> tuple[Market, MarketGaps] | Missing:
    """Return the market of two UTC dates and those between, as `clickstream locations` reads it."""
    dates = Period(first, last)
    answers = [page.ask(Question(sql, (), (), (), dates)) for sql in market_sql(first, last)]
    orders, *others = answers
    rows = market_rows(*(one.rows for one in answers))
    key = ("market", *(id(one) for one in others))
    return orders.derive(key, lambda: build_market(rows, page.settings.sales_currency))


def _plan(rows: Sequence[dict[str, Any]]) -> StoredPlan:
    first = rows[0]
    return StoredPlan(
        day=first["event_date"],
        first=first["first_date"],
        last=first["last_date"],
        run_id=first["run_id"],
        currency=first["currency"] or "",
        is_by_money=first["is_by_money"],
        notes=first["notes"].split("\n"),
        candidates=[_candidate(row) for row in rows],
    )


def _candidate(row: dict[str, Any]) -> PlannedCandidate:
    money = [row[f"result_{name}_cents"] for name in DrawInterval._fields]
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
        None if money[0] is None else DrawInterval(*money),
        row["break_even"],
        row["flags"],
        row["place"],
    )
