"""Plan locations for a UTC date, and store the plan in `location_candidates`.

The rows of a date are replaced in one commit, so a plan can be repeated at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.insight.location_market import Market, MarketModel, fit_market
from clickstream.insight.location_plan import LocationPlan, RankedCandidate, plan_locations
from clickstream.insight.location_rows import MarketGaps, build_market
from clickstream.insight.location_sql import market_rows, market_sql
from clickstream.insight.location_texts import (
    LEFT_OUT,
    MISSING,
    describe_flag,
    describe_locations,
    notes,
)
from clickstream.lake import Lake, athena, aws_errors
from clickstream.lake.iceberg import iceberg_tables
from clickstream.sales.candidate_file import CandidateFile, read_candidates
from clickstream.settings import Settings
from clickstream.tables.locations import LOCATION_CANDIDATES

DAYS = 365
"""Days before a plan whose orders it reads."""


@dataclass(frozen=True)
class FittedMarket:
    """The model of the market before a UTC date, that of the plan, and what the market lacks."""

    day: date
    model: MarketModel
    gaps: MarketGaps


@dataclass(frozen=True)
class PlannedLocations:
    """A plan, what limits it, and a sentence for each row of the file that can't be used."""

    fitted: FittedMarket
    plan: LocationPlan
    limits: Sequence[str]
    problems: Sequence[str]

    @property
    def sentence(self) -> str:
        """The result in one line, for the log."""
        return describe_locations(self.plan)

    @property
    def left_out(self) -> list[str]:
        """A sentence for each row that is left out, and why."""
        return [f"{LEFT_OUT}{problem}" for problem in self.problems]


def why_no_plan(settings: Settings) -> str:
    """Return why a site has no plans, and what to do; empty if it has."""
    if not settings.sales:
        return "There is no plan of locations: it needs orders, so add a source to [[sales]]."
    path = settings.resolve(settings.locations.candidates)
    if not path.exists():
        return (
            f"There is no plan of locations, because there is no file {path}: write it with "
            "`clickstream locations candidates`, or set [locations] candidates."
        )
    return ""


@aws_errors.translate_errors()
def fit_before(lake: Lake, day: date, days: int = DAYS) -> FittedMarket:
    """Read the market of the days before a UTC date, and fit the model. Raises InputError."""
    first, last = day - timedelta(days=days), day - timedelta(days=1)
    market, gaps = read_market(lake, first, last)
    return FittedMarket(day, fit_market(market, lake.settings.locations.distance_km), gaps)


def read_market(lake: Lake, first: date, last: date) -> tuple[Market, MarketGaps]:
    """Read the market of two UTC dates and those between.

    Raises InputError if the settings have no sales, or if the lake lacks what a plan needs.
    """
    if not lake.settings.sales:
        raise InputError(
            "A plan of locations needs orders, and the settings have no [[sales]]: add a source."
        )
    rows = market_rows(*(athena.query(lake, sql).rows for sql in market_sql(first, last)))
    result = build_market(rows)
    if isinstance(result, str):
        raise InputError(f"There is no plan of locations. {MISSING[result]}")
    return result


def read_candidate_file(settings: Settings, market: Market) -> CandidateFile:
    """Read the candidates that the settings name. Raises InputError, with what to do."""
    path = settings.resolve(settings.locations.candidates)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise InputError(
            f"The candidates {path} can't be read ({reason}): set [locations] candidates, or write "
            "the file with `clickstream locations candidates`."
        ) from None
    return read_candidates(text, str(path), market.towns)


def plan_file(lake: Lake, fitted: FittedMarket) -> PlannedLocations:
    """Rank the candidates of the file that the settings name. Raises InputError."""
    model = fitted.model
    read = read_candidate_file(lake.settings, model.market)
    plan = plan_locations(model, read.candidates)
    limits = [*notes(plan, model, fitted.gaps)]
    return PlannedLocations(fitted, plan, limits, read.problems)


def plan_date(lake: Lake, day: date, run_id: str) -> PlannedLocations:
    """Plan by the file and the orders before a UTC date, and replace the plan of the date."""
    planned = plan_file(lake, fit_before(lake, day))
    store_plan(lake, run_id, planned)
    return planned


@aws_errors.translate_errors()
def store_plan(lake: Lake, run_id: str, planned: PlannedLocations) -> None:
    """Replace the plan of its UTC date. Raises InputError without a candidate; no row changes then.

    Raises StaleHour if another process stores a plan of the date at the same time.
    """
    if not planned.plan.ranked:
        problems = " ".join(planned.problems) or "The file has no rows."
        raise InputError(f"There is no candidate to plan with. {problems}")
    at, table = Hour.midnight(planned.fitted.day), iceberg_tables.load(lake, LOCATION_CANDIDATES)
    rows = plan_rows(run_id, planned)
    table.replace(at, at, pa.Table.from_pylist(rows, LOCATION_CANDIDATES.arrow_schema()))


def plan_rows(run_id: str, planned: PlannedLocations) -> list[dict[str, Any]]:
    """Return the rows of `location_candidates` of a plan, the best candidate first."""
    plan, fitted = planned.plan, planned.fitted
    market, day = fitted.model.market, fitted.day
    of_plan = {
        "event_date": day,
        "hour_at": datetime(day.year, day.month, day.day),
        "run_id": run_id,
        "planned_at": datetime.now(UTC).replace(tzinfo=None),
        "first_date": fitted.gaps.first,
        "last_date": fitted.gaps.last,
        "beats_people": plan.check.is_better,
        "notes": "\n".join([*planned.limits, *planned.left_out]),
    }
    return [
        {**of_plan, "rank": n, **_values(ranked, market)} for n, ranked in enumerate(plan.ranked, 1)
    ]


def _values(ranked: RankedCandidate, market: Market) -> dict[str, Any]:
    candidate = ranked.candidate
    return {
        **{name: value for name, value in candidate._asdict().items() if name != "point"},
        "place": market.nearest_town(candidate.point).name,
        **candidate.point._asdict(),
        **{f"orders_{name}": value for name, value in ranked.orders._asdict().items()},
        "own_share": ranked.own_share,
        "top_share": ranked.top_share,
        "flags": "; ".join(map(describe_flag, ranked.flags)),
    }
