"""Comparisons: operators, IN, BETWEEN, LIKE, IS NULL, and those with a subquery.

Both sides must have a common type; DuckDB would implicitly convert texts to numbers.
"""

# ruff: noqa: S608 - this module generates SQL
from __future__ import annotations

from sqlglot import exp

from localaws.athena.dialect.dispatch import Handler, compile_expression
from localaws.athena.dialect.environment import Env
from localaws.athena.dialect.typed import Typed, coerce, row_fields, sortable, unify
from localaws.athena.errors import QueryError, not_supported, type_mismatch
from localaws.athena.types import BOOLEAN, VARCHAR

ORDERS = ("<", "<=", ">", ">=")


def operands(node: exp.Expr, env: Env) -> tuple[Typed, Typed]:
    """Compile both sides of a binary operator."""
    return compile_expression(node.this, env), compile_expression(node.expression, env)


def comparison(operator: str) -> Handler:
    """Return the function that compiles a comparison, also one with ANY or ALL."""

    def compile_comparison(node: exp.Expr, env: Env) -> Typed:
        if isinstance(node.expression, exp.Any | exp.All):
            return _quantified(node, operator, env)
        left, right = comparable(list(operands(node, env)), node)
        return Typed(compared(left, operator, right), BOOLEAN)

    return compile_comparison


def compared(left: Typed, operator: str, right: Typed) -> str:
    """Return SQL of a comparison of two values of the same type.

    In Trino, NaN equals nothing, and the comparison of arrays or rows is unknown if that of their
    elements is. DuckDB orders NaN last and treats NULL elements as equal.
    """
    if operator == "<>":
        return f"(NOT {compared(left, '=', right)})"
    if operator in ORDERS:
        left, right = sortable(left), sortable(right)
    plain = f"({left.sql} {operator} {right.sql})"
    if left.type.name in ("double", "real") and "DISTINCT" not in operator:
        return f"({plain} AND trino_no_nan({left.sql}, {right.sql}))"
    if operator == "=" and left.type.name == "array":
        (element,) = left.type.args
        pair = f"p{len(left.sql)}"
        one, other = (Typed(f"{pair}[{place}]", element) for place in (1, 2))
        test = compared(one, "=", other)
        tests = f"list_transform(list_zip({left.sql}, {right.sql}), lambda {pair}: {test})"
        return f"trino_equal_arrays({left.sql}, {right.sql}, {tests})"
    if operator == "=" and left.type.name == "row":
        fields = zip(row_fields(left), row_fields(right), strict=True)
        return f"({' AND '.join(compared(one, '=', other) for one, other in fields)})"
    return plain


def comparable(values: list[Typed], node: exp.Expr) -> list[Typed]:
    """Cast values to their common type; JSON is refused, as equal JSON may differ in text."""
    if any(value.type.name in ("json", "map") for value in values):
        raise not_supported("a comparison of json or map values", node)
    try:
        return unify(values, node)[0]
    except QueryError as error:
        if error.code != "TYPE_MISMATCH":
            raise
        listed = ", ".join(str(value.type) for value in values)
        raise type_mismatch(f"Cannot compare values of types {listed}", node) from None


def _quantified(node: exp.Expr, operator: str, env: Env) -> Typed:
    """A comparison with ANY or ALL rows of a subquery."""
    word = "ANY" if isinstance(node.expression, exp.Any) else "ALL"
    value, rows = _with_subquery(node.this, node.expression.this, env, node)
    return Typed(f"({value.sql} {operator} {word} ({rows}))", BOOLEAN)


def _with_subquery(
    operand: exp.Expr, query: exp.Expr, env: Env, node: exp.Expr
) -> tuple[Typed, str]:
    """Compile an operand and a one-column subquery, cast to their common type."""
    refuse_correlated_unnest(query)
    compiled = env.session.compile_query(query, env)
    if len(compiled.columns) != 1:
        raise QueryError("TYPE_MISMATCH", "Multiple columns returned by subquery", node)
    source, columns = env.session.alias(f"({compiled.sql})", compiled.columns)
    value, converted = comparable([compile_expression(operand, env), *columns], node)
    return value, f"SELECT {converted.sql} FROM {source}"


def refuse_correlated_unnest(query: exp.Expr) -> None:
    """Refuse EXISTS and IN with UNNEST of an outer column, as Trino does."""
    source = query.unnest().args.get("from_")
    if source and isinstance(source.this, exp.Unnest) and source.this.find(exp.Column):
        raise not_supported("UNNEST of an outer column in EXISTS or IN", query)


def is_null(node: exp.Expr, env: Env) -> Typed:
    """IS NULL; IS NOT NULL is its negation."""
    if not isinstance(node.expression, exp.Null):
        raise not_supported(node.sql("trino"), node)
    return Typed(f"({compile_expression(node.this, env).sql} IS NULL)", BOOLEAN)


def is_in(node: exp.Expr, env: Env) -> Typed:
    """IN a list or a subquery."""
    query = node.args.get("query") or next(iter(node.expressions), None)
    if isinstance(query, exp.Subquery | exp.Values) and len(node.expressions) < 2:
        value, rows = _with_subquery(node.this, query, env, node)
        return Typed(f"({value.sql} IN ({rows}))", BOOLEAN)
    operands = [node.this, *node.expressions]
    value, *choices = comparable([compile_expression(part, env) for part in operands], node)
    if value.type.name in ("double", "real", "array", "row"):
        tests = " OR ".join(compared(value, "=", choice) for choice in choices)
        return Typed(f"({tests})", BOOLEAN)
    return Typed(f"({value.sql} IN ({', '.join(choice.sql for choice in choices)}))", BOOLEAN)


def between(node: exp.Expr, env: Env) -> Typed:
    """BETWEEN, both ends included."""
    operands = [node.this, node.args["low"], node.args["high"]]
    value, low, high = comparable([compile_expression(part, env) for part in operands], node)
    if value.type.name in ("double", "real", "array", "row"):
        return Typed(f"({compared(value, '>=', low)} AND {compared(value, '<=', high)})", BOOLEAN)
    return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN)


def like(node: exp.Expr, env: Env) -> Typed:
    """LIKE and NOT LIKE, with ESCAPE or without."""
    escape = None
    if isinstance(node, exp.Escape):
        escape = coerce(compile_expression(node.expression, env), VARCHAR, node).sql
        node = node.this
    if not isinstance(node, exp.Like):
        raise not_supported(node.sql("trino"), node)
    text, pattern = (coerce(value, VARCHAR, node).sql for value in operands(node, env))
    test = f"({text} LIKE {pattern})"
    if escape is not None:
        test = f"trino_like({text}, {pattern}, {escape})"
    return Typed(f"(NOT {test})" if node.args.get("negate") else test, BOOLEAN)
