"""Registry of the functions that compile the nodes of a parsed statement.

The modules ``expressions`` and ``invocations`` register their functions here. A node without a
function is refused by its name, so that no node reaches DuckDB unchecked.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from localaws.athena.dialect.environment import Env
from localaws.athena.dialect.typed import Typed
from localaws.athena.errors import not_supported

Handler = Callable[[exp.Expr, Env], Typed]
HANDLERS: dict[type[exp.Expr], Handler] = {}


def compile_expression(node: exp.Expr, env: Env) -> Typed:
    """Compile any expression.

    Raises QueryError: COLUMN_NOT_FOUND, TYPE_MISMATCH, FUNCTION_NOT_FOUND, NOT_SUPPORTED ...
    """
    handler = HANDLERS.get(type(node))
    if handler is None:
        raise not_supported(f"{type(node).__name__} ({node.sql('trino')[:80]})", node)
    return handler(node, env)
