"""Compiles scalar function calls from a name and compiled arguments to DuckDB SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlglot import exp

from localaws.athena import types
from localaws.athena.dialect.functions.aggregate import AGGREGATES, WINDOWS
from localaws.athena.dialect.functions.call import Call, unexpected_parameters
from localaws.athena.dialect.functions.scalar import TABLE
from localaws.athena.dialect.functions.signature import (
    Overloads,
    Signature,
    choose,
    parse_signature,
)
from localaws.athena.dialect.functions.special import FALLBACK, SPECIAL
from localaws.athena.dialect.typed import Typed
from localaws.athena.errors import QueryError


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


def compile_call(name: str, arguments: list[Typed], node: exp.Expr) -> Typed:
    """Compile a scalar function. Raises QueryError (FUNCTION_NOT_FOUND, NOT_SUPPORTED)."""
    if name in SPECIAL:
        return SPECIAL[name](Call(name, arguments, node))
    if chosen := choose(SCALARS.get(name, {}), arguments):
        template, converted, kind = chosen
        sql = fill(template, converted)
        if kind.args and types.UNKNOWN in kind.args:
            sql = f"CAST({sql} AS {types.duckdb_name(kind)})"
        return Typed(sql, kind)
    if name in FALLBACK:
        return FALLBACK[name](Call(name, arguments, node))
    if name in SCALARS:
        raise unexpected_parameters(Call(name, arguments, node))
    raise QueryError(
        "FUNCTION_NOT_FOUND",
        f"Function '{name}' not registered with the local Athena; it may exist in AWS",
        node,
    )
