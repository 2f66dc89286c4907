"""The panels of the Places page."""

from __future__ import annotations

from clickstream.dashboard.panels.panel import Panel

PLACES: tuple[Panel, ...] = ()
