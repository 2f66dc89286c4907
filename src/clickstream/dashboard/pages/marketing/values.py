"""The Marketing tab: what brings people, and whether it pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ROWS
from clickstream.dashboard.pages.marketing.acquisition import build_acquisition
from clickstream.dashboard.pages.marketing.credit import build_credit
from clickstream.dashboard.pages.marketing.holdouts import HAS_SCIPY, build_holdouts
from clickstream.dashboard.pages.marketing.panels import COSTS_WITHOUT_VISITS
from clickstream.dashboard.widgets.lists import NONE, choices_of
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.campaign_tags import (
    CampaignTag,
    PaidCampaign,
    TagProposal,
    VisitedCampaign,
    compare_tags,
)

# Campaigns with a cost and no visits, paid visits without a cost, and which tags may be one.

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
    if not any(campaign.cents for campaign in paid):
        return None
    by = ("channel", "source", "campaign")
    visited = _visited(page.answer(("visits",), by).records())
    comparison = compare_tags([campaign for campaign in paid if campaign.cents], visited)
    proposals = {proposal.cost: proposal for proposal in comparison.proposals}
    return CostsWithoutVisits(
        [
            _row(page, campaign, proposals.get(campaign))
            for campaign in comparison.without_visits[:ROWS]
        ],
        [(_name(campaign.tag), campaign.visits) for campaign in comparison.without_cost[:ROWS]],
        len(comparison.without_visits) > ROWS,
    )


def _paid(row: Mapping[str, Any]) -> PaidCampaign:
    tag = CampaignTag(row["ad_campaign"], row["ad_source"])
    return PaidCampaign(row["ad_platform"], row["ad_campaign_id"], tag, row["ad_cost"])


def _visited(rows: Sequence[Mapping[str, Any]]) -> list[VisitedCampaign]:
    """Return the tags of visits with a campaign; a tag with any paid channel is a paid one."""
    by_tag: dict[CampaignTag, VisitedCampaign] = {}
    for row in rows:
        if not (campaign := (row["campaign"] or "").strip().lower()):
            continue
        tag = CampaignTag(campaign, row["source"])
        so_far = by_tag.get(tag, VisitedCampaign(tag, 0))
        is_paid = so_far.is_paid or (row["channel"] or "").startswith("Paid ")
        by_tag[tag] = VisitedCampaign(tag, so_far.visits + row["visits"], is_paid)
    return [*by_tag.values()]


def _row(page: PageContext, paid: PaidCampaign, proposal: TagProposal | None) -> CostRow:
    text = ""
    if proposal:
        text = (
            f"{_name(paid.tag)} may be {_name(proposal.visited.tag)}: {_REASONS[proposal.reason]}."
        )
    cost = page.shown(METRICS["ad_cost"], paid.cents)
    return CostRow(_name(paid.tag), f"{paid.platform} {paid.campaign_id}", cost, text)


def _name(tag: CampaignTag) -> str:
    """Return the campaign with its source."""
    campaign = tag.campaign or NONE
    return f"{campaign} · {tag.source}" if tag.source else campaign


def marketing_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    return {
        "acquisition": build_acquisition(page),
        "no_money": explain_no_money(page),
        "acquisition_choices": choices_of(page, "acquisition"),
        "attribution_days": page.settings.orders.attribution_days,
        "credit": build_credit(page) if page.has_money else None,
        "credit_choices": choices_of(page, "credit"),
        "credit_by": choices_of(page, "credit_by"),
        "can_plan": HAS_SCIPY and not page.identity.is_read_only,
        "holdouts": build_holdouts(page) if page.settings.holdouts else (),
        "costs_without_visits": build_costs_without_visits(page),
    }
