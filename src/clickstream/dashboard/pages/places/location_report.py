"""The page of the plan of locations: the stored run, or a plan with what-if values beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import NO_VALUE, Formats
from clickstream.dashboard.pages.places.report_rows import ReportRanking, build_ranking
from clickstream.dashboard.pages.places.stored_plan import (
    PlannedCandidate,
    StoredPlan,
    market_of,
    newest_plan,
)
from clickstream.dashboard.pages.places.what_if import (
    FIELDS,
    WhatIf,
    WhatIfField,
    describe_what_if,
    parse_what_if,
)
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_explanation import (
    LocationExplanation,
    TownShare,
    explain_location,
)
from clickstream.insight.location_market import Market, MarketModel, fit_market
from clickstream.insight.location_plan import CafeCandidate, LocationPlan, plan_locations
from clickstream.insight.location_rows import MarketGaps, Missing
from clickstream.insight.location_texts import LEFT_OUT, MISSING, notes

# The plan of a stored run computed again, from the orders of its dates and with what-if values.

TOLERANCE = 1e-6
"""Relative difference of equal values: sums of floating-point numbers differ by machine."""


@dataclass(frozen=True)
class ComputedPlan:
    """The model and its candidates with the what-if values, the best first, and what limits it.

    `has_changed` says whether the plan with the run's own values differs from the stored one.
    """

    model: MarketModel
    candidates: Sequence[PlannedCandidate]
    notes: Sequence[str]
    has_changed: bool

    def explain(self, candidate: CafeCandidate) -> LocationExplanation:
        """Split the orders of a candidate by town and by own café."""
        return explain_location(self.model, candidate)


def compute_plan(page: PageContext, stored: StoredPlan, what_if: WhatIf) -> ComputedPlan | Missing:
    """Plan with what-if values; return what the market lacks if it can't be built.

    With ten candidates, it takes 0.04 s of CPU time, and with what-if values 0.06 s.
    """
    result = market_of(page, stored)
    if isinstance(result, str):
        return result
    market, gaps = result
    own = _fit(page, market, None)
    base = plan_locations(own, [ranked.candidate for ranked in stored.candidates])
    has_changed = not is_same_plan(stored.candidates, planned(base))
    if not what_if.has_values:
        return _computed(stored, own, base, gaps, has_changed)
    model = own if what_if.radius_km is None else _fit(page, market, what_if.radius_km)
    plan = plan_locations(model, [what_if.apply(ranked.candidate) for ranked in stored.candidates])
    return _computed(stored, model, plan, gaps, has_changed)


def _fit(page: PageContext, market: Market, radius_km: float | None) -> MarketModel:
    return fit_market(market, page.settings.locations.distance_km, radius_km)


def _computed(
    stored: StoredPlan, model: MarketModel, plan: LocationPlan, gaps: MarketGaps, has_changed: bool
) -> ComputedPlan:
    left_out = [note for note in stored.notes if note.startswith(LEFT_OUT)]
    limits = [*notes(plan, model, gaps), *left_out]
    return ComputedPlan(model, planned(plan), limits, has_changed)


def planned(plan: LocationPlan) -> list[PlannedCandidate]:
    """Return the candidates of a plan with their ranks."""
    return [PlannedCandidate.of_ranked(rank, ranked) for rank, ranked in enumerate(plan.ranked, 1)]


def is_same_plan(plan: Sequence[PlannedCandidate], other: Sequence[PlannedCandidate]) -> bool:
    """Whether two plans have the same candidates, in the same order and with the same values."""
    return len(plan) == len(other) and all(map(_is_same, plan, other))


def _is_same(ranked: PlannedCandidate, other: PlannedCandidate) -> bool:
    if ranked.candidate.name != other.candidate.name:
        return False
    return all(
        isclose(value, same, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for value, same in zip(_values(ranked), _values(other), strict=True)
    )


def _values(ranked: PlannedCandidate) -> tuple[float, ...]:
    return (*ranked.orders, ranked.own_share, ranked.top_share)


# The towns from which the orders of a candidate come, and what own cafés lose, as texts.

CAFES = 10
"""Number of own cafés that are shown, those that lose most first."""


@dataclass(frozen=True)
class TownRow:
    """A town as texts: distance, people, orders of fixed lines, and orders of a month."""

    name: str
    km: str
    people: str
    seen: str
    demand: str
    orders: str


@dataclass(frozen=True)
class ExplainedOrders:
    """The orders of a month at a candidate: by town, those of other towns, and by own café."""

    name: str
    orders: str
    towns: Sequence[TownRow]
    other_orders: str
    lost_orders: str
    lost: Sequence[tuple[str, str]]


def show_explanation(formats: Formats, explanation: LocationExplanation) -> ExplainedOrders:
    """Return an explanation as texts."""
    lost = sorted(explanation.lost, key=lambda loss: (-loss.orders, loss.cafe))
    return ExplainedOrders(
        name=explanation.candidate.name,
        orders=formats.decimal(explanation.at_cafe),
        towns=[_town(formats, town) for town in explanation.towns],
        other_orders=formats.decimal(explanation.other_orders),
        lost_orders=formats.decimal(sum(loss.orders for loss in lost)),
        lost=[(loss.cafe, formats.decimal(loss.orders)) for loss in lost[:CAFES]],
    )


def _town(formats: Formats, town: TownShare) -> TownRow:
    return TownRow(
        town.name,
        formats.count(town.km),
        formats.count(town.people),
        NO_VALUE if town.seen is None else formats.count(town.seen),
        formats.decimal(town.demand),
        formats.decimal(town.orders),
    )


@dataclass(frozen=True)
class WhatIfForm:
    """The form with its values as given in the URL.

    `planned` are the values of the chosen candidate in the stored run. `problems` are sentences
    about values that can't be used, and `assumed` says which values are used.
    """

    names: Sequence[str]
    fields: Mapping[str, WhatIfField]
    chosen: str
    given: Mapping[str, str]
    planned: Mapping[str, str]
    problems: Sequence[str]
    assumed: str


@dataclass(frozen=True)
class LocationReport:
    """The plan as texts: the dates of the run and of its orders, the form, and the results.

    `missing` says why nothing can be computed: then the rows are those of the run, and there is no
    explanation. `has_changed` says whether the orders have changed since the run.
    """

    day: str
    dates: str
    run_id: str
    form: WhatIfForm
    ranking: ReportRanking
    is_computed: bool
    explanation: ExplainedOrders | None
    notes: Sequence[str]
    missing: str
    has_changed: bool


def build_report(page: PageContext, query: Mapping[str, str]) -> LocationReport | None:
    """Build the report of the newest plan, with the what-if values of a URL; None without one."""
    stored = newest_plan(page)
    if stored is None:
        return None
    formats = page.formats
    names = [ranked.candidate.name for ranked in stored.candidates]
    what_if, problems = parse_what_if(query, names, formats)
    result = compute_plan(page, stored, what_if)
    computed = None if isinstance(result, str) else result
    beside = computed if what_if.has_values else None
    shown = beside or stored
    return LocationReport(
        day=formats.day(stored.day, with_year=True),
        dates=page.days(Period(stored.first, stored.last)),
        run_id=stored.run_id,
        form=_form(formats, stored, query, what_if, problems),
        ranking=build_ranking(formats, stored.candidates, beside.candidates if beside else ()),
        is_computed=beside is not None,
        explanation=_explain(formats, computed, what_if) if computed else None,
        notes=shown.notes,
        missing=MISSING[result] if isinstance(result, str) else "",
        has_changed=computed is not None and computed.has_changed,
    )


def _form(
    formats: Formats,
    stored: StoredPlan,
    query: Mapping[str, str],
    what_if: WhatIf,
    problems: Sequence[str],
) -> WhatIfForm:
    candidates = {ranked.candidate.name: ranked.candidate for ranked in stored.candidates}
    chosen = candidates.get(what_if.candidate)
    return WhatIfForm(
        names=[*candidates],
        fields=FIELDS,
        chosen=what_if.candidate,
        given={name: query.get(name, "").strip() for name in FIELDS},
        planned={"attraction": f"{chosen.attraction:.10g}"} if chosen else {},
        problems=problems,
        assumed=describe_what_if(formats, what_if),
    )


def _explain(formats: Formats, computed: ComputedPlan, what_if: WhatIf) -> ExplainedOrders:
    """Explain the chosen candidate, or else the first one."""
    by_name = {ranked.candidate.name: ranked.candidate for ranked in computed.candidates}
    first = computed.candidates[0].candidate
    return show_explanation(formats, computed.explain(by_name.get(what_if.candidate, first)))
