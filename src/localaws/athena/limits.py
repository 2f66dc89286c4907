"""Limits of memory, disk and time for one query of the local Athena, kept by its workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one query.

    ``memory`` and ``spill`` limit memory and disk, in DuckDB's notation of sizes. ``process_bytes``
    limits the allocations of the whole worker, because DuckDB does not count the memory in which a
    function builds a single value. ``seconds`` limits the run time: 30 minutes, Athena's default
    for a DML statement.
    """

    memory: str = "1GB"
    spill: str = "8GB"
    process_bytes: int = 2 << 30
    seconds: float = 30 * 60

    def as_arguments(self) -> list[str]:
        """Return the limits that a worker applies itself, as arguments of its command."""
        return [self.memory, self.spill, str(self.process_bytes)]


DEFAULT = Limits()
