"""Names of suspected cohorts in words, from their labels."""

from __future__ import annotations

from clickstream.cohort_labels import CohortLabel
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.texts import mark

_NAMES = {
    "network": mark("network %(value)s"),
    "protocol": "%(value)s",
    "referrer": mark("from %(value)s"),
    "landing_page": mark("landing page %(value)s"),
    "hour": mark("first seen from %(value)s to the next hour, UTC"),
    "page_views": mark("from %(value)s page views on"),
    "rhythm": mark("longest pause from %(value)s seconds on"),
}
"""The text for any value of a field; other fields show the value alone."""

_VALUES = {
    ("device", ""): mark("unknown device"),
    ("protocol", ""): mark("no HTTP version"),
    ("referrer", ""): mark("no referrer"),
    ("landing_page", ""): mark("no landing page"),
    ("assets", "none"): mark("no images, style sheets or scripts"),
    ("assets", "cached"): mark("only files from a cache"),
    ("assets", "out of order"): mark("files before their page"),
    ("assets", "loaded"): mark("files loaded"),
    ("landing_assets", "none"): mark("no files of the landing page"),
    ("landing_assets", "part"): mark("some files of the landing page"),
    ("landing_assets", "all"): mark("all files of the landing page"),
    ("landing_assets", "unknown"): mark("files of an uncommon landing page"),
    ("page_views", "1"): mark("one page"),
    ("rhythm", "none"): mark("no second page"),
    ("rhythm", "equal"): mark("equal pauses"),
}
"""The text for single values."""

_DIGITS = 6
"""Digits of a network's hash that are shown."""


def cohort_name(formats: Formats, label: str) -> str:
    """Return what the members of a cohort share, in words."""
    found = CohortLabel.parse(label).values
    if not found:
        return label
    return " · ".join(_field(formats, name, value) for name, value in found.items())


def _field(formats: Formats, name: str, value: str) -> str:
    if text := _VALUES.get((name, value)):
        return formats.text(text)
    if name == "hour":
        value = formats.hour(int(value))
    if name == "network":
        value = value[:_DIGITS]
    return formats.text(_NAMES[name], value=value) if name in _NAMES else value
