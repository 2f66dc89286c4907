"""Limits of memory, disk and time for the queries of the local Athena."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of queries.

    ``memory`` and ``spill`` limit the memory and disk of the database in which queries run, in
    DuckDB's notation of sizes. ``seconds`` limits the run time of one query: 30 minutes, Athena's
    default for a DML statement.
    """

    memory: str = "1GB"
    spill: str = "8GB"
    seconds: float = 30 * 60


DEFAULT = Limits()
