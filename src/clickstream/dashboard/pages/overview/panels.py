"""The panels of the Overview."""

from __future__ import annotations

from clickstream.dashboard.ask.panel import LANDINGS, VISITS, Panel, Trend
from clickstream.dashboard.ask.view import MONEY_TILES, TILES

TOTALS = Panel("totals", "overview", "Key figures", {"": (TILES, ())}, of_money=MONEY_TILES)

TREND = Trend("trend", "overview", "Over time", of_money=MONEY_TILES)

SOURCES = Panel(
    "sources",
    "overview",
    "Where visits come from",
    {name: (VISITS, (name,)) for name in ("channel", "source", "campaign", "referrer")},
)

PAGES = Panel(
    "pages",
    "overview",
    "Top pages",
    {
        "page": (("views", "time_on_page", "exit_rate"), ("page",)),
        "landing_page": (LANDINGS, ("landing_page",)),
        "exit_page": (VISITS, ("exit_page",)),
    },
)

TIMES = Panel(
    "times",
    "overview",
    "When people come",
    {name: ((name,), ("weekday", "hour")) for name in ("visits", "conversions")},
)

GOALS = Panel("goals", "overview", "Goals", {"": (("goal_visits",), ("goal",))})


OVERVIEW = (TOTALS, TREND, SOURCES, PAGES, TIMES, GOALS)
