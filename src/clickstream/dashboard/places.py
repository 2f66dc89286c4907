"""The Places tab."""

from __future__ import annotations

from typing import Any

from clickstream.dashboard.page import Page


def places_values(page: Page) -> dict[str, Any]:
    """What the tab's template needs."""
    return {"lists": []}
