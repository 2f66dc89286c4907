"""The panels of the Orders page."""

from __future__ import annotations

from clickstream.dashboard.questions.panel import Panel
from clickstream.dashboard.texts import mark

FAILED = ("failed_visits", "failed_requests", "failed_visitors")

FUNNEL = Panel(
    "funnel", "orders", mark("From page to order"), {"": (("visits",), ("furthest_step",))}
)

ITEMS = Panel(
    "items",
    "orders",
    mark("What people look at"),
    {"": (("page_visits", "views", "time_on_page"), ("page",))},
)

ORDER_TIMES = Panel(
    "order_times",
    "orders",
    mark("When people order"),
    {"": (("goal_visits",), ("weekday", "hour"))},
)

FAILURES = Panel(
    "failures",
    "orders",
    mark("Visits that met an error"),
    {"": (FAILED, ("failed_page", "failed_status"))},
)

GOALS_MET = Panel("goals_met", "orders", mark("Goals"), {"": (("goal_visits",), ("goal",))})


ORDERS = (FUNNEL, ITEMS, ORDER_TIMES, FAILURES, GOALS_MET)
