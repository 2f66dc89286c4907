"""The Marketing tab: what brings people, and whether it pays."""

from __future__ import annotations

from typing import Any

from clickstream.dashboard.tabs.marketing.acquisition import build_acquisition
from clickstream.dashboard.tabs.marketing.assistants import build_assistants
from clickstream.dashboard.tabs.marketing.campaign_courses import build_campaign_courses
from clickstream.dashboard.tabs.marketing.first_and_last import build_credits
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.lists import choices_of
from clickstream.dashboard.widgets.page import Page


def marketing_values(page: Page) -> dict[str, Any]:
    """Build the values of the tab's template."""
    text = page.formats.text
    return {
        "acquisition": build_acquisition(page),
        "acquisition_choices": choices_of(page, "acquisition"),
        "campaigns": build_campaign_courses(page),
        "assistants": build_assistants(page),
        "credits": build_credits(page),
        "no_assistants": text(mark("No visit in this range came from an AI assistant.")),
        "is_cut": page.formats.plural(
            "Visits of one person are linked for %(number)s day at most, and not "
            "across a change of the visitor keys; earlier visits are not known.",
            "Visits of one person are linked for %(number)s days at most, and not "
            "across a change of the visitor keys; earlier visits are not known.",
            page.key_days,
        ),
    }
