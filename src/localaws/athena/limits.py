"""What one query of the local Athena may use of the machine; workers and their pool keep to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Memory of a query and the disk it may spill to; sizes as DuckDB spells them."""

    memory: str = "1GB"
    spill: str = "8GB"


DEFAULT = Limits()
