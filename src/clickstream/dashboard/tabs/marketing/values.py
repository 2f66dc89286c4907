"""The Marketing tab: what brings people, and whether it pays."""

from __future__ import annotations

from typing import Any

from clickstream.dashboard.tabs.marketing.acquisition import build_acquisition
from clickstream.dashboard.tabs.marketing.assistants import build_assistants
from clickstream.dashboard.tabs.marketing.campaign_courses import build_campaign_courses
from clickstream.dashboard.tabs.marketing.costs_without_visits import build_costs_without_visits
from clickstream.dashboard.tabs.marketing.credit import build_credit
from clickstream.dashboard.tabs.marketing.holdouts import HAS_SCIPY, build_holdouts
from clickstream.dashboard.widgets.lists import choices_of
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext


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
        "campaigns": build_campaign_courses(page),
        "assistants": build_assistants(page),
        "costs_without_visits": build_costs_without_visits(page),
        "no_assistants": "No visit in this range came from an AI assistant.",
    }
