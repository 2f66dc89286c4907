"""The panels of the Overview."""

from __future__ import annotations

from clickstream.dashboard.panels.panel import LANDINGS, VISITS, Panel, Trend
from clickstream.dashboard.texts import mark
from clickstream.dashboard.view import TILES

OVERVIEW = (
    Panel("totals", "overview", mark("Key figures"), {"": (TILES, ())}),
    Trend("trend", "overview", mark("Over time")),
    Panel(
        "sources",
        "overview",
        mark("Where visits come from"),
        {name: (VISITS, (name,)) for name in ("channel", "source", "campaign", "referrer")},
    ),
    Panel(
        "pages",
        "overview",
        mark("Pages"),
        {
            "page": (("views", "time_on_page", "exit_rate"), ("page",)),
            "landing_page": (LANDINGS, ("landing_page",)),
            "exit_page": (VISITS, ("exit_page",)),
        },
    ),
    Panel(
        "times",
        "overview",
        mark("When people come"),
        {name: ((name,), ("weekday", "hour")) for name in ("visits", "conversions")},
    ),
    Panel(
        "moved",
        "overview",
        mark("Biggest changes"),
        {name: ((name,), ("channel",)) for name in ("visits", "conversions")},
        also_by=("campaign", "landing_page", "country"),
    ),
    Panel("goals", "overview", mark("Goals"), {"": (("goal_visits",), ("goal",))}),
)
