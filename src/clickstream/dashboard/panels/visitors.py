"""The panels of the Visitors page."""

from __future__ import annotations

from clickstream.dashboard.panels.panel import Panel

VISITORS: tuple[Panel, ...] = ()
