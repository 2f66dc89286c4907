"""A simulated café: writes a web server's log, and counts its true figures while it does.

    history = simulate(Hour.parse("2026-11-20T05"), Hour.parse("2026-11-21T04"))
    history.truth.total.page_requests

The same seed gives the same lines, and overlapping ranges have equal lines in their common hours.
So a written history and the live traffic after it form one log.
"""

from clickstream.demo.cafe.addresses import COUNTRIES
from clickstream.demo.cafe.history import History, LogLine, simulate
from clickstream.demo.cafe.log_files import live, write_history
from clickstream.demo.cafe.rules import CafeRules
from clickstream.demo.cafe.truth import HourTruth, Order, PageView, PersonSession, Truth

__all__ = [
    "COUNTRIES",
    "CafeRules",
    "History",
    "HourTruth",
    "LogLine",
    "Order",
    "PageView",
    "PersonSession",
    "Truth",
    "live",
    "simulate",
    "write_history",
]
