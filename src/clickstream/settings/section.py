"""The base of all sections of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings: nothing in it changes, and nothing unknown is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
