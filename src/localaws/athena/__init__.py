"""Athena on one machine: Trino SQL over Iceberg tables and Glue views, answered by DuckDB.

``AthenaService`` is imported on first use, because the worker processes import this package too
and need neither the SQL compiler nor pyiceberg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localaws.athena.api import AthenaService

__all__ = ["AthenaService"]


def __getattr__(name: str) -> Any:
    if name == "AthenaService":
        from localaws.athena.api import AthenaService

        return AthenaService
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
