"""The costs and the visits of campaigns in the lake, for `clickstream sales tags`."""

from __future__ import annotations

from datetime import date

from clickstream.insight.campaign_tags import (
    CampaignTag,
    PaidCampaign,
    TagReport,
    VisitedCampaign,
    compare_tags,
)
from clickstream.lake import Lake, athena

_COSTS = """
select platform, campaign_id, campaign, source, sum(spend_cents), currency
from spend_facts
where event_date between date '{first}' and date '{last}'
group by platform, campaign_id, campaign, source, currency
having sum(spend_cents) > 0
"""
_VISITS = """
select
    lower(trim(utm_campaign)), source, count(*), bool_or(coalesce(channel, '') like 'Paid %')
from sessions
where
    session_date between date '{first}' and date '{last}'
    and trim(utm_campaign) <> ''
group by 1, 2
"""


def compare_stored_tags(lake: Lake, first: date, last: date) -> TagReport:
    """Compare the tags of the costs and of the visits of two UTC dates and those between."""
    costs = [
        PaidCampaign(platform, campaign_id, CampaignTag(campaign, source), cents, currency)
        for platform, campaign_id, campaign, source, cents, currency in athena.query(
            lake, _COSTS.format(first=first, last=last)
        ).rows
    ]
    visited = [
        VisitedCampaign(CampaignTag(campaign, source), visits, is_paid)
        for campaign, source, visits, is_paid in athena.query(
            lake, _VISITS.format(first=first, last=last)
        ).rows
    ]
    return compare_tags(costs, visited)
