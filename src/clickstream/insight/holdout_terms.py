"""What settings, commands and pages say about holdout tests; it imports nothing heavy."""

from __future__ import annotations

from typing import Literal

TestedMetric = Literal["orders", "net_sales", "visits"]
"""What a test compares."""

BEFORE_DAYS = 56
"""Days before a test to which it is compared, if nothing else is chosen."""
