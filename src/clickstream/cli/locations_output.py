"""Output of `clickstream locations`: tables and sentences for the terminal, and values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clickstream.insight.location_explanation import LocationExplanation
from clickstream.insight.location_plan import LocationPlan, RankedCandidate
from clickstream.insight.location_texts import describe_flag
from clickstream.pipeline.sales.location_runs import PlannedLocations
from clickstream.wording import format_share, printable


def show_plan(planned: PlannedLocations, out: Console) -> None:
    """Print the ranking, its sentence, and what limits it."""
    out.print(Text(printable(planned.sentence), "bold"), soft_wrap=True)
    if planned.plan.ranked:
        out.print(_ranking(planned.plan))
    for note in planned.limits:
        out.print(Text(printable(note), "dim"), soft_wrap=True)


def _ranking(plan: LocationPlan) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("candidate")
    for name in ("web orders moved a month", "90 % interval", "from own cafés", "in first 5"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in plan.ranked:
        cells = (
            printable(one.candidate.name),
            f"{one.orders.middle:,.0f}",
            f"{one.orders.low:,.0f} to {one.orders.high:,.0f}",
            *(format_share(share) for share in (one.own_share, one.top_share)),
            printable("; ".join(map(describe_flag, one.flags))),
        )
        table.add_row(*map(Text, cells))
    return table


def show_explanation(found: LocationExplanation, out: Console) -> None:
    """Print the towns that orders come from, and the own cafés that lose some."""
    name = printable(found.candidate.name)
    text = f"{name}: about {found.at_cafe:,.0f} orders a month would move to the café"
    out.print(Text(text, "bold"))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("town")
    for column in ("km", "people", "orders seen", "web orders a month", "moved"):
        table.add_column(column, justify="right")
    for one in found.towns:
        seen = "few" if one.seen is None else f"{one.seen:,}"
        values = (f"{one.km:.0f}", f"{one.people:,.0f}", seen)
        numbers = (f"{one.demand:,.1f}", f"{one.orders:,.1f}")
        table.add_row(*map(Text, (printable(one.name), *values, *numbers)))
    table.add_row("other towns", "", "", "", "", f"{found.other_orders:,.1f}")
    out.print(table)
    for lost in found.lost:
        number = f"{lost.orders:,.1f}"
        text = f"The café {printable(lost.cafe)} loses about {number} orders a month."
        out.print(Text(text), soft_wrap=True)


def location_values(planned: PlannedLocations) -> dict[str, Any]:
    """Return a plan for JSON."""
    plan, model = planned.plan, planned.fitted.model
    decay, online = model.huff.middle
    return {
        "sentence": planned.sentence,
        "candidates": [_values(one) for one in plan.ranked],
        "beats_people_alone": plan.check.is_better,
        "check": asdict(plan.check),
        "distance_km": {"middle": decay, "online": online, "source": model.huff.source},
        "notes": [*planned.limits],
        "problems": [*planned.problems],
    }


def _values(one: RankedCandidate) -> dict[str, Any]:
    return {
        "name": one.candidate.name,
        "orders": one.orders._asdict(),
        "own_share": one.own_share,
        "top_share": one.top_share,
        "flags": [describe_flag(flag) for flag in one.flags],
    }


def explanation_values(found: LocationExplanation) -> dict[str, Any]:
    """Return an explanation for JSON."""
    return {
        "name": found.candidate.name,
        "orders": found.at_cafe,
        "towns": [one._asdict() for one in found.towns],
        "other_orders": found.other_orders,
        "from_own_cafes": {one.cafe: one.orders for one in found.lost},
    }
