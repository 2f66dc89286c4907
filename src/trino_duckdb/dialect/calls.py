"""Compiles scalar function calls from a name and compiled arguments to DuckDB SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed
from trino_duckdb.errors import ON_AWS, QueryError
from trino_duckdb.functions.aggregate import AGGREGATES, WINDOWS
from trino_duckdb.functions.call import Call, unexpected_parameters
from trino_duckdb.functions.lambdas import LAMBDAS
from trino_duckdb.functions.scalar import TABLE
from trino_duckdb.functions.signature import (
    Overloads,
    Signature,
    choose,
    parse_signature,
)
from trino_duckdb.functions.special import SPECIAL


def read_table(table: Mapping[str, str]) -> dict[str, Overloads]:
    """Parse a table of signatures to a dictionary by function name."""
    overloads: dict[str, dict[Signature, str]] = defaultdict(dict)
    for text, template in table.items():
        signature = parse_signature(text)
        overloads[signature.name][signature] = template
    return {**overloads}


SCALARS = read_table(TABLE)
AGGREGATE_CALLS = read_table(AGGREGATES)
WINDOW_CALLS = read_table(WINDOWS)


def fill(template: str, arguments: list[Typed]) -> str:
    """Insert the arguments' SQL in a template: one by one, or all of them as a list or joined."""
    parts = [argument.sql for argument in arguments]
    return template.format(*parts, listed=", ".join(parts), joined=" || ".join(parts))


def require_function(name: str, node: exp.Expr) -> None:
    """Raise QueryError (FUNCTION_NOT_FOUND) for a function that the compiler does not have."""
    if not any(
        name in known for known in (SCALARS, SPECIAL, LAMBDAS, AGGREGATE_CALLS, WINDOW_CALLS)
    ):
        message = f"Function '{name}' is not supported by the local Athena ({ON_AWS})"
        raise QueryError("FUNCTION_NOT_FOUND", message, node)


def compile_call(name: str, arguments: list[Typed], node: exp.Expr) -> Typed:
    """Compile a scalar function. Raises QueryError (FUNCTION_NOT_FOUND, NOT_SUPPORTED)."""
    call = Call(name, arguments, node)
    if name in SPECIAL:
        return SPECIAL[name](call)
    chosen = choose(SCALARS.get(name, {}), arguments)
    if chosen is None:
        raise unexpected_parameters(call)
    template, converted, kind = chosen
    sql = fill(template, converted)
    if types.UNKNOWN in kind.args:
        sql = f"CAST({sql} AS {types.duckdb_name(kind)})"
    return Typed(sql, kind)
