"""Athena on one machine: Trino SQL over Iceberg tables and Glue views, answered by DuckDB."""

from __future__ import annotations

from localaws.athena.api import AthenaService

__all__ = ["AthenaService"]
