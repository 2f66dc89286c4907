"""Trino's SQL on DuckDB, as far as both are known to give the same answers.

``compile_statement`` asks a ``Relations`` for tables and views, and refuses by name what is not in
its lists. The caller runs ``CompiledStatement.over`` on a connection that ``prepare_connection``
has prepared, and prints the values with ``types.renderer``.
"""

from __future__ import annotations

from trino_duckdb.compiler import (
    CompiledStatement,
    Relations,
    Scan,
    TableColumns,
    ViewText,
    compile_statement,
    prepare_connection,
    prepare_cursor,
)
from trino_duckdb.errors import QueryError, explain_failure, not_supported
from trino_duckdb.types import Type, renderer

__all__ = [
    "CompiledStatement",
    "QueryError",
    "Relations",
    "Scan",
    "TableColumns",
    "Type",
    "ViewText",
    "compile_statement",
    "explain_failure",
    "not_supported",
    "prepare_connection",
    "prepare_cursor",
    "renderer",
]
