"""Compiler from Trino's SQL to DuckDB's, and what a DuckDB connection needs to run the result.

``compile_statement`` asks a ``Relations`` for tables and views. The caller runs the statements of
``CompiledStatement.setup`` and then the query ``over`` a SELECT for each ``Scan``, both on a
connection that ``prepare_connection`` has prepared. ``trino_duckdb.types`` describes columns.

Each name is imported on first use: a process that only runs compiled statements does not load the
parser, and one that only compiles does not load DuckDB.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trino_duckdb.connection import check_types, prepare_connection, prepare_cursor
    from trino_duckdb.dialect.compiler import CompiledStatement, compile_statement
    from trino_duckdb.dialect.environment import Relations, TableColumns, ViewText
    from trino_duckdb.dialect.scopes import Condition, Scan
    from trino_duckdb.errors import QueryError, not_supported
    from trino_duckdb.failures import explain_failure
    from trino_duckdb.types import Type
    from trino_duckdb.value_text import renderer
else:
    MODULES = {
        "connection": ("check_types", "prepare_connection", "prepare_cursor"),
        "dialect.compiler": ("CompiledStatement", "compile_statement"),
        "dialect.environment": ("Relations", "TableColumns", "ViewText"),
        "dialect.scopes": ("Condition", "Scan"),
        "errors": ("QueryError", "not_supported"),
        "failures": ("explain_failure",),
        "types": ("Type",),
        "value_text": ("renderer",),
    }

    def __getattr__(name: str) -> Any:
        for module, names in MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CompiledStatement",
    "Condition",
    "QueryError",
    "Relations",
    "Scan",
    "TableColumns",
    "Type",
    "ViewText",
    "check_types",
    "compile_statement",
    "explain_failure",
    "not_supported",
    "prepare_connection",
    "prepare_cursor",
    "renderer",
]
