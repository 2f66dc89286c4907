"""Section `[[holdouts]]`: tests in which campaigns are switched off in some regions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.insight.holdout_terms import BEFORE_DAYS, TestedMetric
from clickstream.settings.values import Section

HOLDOUT_PROBLEM = "holdout"
"""Type of the error whose message is about a whole holdout test, not one of its settings."""


def _date(value: Any) -> Any:
    """Refuse what is not a date of TOML, which has no quotes and no time."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise PydanticCustomError("holdout_date", "write a UTC date without quotes, as 2026-11-02")


def _campaigns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in lower case, as they are compared; refuse an empty one."""
    if not names:
        message = "name the campaigns that are switched off, by their utm_campaign"
        raise PydanticCustomError("holdout_names", message)
    return tuple(name.lower() for name in _names(names))


def _regions(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        message = "name the regions of the test as the dashboard does, as in ['England, GB']"
        raise PydanticCustomError("holdout_names", message)
    return _names(names)


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names without spaces around them, each once."""
    stripped = tuple(dict.fromkeys(name.strip() for name in names))
    if not all(stripped):
        raise PydanticCustomError("holdout_names", "a name is empty: write or remove it")
    return stripped


UtcDate = Annotated[date, BeforeValidator(_date)]


class HoldoutSettings(Section):
    """A test in which campaigns are switched off in some regions, between two dates."""

    name: str = Field(description="Name of the test.", pattern=r"^[a-z0-9][a-z0-9-]*$")
    campaigns: Annotated[tuple[str, ...], AfterValidator(_campaigns)] = Field(
        description="The campaigns that are switched off, by their utm_campaign in any case."
    )
    regions: Annotated[tuple[str, ...], AfterValidator(_regions)] = Field(
        description="The regions in which they are switched off, as the dashboard names them: "
        "England, GB."
    )
    first: UtcDate = Field(description="First UTC date without the campaigns.")
    last: UtcDate = Field(description="Last UTC date without the campaigns.")
    metric: TestedMetric = Field(
        "orders", description="What is compared: orders and net sales by the region of their visit."
    )
    before_days: Annotated[int, Field(ge=14, le=366)] = Field(
        BEFORE_DAYS, description="Days before `first` to which the control is fitted."
    )

    @model_validator(mode="after")
    def _check_dates(self) -> HoldoutSettings:
        """Refuse a test that ends before it begins."""
        if self.first > self.last:
            message = "first = {first} is after last = {last}: swap them, or correct one"
            context = {"first": str(self.first), "last": str(self.last)}
            raise PydanticCustomError(HOLDOUT_PROBLEM, message, context)
        return self
