"""ORDER BY, LIMIT and OFFSET of a finished query, and ordinals of its columns."""

# ruff: noqa: S608 - this module generates SQL
from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from trino_duckdb.dialect.environment import Columns, Env
from trino_duckdb.dialect.expressions import name_path
from trino_duckdb.dialect.scopes import Field, Scope
from trino_duckdb.dialect.typed import Typed, check_order
from trino_duckdb.errors import QueryError, not_supported

Outputs = Sequence[tuple[str | None, Typed]]
"""Names and values of a query's columns."""
Check = Callable[[exp.Expr, Typed], None]


def order_list(items: list[exp.Expr], env: Env) -> str:
    """ORDER BY items; NULLs come last unless the statement says otherwise."""
    return ", ".join(_ordering(env.expression(item.this), item) for item in items)


def _ordering(key: Typed, item: exp.Expr) -> str:
    """Compile one ORDER BY item with its direction and the position of NULLs."""
    check_order(key, item)
    direction = "DESC" if item.args.get("desc") else "ASC"
    nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
    return f"{key.sql} {direction} NULLS {nulls}"


def ordinal(item: exp.Expr, count: int, clause: str) -> int:
    """Return the position, from 0, of the output column with a number. Raises QueryError."""
    place = -int(item.name) if isinstance(item, exp.Neg) else int(item.name)
    if not 1 <= place <= count:
        raise QueryError(
            "INVALID_COLUMN_REFERENCE", f"{clause} position {place} is not in select list", item
        )
    return place - 1


def is_ordinal(item: exp.Expr) -> bool:
    """Whether an item of GROUP BY or ORDER BY is the number of an output column."""
    return isinstance(item, exp.Literal | exp.Neg) and item.is_int


def _order_key(item: exp.Expr, outputs: Outputs, env: Env) -> Typed:
    """Return the sort key of an ORDER BY item: the number of an output column or an expression."""
    place = _output_place(item.this, [label for label, _ in outputs])
    if place is None:
        return env.expression(item.this)
    return Typed(str(place + 1), outputs[place][1].type)


def order_by(node: exp.Expr, outputs: Outputs, env: Env, check: Check | None = None) -> str:
    """Compile the ORDER BY clause of a query, if any; ``env`` has the names that it can use.

    ``check`` may refuse an item whose key is no output column.
    """
    items = []
    for item in node.args["order"].expressions if node.args.get("order") else []:
        key = _order_key(item, outputs, env)
        if check is not None and not key.sql.isdigit():
            check(item, key)
        items.append(_ordering(key, item))
    return f" ORDER BY {', '.join(items)}" if items else ""


def _output_place(item: exp.Expr, labels: list[str | None]) -> int | None:
    """Return the output column of an ORDER BY item that is a number or a name."""
    if is_ordinal(item):
        return ordinal(item, len(labels), "ORDER BY")
    path = name_path(item)
    labels = [label and label.lower() for label in labels]
    if path is None or len(path) > 1 or path[0] not in labels:
        return None
    if labels.count(path[0]) > 1:
        raise QueryError("AMBIGUOUS_NAME", f"Column '{path[0]}' is ambiguous", item)
    return labels.index(path[0])


def limit_clause(node: exp.Expr) -> str:
    """OFFSET and LIMIT, with constant counts."""
    sql = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is not None and limit.expression.name.upper() != "ALL":
        sql += f" LIMIT {_count(limit.expression)}"
    if offset is not None:
        sql += f" OFFSET {_count(offset.expression)}"
    return sql


def _count(node: exp.Expr) -> int:
    if not isinstance(node, exp.Literal) or not node.name.isdigit():
        raise not_supported("LIMIT or OFFSET that is not a number", node)
    return int(node.name)


def add_order(sql: str, node: exp.Expr, columns: Columns, env: Env) -> str:
    """Add ORDER BY over its columns, and LIMIT, to a compiled query."""
    if not any(node.args.get(part) for part in ("order", "limit", "offset")):
        return sql
    source, values = env.session.alias(f"({sql})", columns)
    outputs = [(label, value) for (label, _), value in zip(columns, values, strict=True)]
    fields = [Field(label and label.lower(), value) for label, value in outputs]
    keys = order_by(node, outputs, env.within(Scope(fields)))
    return f"SELECT * FROM {source}{keys}{limit_clause(node)}"
