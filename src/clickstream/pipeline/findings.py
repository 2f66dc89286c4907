"""What `verify` finds: an hour, what is wrong with it, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.hours import Hour

Remedy = Literal["build again", "drop marks", "none"]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong with an hour, and what `mend` does about it.

    Where that is nothing, `what` says why, and what to do instead.
    """

    hour: Hour
    what: str
    remedy: Remedy = "build again"

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        mend = "" if self.remedy == "none" else f" To mend it: clickstream mend {self.hour}"
        return f"Hour {self.hour}: {self.what}.{mend}"
