"""Labels of suspected cohorts: which visitors are members, as a text for tables and settings.

A label has the proof of the members, then the fields that they share: `none: agent=Chrome 124,
Windows, assets=none`. `clickstream.people` has their meanings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ARRIVAL_FIELDS = (
    "device",
    "channel",
    "network",
    "operator",
    "agent",
    "protocol",
    "header_fields",
    "referrer",
    "landing_page",
    "hour",
)
"""Fields of where a visitor comes from."""

ACTION_FIELDS = ("assets", "landing_assets", "page_views", "rhythm")
"""Fields of what a visitor does."""

REASON = (
    "{members} visitors are alike in this. Of the others who arrived in the same way, "
    "{proved} proved by what they did that they are people, so only about {explained} of the "
    "{members} are expected to be people."
)
"""The evidence against a cohort, as a sentence for people."""

_ANY_VALUE = {
    "network": "network {value}",
    "operator": "operator {value}",
    "header_fields": "header fields {value}",
    "referrer": "from {value}",
    "landing_page": "landing page {value}",
    "hour": "first page between {value}:00 and {value}:59 UTC",
    "page_views": "{value} page views or more",
    "rhythm": "longest pause from {value} seconds on",
}
"""The words for a field; the values of other fields are words already."""

_ONE_VALUE = {
    ("device", ""): "unknown device",
    ("protocol", ""): "no HTTP version",
    ("header_fields", ""): "no header fields of a browser",
    ("referrer", ""): "no referrer",
    ("landing_page", ""): "no landing page",
    ("assets", "none"): "no images, style sheets or scripts",
    ("assets", "cached"): "only files from a cache",
    ("assets", "out of order"): "files before their page",
    ("assets", "loaded"): "files loaded",
    ("landing_assets", "none"): "no files of the landing page",
    ("landing_assets", "part"): "some files of the landing page",
    ("landing_assets", "all"): "all files of the landing page",
    ("landing_assets", "unknown"): "files of an uncommon landing page",
    ("page_views", "1"): "one page",
    ("rhythm", "none"): "no second page",
    ("rhythm", "equal"): "equal pauses",
}

_DIGITS = 6
"""Digits of the hash of a network, or of its operator, that are shown."""


def _words(name: str, value: str) -> str:
    if text := _ONE_VALUE.get((name, value)):
        return text
    shown = value[:_DIGITS] if name in ("network", "operator") else value
    return _ANY_VALUE.get(name, "{value}").format(value=shown)


_FIELD = re.compile(rf"(?:^|, )({'|'.join((*ARRIVAL_FIELDS, *ACTION_FIELDS))})=")


@dataclass(frozen=True)
class CohortLabel:
    """The proof of the members, such as `none`, and the value of each field that they share."""

    proof: str
    values: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> CohortLabel:
        """Read a label; a text of another form has no fields."""
        proof, _, fields = text.partition(": ")
        names_and_values = _FIELD.split(fields)[1:]
        return cls(proof, dict(zip(names_and_values[::2], names_and_values[1::2], strict=True)))

    def describe(self) -> str:
        """Return what the members share, in words."""
        return " · ".join(_words(name, value) for name, value in self.values.items())

    def __str__(self) -> str:
        """The label as a text."""
        fields = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.proof}: {fields}"
