"""The verdict on every number of a page: more than usual, less than usual, or no clear change.

    changes = page.once(find_changes)
    changes.find("visits", (("channel", "Email"),))

Sentences, colours, arrows and the mail use the same verdicts. A false-discovery control over
everything that a page compares keeps a page of a week without events without a verdict of more or
less in at least 95 of 100 cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from clickstream.dashboard.changes.candidates import (
    Candidate,
    Scope,
    ask_candidates,
    rates_beside_others,
)
from clickstream.dashboard.changes.failures import error_candidates
from clickstream.dashboard.changes.history import LEAST_CHANGE, find_history
from clickstream.dashboard.changes.looks import KEY_FIGURES, MONEY_FIGURES
from clickstream.dashboard.changes.significance import find_unusual
from clickstream.dashboard.changes.weeks import Weeks
from clickstream.dashboard.widgets.page import PageContext

Verdict = Literal["more", "unclear", "less"]
"""A change is unclear if it is small, or if chance may be the reason: it may be there anyway."""

LEAST_GAP = 0.5
"""Minimum relative difference of a conversion rate to that of all other visits."""

FALSE_SHARE_OF_WHOLE, FALSE_SHARE_OF_LIST = 0.015, 0.002
"""Share of weeks without events in which chance may change a key figure of the whole, or a number
of a list. A page has at most 17 lists of a metric by dimensions, so the sum is 5 %."""

WITH_ERRORS = {"overview", "orders", "trust"}
"""The pages that report errors."""


@dataclass(frozen=True)
class Changes:
    """What a page compares. `weeks` is None if it can't be compared; `reason` says why.

    `likely` are the candidates whose change is beyond chance.
    """

    weeks: Weeks | None
    reason: str
    candidates: Sequence[Candidate] = ()
    likely: Sequence[Candidate] = ()

    @cached_property
    def _by_number(self) -> Mapping[tuple[str, Scope, bool], Candidate]:
        return {
            (candidate.metric, candidate.scope, candidate.is_beside_others): candidate
            for candidate in self.candidates
        }

    @cached_property
    def unusual(self) -> Sequence[Candidate]:
        """The candidates whose change is beyond chance and large enough to matter."""
        return [candidate for candidate in self.likely if is_large(candidate)]

    def find(self, metric: str, scope: Scope = (), beside: bool = False) -> Candidate | None:
        """Return the comparison of a number; None if it is not compared."""
        return self._by_number.get((metric, scope, beside))

    def verdict(self, candidate: Candidate) -> Verdict:
        """Return whether a number is clearly more or less than usual."""
        if candidate not in self.unusual:
            return "unclear"
        return "more" if candidate.is_up else "less"


def is_large(candidate: Candidate) -> bool:
    """Whether a change is large enough to matter."""
    least = LEAST_GAP if candidate.is_beside_others else LEAST_CHANGE
    return abs(candidate.compared.change) >= least


def find_changes(page: PageContext) -> Changes:
    """Compare everything that the page reports or colours with the weeks before."""
    weeks, reason = find_history(page)
    candidates = ask_candidates(page, weeks) if weeks else []
    if weeks and page.view.tab in WITH_ERRORS:
        candidates += error_candidates(page, weeks)
    if page.view.tab == "marketing" and page.has_goals:
        candidates += rates_beside_others(page)
    return Changes(weeks, reason, candidates, _find_likely(candidates))


def _find_likely(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose change is beyond chance, by families.

    A family is the same on every page, so a number has the same verdict wherever it is shown.
    """
    families: dict[object, list[Candidate]] = {}
    for candidate in candidates:
        families.setdefault(_family(candidate), []).append(candidate)
    likely = []
    for family, members in families.items():
        share = FALSE_SHARE_OF_WHOLE if family == () else FALSE_SHARE_OF_LIST
        unusual = find_unusual([candidate.compared.chance for candidate in members], share)
        likely += [
            candidate for candidate, is_likely in zip(members, unusual, strict=True) if is_likely
        ]
    return likely


def _family(candidate: Candidate) -> object:
    """Return the key figures of the whole, else the metric by its dimensions."""
    if not candidate.scope and candidate.metric in (*KEY_FIGURES, *MONEY_FIGURES):
        return ()
    return (
        candidate.metric,
        candidate.is_beside_others,
        tuple(dimension for dimension, _ in candidate.scope),
    )
