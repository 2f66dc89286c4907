"""Section `[privacy]`: how long visitor keys are used and kept, and what they cost."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.values import Section

KEY_DOLLARS = 0.40
"""Price of a secret in Secrets Manager for a month (us-east-1, November 2026)."""

CHEAP_KEY_DAYS = 7
"""Fewest days of a key period whose cost needs no confirmation."""


class PrivacySettings(Section):
    """How long visitor keys are used and kept."""

    key_days: Annotated[int, Field(ge=1, le=366)] = Field(
        30,
        description="Length of a key period in days. With each new period, visitors get new "
        "ids; 1 is the strictest value.",
    )
    replay_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        90, description="Days after the end of its period at which a visitor key is destroyed."
    )
    confirm_cost: bool = Field(
        False,
        description=f"Allow `key_days` under {CHEAP_KEY_DAYS}: Secrets Manager charges for each "
        "kept key, docs/privacy.md.",
    )

    @model_validator(mode="after")
    def _check_cost(self) -> PrivacySettings:
        """Refuse short key periods, which may cost more than the rest of a small lake."""
        if self.key_days >= CHEAP_KEY_DAYS or self.confirm_cost:
            return self
        keys = math.ceil(self.replay_days / self.key_days) + 1
        message = (
            "with key_days = {key_days} and replay_days = {replay_days}, Secrets Manager keeps "
            "{keys} keys, which cost about ${dollars} a month on AWS; set key_days to {cheap} or "
            "more, or confirm_cost = true"
        )
        context = {
            "key_days": self.key_days,
            "replay_days": self.replay_days,
            "keys": keys,
            "dollars": round(keys * KEY_DOLLARS),
            "cheap": CHEAP_KEY_DAYS,
        }
        raise PydanticCustomError("key_cost", message, context)
