"""The panels of the Trust page."""

from __future__ import annotations

from clickstream.dashboard.coverage import BALANCE
from clickstream.dashboard.panels.panel import Panel
from clickstream.dashboard.texts import mark

TRUST = (
    Panel(
        "hours",
        "trust",
        mark("Lines of each hour"),
        {"": (("lines", "late_lines"), ("day", "hour"))},
    ),
    Panel("balance", "trust", mark("What became of the lines"), {"": (BALANCE, ("day",))}),
    Panel(
        "log_sources",
        "trust",
        mark("Where the lines come from"),
        {"": (("source_lines", "source_late", "source_newest"), ("log_source",))},
    ),
    Panel(
        "rejects",
        "trust",
        mark("Lines that could not be read"),
        {"": (("rejected_lines",), ("reject_reason",))},
    ),
    Panel(
        "bots",
        "trust",
        mark("Bots and AI agents"),
        {name: (("bot_requests",), (name,)) for name in ("bot_class", "agent", "bot_reason")},
    ),
    Panel(
        "errors",
        "trust",
        mark("Errors that people met"),
        {"": (("errors", "people_with_errors"), ("error_page", "status"))},
    ),
    Panel(
        "rules",
        "trust",
        mark("How the hours were built"),
        {
            "": (
                ("published_hours", "first_hour", "newest_hour"),
                ("library", "settings", "visitor_key"),
            )
        },
    ),
)
