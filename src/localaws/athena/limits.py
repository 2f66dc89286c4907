"""What one query of the local Athena may use of the machine; workers and their pool keep to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Memory of a query and the disk it may spill to; sizes as DuckDB spells them.

    `process_bytes` bounds what the whole worker may allocate: DuckDB does not count what functions
    build in one value. `seconds` is how long a query may run: 30 minutes, as Athena's default for a
    DML statement.
    """

    memory: str = "1GB"
    spill: str = "8GB"
    process_bytes: int = 2 << 30
    seconds: float = 30 * 60

    def as_arguments(self) -> list[str]:
        """What a worker needs to know, as arguments of its command."""
        return [self.memory, self.spill, str(self.process_bytes)]


DEFAULT = Limits()
