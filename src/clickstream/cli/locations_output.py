"""Output of `clickstream locations`: tables and sentences for the terminal, and values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from clickstream.core.terminal import print_rows
from clickstream.core.wording import format_share, printable
from clickstream.insight.location_explanation import LocationExplanation
from clickstream.insight.location_plan import LocationPlan, RankedCandidate
from clickstream.insight.location_texts import describe_flag
from clickstream.pipeline.sales.location_runs import PlannedLocations

RANKING = (
    "candidate",
    ">web orders moved a month",
    ">90 % interval",
    ">from own cafés",
    ">in first 5",
    "",
)


def show_plan(planned: PlannedLocations, out: Console) -> None:
    """Print the ranking, its sentence, and what limits it."""
    out.print(Text(printable(planned.sentence), "bold"), soft_wrap=True)
    if planned.plan.ranked:
        print_rows(RANKING, _ranking(planned.plan), out)
    for note in planned.limits:
        out.print(Text(printable(note), "dim"), soft_wrap=True)


def _ranking(plan: LocationPlan) -> Iterator[Sequence[Text]]:
    for ranked in plan.ranked:
        cells = (
            printable(ranked.candidate.name),
            f"{ranked.orders.middle:,.0f}",
            f"{ranked.orders.low:,.0f} to {ranked.orders.high:,.0f}",
            *(format_share(share) for share in (ranked.own_share, ranked.top_share)),
            printable("; ".join(map(describe_flag, ranked.flags))),
        )
        yield [*map(Text, cells)]


def show_explanation(explanation: LocationExplanation, out: Console) -> None:
    """Print the towns that orders come from, and the own cafés that lose some."""
    name = printable(explanation.candidate.name)
    text = f"{name}: about {explanation.at_cafe:,.0f} orders a month would move to the café"
    out.print(Text(text, "bold"))
    towns = [
        [
            printable(town.name),
            f"{town.km:.0f}",
            f"{town.people:,.0f}",
            "few" if town.seen is None else f"{town.seen:,}",
            f"{town.demand:,.1f}",
            f"{town.orders:,.1f}",
        ]
        for town in explanation.towns
    ]
    towns.append(["other towns", "", "", "", "", f"{explanation.other_orders:,.1f}"])
    headings = ("town", ">km", ">people", ">orders seen", ">web orders a month", ">moved")
    print_rows(headings, ([*map(Text, row)] for row in towns), out)
    for lost in explanation.lost:
        number = f"{lost.orders:,.1f}"
        text = f"The café {printable(lost.cafe)} loses about {number} orders a month."
        out.print(Text(text), soft_wrap=True)


def location_values(planned: PlannedLocations) -> dict[str, Any]:
    """Return a plan for JSON."""
    plan, model = planned.plan, planned.fitted.model
    decay, online = model.huff.middle
    return {
        "sentence": planned.sentence,
        "candidates": [_values(ranked) for ranked in plan.ranked],
        "beats_people_alone": plan.check.is_better,
        "check": asdict(plan.check),
        "distance_km": {"middle": decay, "online": online, "source": model.huff.source},
        "notes": [*planned.limits],
        "problems": [*planned.problems],
    }


def _values(ranked: RankedCandidate) -> dict[str, Any]:
    return {
        "name": ranked.candidate.name,
        "orders": ranked.orders._asdict(),
        "own_share": ranked.own_share,
        "top_share": ranked.top_share,
        "flags": [describe_flag(flag) for flag in ranked.flags],
    }


def explanation_values(explanation: LocationExplanation) -> dict[str, Any]:
    """Return an explanation for JSON."""
    return {
        "name": explanation.candidate.name,
        "orders": explanation.at_cafe,
        "towns": [town._asdict() for town in explanation.towns],
        "other_orders": explanation.other_orders,
        "from_own_cafes": {lost.cafe: lost.orders for lost in explanation.lost},
    }
