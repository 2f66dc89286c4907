"""Labels of suspected cohorts: which visitors are members, as a text for tables and settings.

A label has the proof of the members, then the fields that they share: `none: agent=Chrome 124,
Windows, assets=none`. `clickstream.people` has their meanings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ARRIVAL_FIELDS = (
    *("device", "channel", "network", "agent", "protocol", "referrer", "landing_page", "hour"),
)
"""Fields of where a visitor comes from."""

ACTION_FIELDS = ("assets", "landing_assets", "page_views", "rhythm")
"""Fields of what a visitor does."""

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

    def __str__(self) -> str:
        """The label as a text."""
        fields = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.proof}: {fields}"
