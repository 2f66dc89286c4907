"""Sentences about the credits: which orders the model shares, and what credit can't say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.questions.fact_views import SPEND
from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.tabs.marketing.panels import PATHS, PATHS_BEFORE_ORDERS
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.credit import LEAST_ORDERS


@dataclass(frozen=True)
class KnownPaths:
    """Orders with a visit, those after a single one, and those with perhaps earlier ones.

    `modelled` are the orders for which the models that are worked out from data have shares.
    """

    orders: int
    single: int
    cut: int
    modelled: int

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> KnownPaths:
        """Return the sums of some rows of the metrics PATHS."""
        listed = [*rows]
        return cls(*(int(sum(row[name] or 0 for row in listed)) for name in PATHS))


def known_paths(page: PageContext) -> KnownPaths:
    """Ask for the paths of all orders of the page."""
    panel = PATHS_BEFORE_ORDERS
    metrics, by = panel.parts(page.view)
    answer = page.answer(metrics, by, filters=panel.filters(page.view))
    return KnownPaths.of(answer.records())


def describe_credit(
    page: PageContext, paths: KnownPaths, *, has_costs: bool, is_lacking: bool
) -> list[str]:
    """Return the sentences below the table; `is_lacking` is whether it shows another model."""
    notes = [_lacking(page, paths)] if is_lacking else []
    notes += [] if page.view.filters else _paths(page, paths)
    others = [one for one in page.view.filters if one.dimension not in SPEND.visit_dimensions]
    if others:
        notes.append("Costs are of whole campaigns, so the page's filter hides them.")
    elif not has_costs:
        notes.append("No costs of campaigns are known in this range.")
    notes.append(
        "Credit is not cause: it tells who was on the way to an order, not who made it "
        "happen. In simulated worlds with known causes, the models gave 32 to 41 % to "
        "channels that cause nothing."
    )
    return notes


def _lacking(page: PageContext, paths: KnownPaths) -> str:
    formats = page.formats
    return (
        f"Markov and Shapley need {formats.count(LEAST_ORDERS)} orders with a known visit "
        f"in the 30 days before an order. {formats.count(paths.orders - paths.modelled)} "
        f"of the {formats.count(paths.orders)} orders here have fewer, so the table shows "
        "the last arrival that is not direct."
    )


def _paths(page: PageContext, paths: KnownPaths) -> list[str]:
    """State for how many orders all models agree, and how many may have unknown visits."""
    formats, days = page.formats, page.settings.orders.attribution_days
    single, cut = (known_share(some, paths.orders) for some in (paths.single, paths.cut))
    if single is None or cut is None:
        return []
    found = [
        (
            f"{formats.share(single, 0)} of the orders with a known visit came after one visit in "
            f"{formats.count(days)} days: for these, all models agree."
        )
    ]
    if paths.cut:
        found.append(
            f"For {formats.share(cut, 0)}, earlier visits may be unknown, because visitor "
            f"keys change every {formats.count(page.key_days)} days or an hour is incomplete."
        )
    return found
