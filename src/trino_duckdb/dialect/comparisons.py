"""Comparisons: operators, IN, BETWEEN, LIKE, IS NULL, and IN with a subquery.

Both sides must have a common type; DuckDB would implicitly convert texts to numbers.
"""

# ruff: noqa: S608 - this module generates SQL
from __future__ import annotations

from sqlglot import exp

from trino_duckdb.dialect.environment import Env
from trino_duckdb.dialect.typed import Typed, check_order, coerce, unify
from trino_duckdb.errors import QueryError, not_supported, type_mismatch
from trino_duckdb.types import BOOLEAN, DOUBLE, VARCHAR

OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}


def comparison(node: exp.Expr, env: Env) -> Typed:
    """Compile a comparison of two values."""
    left, right = unify_comparable(
        [env.expression(node.this), env.expression(node.expression)], node
    )
    return Typed(comparison_sql(left, OPERATORS[type(node)], right), BOOLEAN)


def comparison_sql(left: Typed, operator: str, right: Typed) -> str:
    """Return SQL of a comparison of two values of the same type.

    In Trino, NaN equals nothing and is neither less nor greater. DuckDB orders it last.
    """
    if operator == "<>":
        return f"(NOT {comparison_sql(left, '=', right)})"
    plain = f"({left.sql} {operator} {right.sql})"
    if left.type == DOUBLE and "DISTINCT" not in operator:
        return f"({plain} AND trino_no_nan({left.sql}, {right.sql}))"
    return plain


def unify_comparable(values: list[Typed], node: exp.Expr) -> list[Typed]:
    """Cast values to their common type. Raises QueryError for types that can't be compared."""
    for value in values:
        check_order(value, node)
    try:
        return unify(values, node)[0]
    except QueryError as error:
        if error.code != "TYPE_MISMATCH":
            raise
        listed = ", ".join(str(value.type) for value in values)
        raise type_mismatch(f"Cannot compare values of types {listed}", node) from None


def _in_subquery(node: exp.Expr, query: exp.Expr, env: Env) -> Typed:
    """Compile IN with a subquery of one column, cast to the common type of both sides."""
    refuse_correlated_unnest(query)
    compiled = env.query(query)
    if len(compiled.columns) != 1:
        raise QueryError("TYPE_MISMATCH", "Multiple columns returned by subquery", node)
    source, columns = env.session.alias(f"({compiled.sql})", compiled.columns)
    value, converted = unify_comparable([env.expression(node.this), *columns], node)
    return Typed(f"({value.sql} IN (SELECT {converted.sql} FROM {source}))", BOOLEAN)


def refuse_correlated_unnest(query: exp.Expr) -> None:
    """Refuse EXISTS and IN with UNNEST of an outer column, as Trino does."""
    source = query.unnest().args.get("from_")
    if source and isinstance(source.this, exp.Unnest) and source.this.find(exp.Column):
        raise not_supported("UNNEST of an outer column in EXISTS or IN", query)


def is_null(node: exp.Expr, env: Env) -> Typed:
    """IS NULL; IS NOT NULL is its negation."""
    if not isinstance(node.expression, exp.Null):
        raise not_supported(node.sql("trino"), node)
    return Typed(f"({env.expression(node.this).sql} IS NULL)", BOOLEAN)


def is_in(node: exp.Expr, env: Env) -> Typed:
    """IN a list or a subquery."""
    query = node.args.get("query") or next(iter(node.expressions), None)
    if isinstance(query, exp.Subquery | exp.Values) and len(node.expressions) < 2:
        return _in_subquery(node, query, env)
    parts = [node.this, *node.expressions]
    value, *choices = unify_comparable([env.expression(part) for part in parts], node)
    if value.type == DOUBLE:
        return Typed(
            f"({' OR '.join(comparison_sql(value, '=', one) for one in choices)})", BOOLEAN
        )
    return Typed(f"({value.sql} IN ({', '.join(choice.sql for choice in choices)}))", BOOLEAN)


def between(node: exp.Expr, env: Env) -> Typed:
    """BETWEEN, both ends included."""
    parts = [node.this, node.args["low"], node.args["high"]]
    value, low, high = unify_comparable([env.expression(part) for part in parts], node)
    if value.type == DOUBLE:
        return Typed(
            f"({comparison_sql(value, '>=', low)} AND {comparison_sql(value, '<=', high)})", BOOLEAN
        )
    return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN)


def like(node: exp.Expr, env: Env) -> Typed:
    """LIKE and NOT LIKE, with ESCAPE or without."""
    escape = None
    if isinstance(node, exp.Escape):
        escape = coerce(env.expression(node.expression), VARCHAR, node).sql
        node = node.this
    if not isinstance(node, exp.Like):
        raise not_supported(node.sql("trino"), node)
    parts = (node.this, node.expression)
    text, pattern = (coerce(env.expression(part), VARCHAR, node).sql for part in parts)
    test = f"({text} LIKE {pattern})"
    if escape is not None:
        test = f"trino_like({text}, {pattern}, {escape})"
    return Typed(f"(NOT {test})" if node.args.get("negate") else test, BOOLEAN)
