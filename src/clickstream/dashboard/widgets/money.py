"""What pages say in place of orders and amounts that they can't show.

`PageContext.has_money` decides whether a page shows them.
"""

from __future__ import annotations

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.widgets.page import PageContext


def explain_no_money(page: PageContext) -> str:
    """State which filters do not apply to orders; empty if the page or its site has no such."""
    if page.has_money or not page.has_shop:
        return ""
    names = dict.fromkeys(filter_.dimension for filter_ in page.view.filters)
    labels = [DIMENSIONS[name].label for name in names if name not in MONEY.visit_dimensions]
    return f"Orders and amounts can't be filtered by {' and '.join(labels)}, so they are not shown."
