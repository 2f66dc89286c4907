"""The panels of the Orders page."""

from __future__ import annotations

from clickstream.dashboard.panels.panel import Panel

ORDERS: tuple[Panel, ...] = ()
