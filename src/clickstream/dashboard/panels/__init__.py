"""The panels of each tab: the metrics that each panel shows, and by which dimensions.

The pages, the CSV files, the SQL behind a number and the comparison with Athena all use these
definitions.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.panels.marketing import MARKETING
from clickstream.dashboard.panels.orders import ORDERS
from clickstream.dashboard.panels.overview import OVERVIEW
from clickstream.dashboard.panels.panel import GRAIN_DIMENSIONS, ROWS, Panel, Trend, grain_of
from clickstream.dashboard.panels.places import PLACES
from clickstream.dashboard.panels.trust import TRUST
from clickstream.dashboard.panels.visitors import VISITORS

__all__ = ["GRAIN_DIMENSIONS", "PANELS", "ROWS", "Panel", "Trend", "grain_of"]

PANELS: Mapping[str, Panel] = {
    panel.name: panel for panel in (*OVERVIEW, *VISITORS, *MARKETING, *ORDERS, *PLACES, *TRUST)
}
"""Each panel by its name."""
