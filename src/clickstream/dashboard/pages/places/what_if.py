"""What-if values of the page of locations: parsed from the URL, and applied to candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from clickstream.core.wording import shown_name
from clickstream.dashboard.formats import Formats
from clickstream.insight.location_plan import CafeCandidate


class WhatIfField(NamedTuple):
    """A field of the form: its label, and the lowest and the highest value that can be used."""

    label: str
    low: float
    high: float


FIELDS: Mapping[str, WhatIfField] = {
    "attraction": WhatIfField("Attraction", 0.1, 10),
    "radius": WhatIfField("Radius in km", 1, 500),
}
"""The values by their name in the URL; an own café has the attraction 1."""


@dataclass(frozen=True)
class WhatIf:
    """What a reader assumes; None is a value as planned.

    `candidate` is the name of the only candidate to which the attraction applies, and is empty for
    all. `radius_km` is the distance over which the attraction of a café falls to 37 %.
    """

    candidate: str = ""
    attraction: float | None = None
    radius_km: float | None = None

    @property
    def has_values(self) -> bool:
        """Whether any value is assumed, so that a plan is computed."""
        return replace(self, candidate="") != WhatIf()

    def apply(self, candidate: CafeCandidate) -> CafeCandidate:
        """Return a candidate with the values that apply to it."""
        if self.attraction is None or self.candidate not in ("", candidate.name):
            return candidate
        return candidate._replace(attraction=self.attraction)


def parse_what_if(
    query: Mapping[str, str], names: Sequence[str], formats: Formats
) -> tuple[WhatIf, list[str]]:
    """Parse the values of a URL; return a sentence for each that can't be used. The others count.

    `names` are those of the plan's candidates. An empty value is as planned.
    """
    problems: list[str] = []
    candidate = query.get("candidate", "").strip()
    if candidate and candidate not in names:
        name = shown_name(candidate)
        problems.append(f"The plan has no candidate “{name}”, so values apply to all: choose one.")
        candidate = ""
    values: dict[str, float] = {}
    for name, field in FIELDS.items():
        if not (text := query.get(name, "").strip()):
            continue
        if (value := _number(text, field)) is None:
            low, high = short_number(formats, field.low), short_number(formats, field.high)
            problems.append(
                f"{field.label} “{shown_name(text)}” does not count: write a number from {low} to "
                f"{high}."
            )
        else:
            values[name] = value
    return WhatIf(candidate, values.get("attraction"), values.get("radius")), problems


def describe_what_if(formats: Formats, what_if: WhatIf) -> str:
    """List the values that are assumed, and for which candidates; empty if none are."""
    parts = []
    if what_if.attraction is not None:
        name = what_if.candidate or "All candidates"
        attraction = short_number(formats, what_if.attraction)
        parts.append(f"{name}: attraction {attraction}")
    if what_if.radius_km is not None:
        km = short_number(formats, what_if.radius_km)
        parts.append(f"radius {km} km")
    return "; ".join(parts)


def _number(text: str, field: WhatIfField) -> float | None:
    """Return a number of a field's range; None for another text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if field.low <= value <= field.high else None


def short_number(formats: Formats, value: float) -> str:
    """Format a number, with a decimal if it is not whole."""
    return formats.count(value) if float(value).is_integer() else formats.decimal(value)
