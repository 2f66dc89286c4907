"""Campaigns whose cost and visits do not meet, and proposals which tags belong together.

`clickstream sales tags` and the Marketing page show them. Tags are given in lower case and trimmed,
as the view spend_facts has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
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
    no_visits = [
        campaign for campaign in costs if not any(campaign.tag.meets(v.tag) for v in visited)
    ]
    no_cost = [
        campaign for campaign in visited if not any(campaign.tag.meets(c.tag) for c in costs)
    ]
    no_visits.sort(key=lambda campaign: (-campaign.cents, campaign.platform, campaign.campaign_id))
    no_cost.sort(
        key=lambda campaign: (
            -campaign.visits,
            campaign.tag.campaign or "",
            campaign.tag.source or "",
        )
    )
    proposals = _propose(no_visits[:MOST_COMPARED], no_cost[:MOST_COMPARED])
    return TagReport(no_visits, [campaign for campaign in no_cost if campaign.is_paid], proposals)


def _propose(
    costs: Sequence[PaidCampaign], visited: Sequence[VisitedCampaign]
) -> list[TagProposal]:
    """Take the pairs by their likeness; of equal ones, those that cost more come first."""
    pairs = [
        TagProposal(cost, campaign, *compared)
        for cost in costs
        for campaign in visited
        if (compared := _compare(cost.tag, campaign.tag))
    ]
    pairs.sort(key=lambda pair: -pair.likeness)
    used: set[PaidCampaign | VisitedCampaign] = set()
    proposals = []
    for pair in pairs:
        if used.isdisjoint((pair.cost, pair.visited)):
            proposals.append(pair)
            used |= {pair.cost, pair.visited}
    return proposals


def _compare(tag: CampaignTag, visited: CampaignTag) -> tuple[Reason, float] | None:
    """Return the reason and the likeness of two tags; None if they are too different."""
    if tag.campaign == visited.campaign:
        return ("other source", 1.0) if tag.campaign else None
    words, visited_words = _words(tag.campaign), _words(visited.campaign)
    if not words or not visited_words:
        return None
    if words == visited_words or "".join(words) == "".join(visited_words):
        return "spelling", 1.0
    if _has_other_number(words, visited_words):
        return None
    short, long = sorted((words, visited_words), key=len)
    if short in (long[: len(short)], long[-len(short) :]) and len("".join(short)) > 3:
        return "more words", LIKENESS_OF_LONGER
    likeness = SequenceMatcher(
        None, " ".join(words), " ".join(visited_words), autojunk=False
    ).ratio()
    return ("alike", likeness) if likeness >= THRESHOLD else None


def _has_other_number(words: Sequence[str], visited: Sequence[str]) -> bool:
    """Whether both have numbers, and other ones: sale 2025 and sale 2026 are two campaigns."""
    numbers, other_numbers = (re.findall(r"\d+", " ".join(side)) for side in (words, visited))
    return bool(numbers and other_numbers) and numbers != other_numbers


def _words(tag: str | None) -> list[str]:
    """Return the words of a tag without case, accents and separators."""
    text = unicodedata.normalize("NFKD", (tag or "").casefold())
    plain = "".join(letter for letter in text if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain)
