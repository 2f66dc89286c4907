"""Campaigns whose cost and visits do not meet, and proposals which tags belong together.

`clickstream sales tags` and the Marketing page show them. Tags are given in lower case and trimmed,
as the view spend_facts has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Reason = Literal["other source", "spelling", "more words", "alike"]
"""Why two tags may belong together; see `TagProposal`."""

THRESHOLD = 0.75
"""Pairs that are less alike, from 0 to 1, are not proposed."""

LIKENESS_OF_LONGER = 0.95
"""Likeness of two tags of which one is the other with further words before or after it."""

MOST_COMPARED = 100
"""The number of campaigns of each side that are compared, by their cost and their visits."""


@dataclass(frozen=True)
class CampaignTag:
    """The tags of a campaign's links; None is a tag that is not known."""

    campaign: str | None
    source: str | None = None

    def meets(self, other: CampaignTag) -> bool:
        """Whether both are one campaign: equal names, and equal sources if both have one."""
        is_same = self.campaign is not None and self.campaign == other.campaign
        return is_same and (not self.source or not other.source or self.source == other.source)


@dataclass(frozen=True)
class PaidCampaign:
    """A campaign of a platform with its tags, and its cost in hundredths of a currency."""

    platform: str
    campaign_id: str
    tag: CampaignTag
    cents: int
    currency: str = ""


@dataclass(frozen=True)
class VisitedCampaign:
    """Tags with the visits that came by them, and whether their channel is a paid one."""

    tag: CampaignTag
    visits: int
    is_paid: bool = False


@dataclass(frozen=True)
class TagProposal:
    """A cost and visits that may belong together; `likeness` is from THRESHOLD to 1.

    `reason` is "other source" for equal campaigns, "spelling" if only case, accents and separators
    differ, "more words" if one has further words before or after the other, else "alike".
    """

    cost: PaidCampaign
    visited: VisitedCampaign
    reason: Reason
    likeness: float


@dataclass(frozen=True)
class TagReport:
    """Campaigns with a cost and no visits, those with paid visits and no cost, and proposals."""

    without_visits: Sequence[PaidCampaign]
    without_cost: Sequence[VisitedCampaign]
    proposals: Sequence[TagProposal]


def compare_tags(costs: Sequence[PaidCampaign], visited: Sequence[VisitedCampaign]) -> TagReport:
    """Find what does not meet, the largest first; each campaign is in at most one proposal."""
    no_visits = [one for one in costs if not any(one.tag.meets(v.tag) for v in visited)]
    no_cost = [one for one in visited if not any(one.tag.meets(c.tag) for c in costs)]
    no_visits.sort(key=lambda one: (-one.cents, one.platform, one.campaign_id))
    no_cost.sort(key=lambda one: (-one.visits, one.tag.campaign or "", one.tag.source or ""))
    proposals = _propose(no_visits[:MOST_COMPARED], no_cost[:MOST_COMPARED])
    return TagReport(no_visits, [one for one in no_cost if one.is_paid], proposals)


def _propose(
    costs: Sequence[PaidCampaign], visited: Sequence[VisitedCampaign]
) -> list[TagProposal]:
    """Take the pairs by their likeness; of equal ones, those that cost more come first."""
    pairs = [pair for one in costs for pair in _pairs(one, visited)]
    pairs.sort(key=lambda one: -one.likeness)
    used: set[PaidCampaign | VisitedCampaign] = set()
    found = []
    for pair in pairs:
        if used.isdisjoint((pair.cost, pair.visited)):
            found.append(pair)
            used |= {pair.cost, pair.visited}
    return found


def _pairs(cost: PaidCampaign, visited: Sequence[VisitedCampaign]) -> Iterator[TagProposal]:
    for one in visited:
        if compared := _compare(cost.tag, one.tag):
            yield TagProposal(cost, one, *compared)


def _compare(one: CampaignTag, other: CampaignTag) -> tuple[Reason, float] | None:
    """Return the reason and the likeness of two tags; None if they are too different."""
    if one.campaign == other.campaign:
        return ("other source", 1.0) if one.campaign else None
    words, others = _words(one.campaign), _words(other.campaign)
    if not words or not others:
        return None
    if words == others or "".join(words) == "".join(others):
        return "spelling", 1.0
    if _has_other_number(words, others):
        return None
    short, long = sorted((words, others), key=len)
    if short in (long[: len(short)], long[-len(short) :]) and len("".join(short)) > 3:
        return "more words", LIKENESS_OF_LONGER
    likeness = SequenceMatcher(None, " ".join(words), " ".join(others), autojunk=False).ratio()
    return ("alike", likeness) if likeness >= THRESHOLD else None


def _has_other_number(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether both have numbers, and other ones: sale 2025 and sale 2026 are two campaigns."""
    numbers, other_numbers = (re.findall(r"\d+", " ".join(some)) for some in (words, others))
    return bool(numbers and other_numbers) and numbers != other_numbers


def _words(tag: str | None) -> list[str]:
    """Return the words of a tag without case, accents and separators."""
    text = unicodedata.normalize("NFKD", (tag or "").casefold())
    plain = "".join(letter for letter in text if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain)
