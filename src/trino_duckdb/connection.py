"""Prepares DuckDB connections for compiled statements, and checks the types of their results."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from duckdb.func import FunctionNullHandling

from trino_duckdb import json_values, pyfunctions
from trino_duckdb.types import UNKNOWN, Type, duckdb_name

SETTINGS = (
    "LOAD icu",  # a part of DuckDB's wheel, so it needs no network
    "SET TimeZone = 'UTC'",
    "SET default_null_order = 'nulls_last'",
    "SET order_by_non_integer_literal = true",
)


def prepare_connection(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what compiled SQL relies on, and register the functions that it calls.

    Call it once for a database. A cursor of the connection has the functions, but not all settings;
    call `prepare_cursor` for it.
    """
    prepare_cursor(connection)
    for function in (*pyfunctions.FUNCTIONS, *json_values.FUNCTIONS):
        parameters, result = pyfunctions.signature(function)
        connection.create_function(
            f"trino_{function.__name__}",
            pyfunctions.strict(function),
            [duckdb.sqltype(parameter) for parameter in parameters],
            duckdb.sqltype(result),
            null_handling=FunctionNullHandling.SPECIAL,
        )


def prepare_cursor(cursor: duckdb.DuckDBPyConnection) -> None:
    """Set what compiled SQL relies on in a cursor of a prepared connection."""
    for setting in SETTINGS:
        cursor.execute(setting)


def check_types(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Type]) -> None:
    """Raise TypeError if DuckDB's types differ from those that the compiler computed."""
    for kind, column in zip(kinds, connection.description or [], strict=True):
        expected = duckdb.sqltype(duckdb_name(kind))
        if kind != UNKNOWN and str(column[1]) != str(expected):
            raise TypeError(f"column is {column[1]} in DuckDB but should be {expected}")
