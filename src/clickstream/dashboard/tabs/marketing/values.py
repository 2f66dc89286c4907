"""The Marketing tab: what brings people, and whether it pays."""

from __future__ import annotations

from typing import Any

from clickstream.dashboard.tabs.marketing.acquisition import build_acquisition
from clickstream.dashboard.tabs.marketing.assistants import build_assistants
from clickstream.dashboard.tabs.marketing.campaign_courses import build_campaign_courses
from clickstream.dashboard.tabs.marketing.costs_without_visits import build_costs_without_visits
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.lists import choices_of
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext


def marketing_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    text = page.formats.text
    return {
        "acquisition": build_acquisition(page),
        "no_money": explain_no_money(page),
        "acquisition_choices": choices_of(page, "acquisition"),
        "campaigns": build_campaign_courses(page),
        "assistants": build_assistants(page),
        "costs_without_visits": build_costs_without_visits(page),
        "no_assistants": text(mark("No visit in this range came from an AI assistant.")),
    }
