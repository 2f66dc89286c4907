"""Campaigns with a cost and no visits, paid visits without a cost, and which tags may be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import ROWS
from clickstream.dashboard.tabs.marketing.panels import COSTS_WITHOUT_VISITS
from clickstream.dashboard.widgets.lists import NONE
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.campaign_tags import (
    CampaignTag,
    PaidCampaign,
    TagProposal,
    VisitedCampaign,
    compare_tags,
)

_REASONS = {
    "other source": "equal campaigns of other sources",
    "spelling": "only case, accents and separators differ",
    "more words": "one has further words",
    "alike": "the tags are similar",
}


@dataclass(frozen=True)
class CostRow:
    """A campaign with a cost and no visits; `proposal` is a sentence about tags with visits."""

    name: str
    platform: str
    cost: str
    proposal: str


@dataclass(frozen=True)
class CostsWithoutVisits:
    """The campaigns that cost most without visits, and the tags with most paid visits alone."""

    costs: Sequence[CostRow]
    visits: Sequence[tuple[str, int]]
    has_more: bool


def build_costs_without_visits(page: PageContext) -> CostsWithoutVisits | None:
    """Compare the tags of costs and visits; None if nothing has a cost, or with filters.

    Filters choose visits and not costs, so with a filter nearly all costs would be without visits.
    """
    if not page.has_money or page.view.filters:
        return None
    paid = [_paid(row) for row in page.answer(*page.parts(COSTS_WITHOUT_VISITS)).records()]
    if not any(one.cents for one in paid):
        return None
    by = ("channel", "source", "campaign")
    visited = _visited(page.answer(("visits",), by).records())
    found = compare_tags([one for one in paid if one.cents], visited)
    proposals = {one.cost: one for one in found.proposals}
    return CostsWithoutVisits(
        [_row(page, one, proposals.get(one)) for one in found.without_visits[:ROWS]],
        [(_name(one.tag), one.visits) for one in found.without_cost[:ROWS]],
        len(found.without_visits) > ROWS,
    )


def _paid(row: Mapping[str, Any]) -> PaidCampaign:
    tag = CampaignTag(row["ad_campaign"], row["ad_source"])
    return PaidCampaign(row["ad_platform"], row["ad_campaign_id"], tag, row["ad_cost"])


def _visited(rows: Sequence[Mapping[str, Any]]) -> list[VisitedCampaign]:
    """Return the tags of visits with a campaign; a tag with any paid channel is a paid one."""
    found: dict[CampaignTag, VisitedCampaign] = {}
    for row in rows:
        if not (campaign := (row["campaign"] or "").strip().lower()):
            continue
        tag = CampaignTag(campaign, row["source"])
        known = found.get(tag, VisitedCampaign(tag, 0))
        is_paid = known.is_paid or (row["channel"] or "").startswith("Paid ")
        found[tag] = VisitedCampaign(tag, known.visits + row["visits"], is_paid)
    return [*found.values()]


def _row(page: PageContext, one: PaidCampaign, proposal: TagProposal | None) -> CostRow:
    text = ""
    if proposal:
        text = (
            f"{_name(one.tag)} may be {_name(proposal.visited.tag)}: {_REASONS[proposal.reason]}."
        )
    cost = page.shown(METRICS["ad_cost"], one.cents)
    return CostRow(_name(one.tag), f"{one.platform} {one.campaign_id}", cost, text)


def _name(tag: CampaignTag) -> str:
    """Return the campaign with its source."""
    campaign = tag.campaign or NONE
    return f"{campaign} · {tag.source}" if tag.source else campaign
