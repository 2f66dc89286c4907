"""Section `[locations]`: candidates for a new café, and how far customers travel."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from clickstream.settings.base import Section


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose limits are the wrong way round, or no distances."""
    if not 0 < limits[0] < limits[1] <= 500:
        message = "write two distances in kilometres, the smaller one first, as in [8, 25]"
        raise PydanticCustomError("location_range", message)
    return limits


class LocationSettings(Section):
    """What `clickstream locations` assumes. No setting here affects the rows of an hour."""

    candidates: str = Field(
        "candidates.csv", description="CSV file of the candidates for a new café."
    )
    distance_km: Annotated[tuple[float, float], AfterValidator(_ascending)] = Field(
        (8.0, 25.0),
        description="Distance in kilometres over which the attraction of a café falls to 37 %, as "
        "the smallest and the largest that are likely. It counts if fewer than two cafés have "
        "orders by place.",
    )
