"""The verdict on every number of a page: more or less than usual, as usual, or open.

    changes = page.once(find_changes)
    changes.find("visits", (("channel", "Email"),))

Sentences, colours, arrows, the line of today and the mail use the same verdicts. A false-discovery
control over everything that a page compares keeps a page of a week without events without a verdict
of more or less in at least 95 of 100 cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property

import numpy as np

from clickstream.dashboard.changes.candidates import (
    Candidate,
    Scope,
    ask_candidates,
    rates_beside_others,
)
from clickstream.dashboard.changes.days import Days
from clickstream.dashboard.changes.failures import error_candidates
from clickstream.dashboard.changes.history import find_history
from clickstream.dashboard.changes.looks import KEY_FIGURES, MONEY_FIGURES
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight import comparison
from clickstream.insight.verdicts import PARTS_FALSE_SHARE, TILES_FALSE_SHARE, judge

WITH_ERRORS = {"overview", "orders", "trust"}
"""The pages that report errors."""


@dataclass(frozen=True)
class Changes:
    """What a page compares. `days` is None if it can't be compared; `reason` says why."""

    days: Days | None
    reason: str
    candidates: Sequence[Candidate] = ()

    @cached_property
    def _by_number(self) -> Mapping[tuple[str, Scope, bool], Candidate]:
        return {
            (candidate.metric, candidate.scope, candidate.is_beside_others): candidate
            for candidate in self.candidates
        }

    @cached_property
    def clear(self) -> Sequence[Candidate]:
        """The candidates that are clearly more or less than usual."""
        return [candidate for candidate in self.candidates if candidate.is_clear]

    def find(self, metric: str, scope: Scope = (), beside: bool = False) -> Candidate | None:
        """Return the comparison of a number; None if it is not compared."""
        return self._by_number.get((metric, scope, beside))


def find_changes(page: PageContext) -> Changes:
    """Compare everything that the page reports or colours with the days before."""
    days, reason = find_history(page)
    candidates = ask_candidates(page, days) if days else []
    if days and page.view.tab in WITH_ERRORS:
        candidates += error_candidates(page, days)
    if page.view.tab == "marketing" and page.has_goals:
        candidates += rates_beside_others(page)
    begins = page.log_begins
    is_young = bool(days and begins and begins.date() > days.span.first)
    return Changes(days, reason, _judge(candidates, page.settings.dashboard.usual_band, is_young))


def _judge(candidates: Sequence[Candidate], band: float, is_young: bool) -> list[Candidate]:
    """Return the candidates with their verdicts, which they get by families.

    A family is the same on every page, so a number has the same verdict wherever it is shown. Only
    a young log will soon have more days to compare with; other days before are missing for good.
    """
    families: dict[object, list[Candidate]] = {}
    for candidate in candidates:
        families.setdefault(_family(candidate), []).append(candidate)
    judged = []
    for family, members in families.items():
        share = TILES_FALSE_SHARE if family == () else PARTS_FALSE_SHARE
        arrays = np.array([astuple(member.compared) for member in members]).T
        for candidate, verdict in zip(
            members, judge(comparison.Compared(*arrays), share, band), strict=True
        ):
            is_lasting = verdict == "unknown" and not is_young
            judged.append(replace(candidate, verdict="unclear" if is_lasting else verdict))
    return judged


def _family(candidate: Candidate) -> object:
    """Return the key figures of the whole, else the metric by its dimensions."""
    if not candidate.scope and candidate.metric in (*KEY_FIGURES, *MONEY_FIGURES):
        return ()
    return (
        candidate.metric,
        candidate.is_beside_others,
        tuple(dimension for dimension, _ in candidate.scope),
    )
