"""The panels of the Trust page."""

from __future__ import annotations

from clickstream.dashboard.questions.log_metrics import BALANCE
from clickstream.dashboard.questions.panel import Panel
from clickstream.dashboard.texts import mark

HOUR = Panel("hour", "trust", mark("One hour"), {"": (("published_hours", *BALANCE), ())})

HOURS = Panel(
    "hours",
    "trust",
    mark("Lines per hour"),
    {"": (("lines", "late_lines"), ("day", "hour"))},
)

LINE_BALANCE = Panel(
    "balance", "trust", mark("How the lines were counted"), {"": (BALANCE, ("day",))}
)

LOG_SOURCES = Panel(
    "log_sources",
    "trust",
    mark("Where the lines come from"),
    {"": (("source_lines", "source_late", "source_newest"), ("log_source",))},
)

REJECTED = Panel(
    "rejects",
    "trust",
    mark("Lines that could not be read"),
    {"": (("rejected_lines", "longest_rejected_line"), ("reject_reason",))},
)

SUSPECTS = Panel(
    "suspects",
    "trust",
    mark("Suspected machines"),
    {
        "": (
            (
                *("suspected_machines", "cohort_members", "cohort_proved", "cohort_explained"),
                "undecided_dates",
            ),
            ("suspected_as",),
        )
    },
)

ERRORS = Panel(
    "errors",
    "trust",
    mark("Failed requests of people"),
    {"": (("errors", "people_with_errors"), ("error_page", "status"))},
)

RULES = Panel(
    "rules",
    "trust",
    mark("How the hours were built"),
    {
        "": (
            ("published_hours", "first_hour", "newest_hour"),
            ("library", "settings", "visitor_key"),
        )
    },
)


TRUST = (HOUR, HOURS, LINE_BALANCE, LOG_SOURCES, REJECTED, SUSPECTS, ERRORS, RULES)
