"""The panels of the Marketing page."""

from __future__ import annotations

from clickstream.dashboard.panels.panel import Panel

MARKETING: tuple[Panel, ...] = ()
