"""The panels of the Trust page."""

from __future__ import annotations

from clickstream.dashboard.ask.log_metrics import BALANCE
from clickstream.dashboard.ask.panel import Panel

HOUR = Panel("hour", "trust", "One hour", {"": (("published_hours", *BALANCE), ())})

HOURS = Panel("hours", "trust", "Lines per hour", {"": (("lines", "late_lines"), ("day", "hour"))})

LINE_BALANCE = Panel("balance", "trust", "How the lines were counted", {"": (BALANCE, ("day",))})

LOG_SOURCES = Panel(
    "log_sources",
    "trust",
    "Where the lines come from",
    {"": (("source_lines", "source_late", "source_newest"), ("log_source",))},
)

REJECTED = Panel(
    "rejects",
    "trust",
    "Lines that could not be read",
    {"": (("rejected_lines", "longest_rejected_line"), ("reject_reason",))},
)

SUSPECTS = Panel(
    "suspects",
    "trust",
    "Suspected machines",
    {
        "": (
            (
                "suspected_machines",
                "cohort_members",
                "cohort_proved",
                "cohort_explained",
                "undecided_dates",
            ),
            ("suspected_as",),
        )
    },
)

ERRORS = Panel(
    "errors",
    "trust",
    "Failed requests of people",
    {"": (("errors", "people_with_errors"), ("error_page", "status"))},
)

RULES = Panel(
    "rules",
    "trust",
    "How the hours were built",
    {
        "": (
            ("published_hours", "first_hour", "newest_hour"),
            ("library", "settings", "visitor_key"),
        )
    },
)

SALES_LEDGER = Panel(
    "sales",
    "trust",
    "Sales ledger",
    {
        "": (
            (
                "sales_dates",
                "reconciled_dates",
                "source_orders",
                "sales_orders",
                "source_order_items",
                "sales_order_items",
                "source_refunds",
                "sales_refunds",
                "sales_rejected_rows",
                "gross_cents",
                "refunded_cents",
                "net_cents",
                "sales_missing_rows",
                "missing_cents",
                "sales_differing_orders",
                "differing_cents",
                "sales_unchecked_orders",
                "sales_differing_refunds",
                "sales_published",
            ),
            (
                "day",
                "sales_source",
                "currency",
                "sales_rejected",
                "differing_order",
                "differing_refund",
            ),
        )
    },
)


TRUST = (HOUR, HOURS, LINE_BALANCE, LOG_SOURCES, REJECTED, SUSPECTS, ERRORS, RULES, SALES_LEDGER)
