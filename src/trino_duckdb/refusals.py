"""Forms of statements that DuckDB answers and Trino does not, or answers otherwise.

`reader` refuses syntax by its nodes; the rules here need more than one node.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from trino_duckdb.errors import QueryError, not_supported


def refuse_beyond_trino(tree: exp.Expr) -> None:
    """Refuse what DuckDB answers and Trino does not, or answers otherwise. Raises QueryError."""
    for node in tree.walk():
        rule = REFUSALS.get(type(node))
        if rule is not None:
            rule(node)


def _refuse_select(select: exp.Select) -> None:
    order, items = select.args.get("order"), select.expressions
    if select.args.get("distinct") and order:
        _refuse_order_of_distinct(order, items)
    names = [item.alias_or_name.lower() for item in items if item.alias_or_name != "*"]
    if isinstance(select.parent, exp.Subquery | exp.CTE) and len(set(names)) < len(names):
        raise not_supported("two columns of one name in a subquery", select)
    for key in order.expressions if order else ():
        if isinstance(key.this, exp.Column) and names.count(key.this.name.lower()) > 1:
            message = f"Column '{key.this.name}' is ambiguous"
            raise QueryError("AMBIGUOUS_NAME", message, key)
    group = select.args.get("group")
    for key in group.expressions if group else ():
        if isinstance(key, exp.Literal) and not key.name.isdigit():
            raise not_supported("GROUP BY a constant", key)


def _refuse_order_of_distinct(order: exp.Expr, items: list[exp.Expr]) -> None:
    selected = {expression.sql() for item in items for expression in (item, item.unalias())}
    selected |= {exp.column(item.alias).sql() for item in items if item.alias}
    for key in order.expressions:
        if not isinstance(key.this, exp.Literal) and key.this.sql() not in selected:
            raise not_supported("ORDER BY of SELECT DISTINCT by other columns", key)


def _refuse_alias(alias: exp.TableAlias) -> None:
    """A list of names must have one for each column: DuckDB takes fewer."""
    holder = alias.parent
    names, query = alias.args.get("columns"), holder.this if holder else None
    if not names or not isinstance(holder, exp.Subquery | exp.CTE | exp.Values):
        return
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if isinstance(holder, exp.Values):
        query = holder
    source = query.args.get("from_") if isinstance(query, exp.Select) and query.is_star else None
    if source is not None and isinstance(source.this, exp.Values):  # so sqlglot reads VALUES
        query = source.this
    if isinstance(query, exp.Values):
        first = query.expressions[0]
        width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    elif isinstance(query, exp.Select) and not query.is_star:
        width = len(query.expressions)
    else:
        raise not_supported("names for the columns of a star", alias)
    if width != len(names):
        raise QueryError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(names)} entries but relation has {width} columns",
            alias,
        )


def _refuse_values(values: exp.Values) -> None:
    holder = values.parent
    if not isinstance(holder, exp.From | exp.Join | exp.Subquery | exp.CTE):
        return
    alias = values.args.get("alias")
    if alias and alias.name == "_values":  # so sqlglot reads VALUES in a WITH query
        holder, alias = holder.find_ancestor(exp.CTE, exp.Subquery), None
    for table_alias in (alias, holder.args.get("alias") if holder else None):
        if table_alias and table_alias.args.get("columns"):
            return
    raise not_supported("VALUES without names of columns in FROM", values)


def _refuse_join(join: exp.Join) -> None:
    if join.args.get("using"):
        raise not_supported("JOIN USING", join)
    on = join.args.get("on")
    if isinstance(join.this, exp.Unnest) and on is not None and on != exp.true():
        raise not_supported("UNNEST in a join with a condition other than TRUE", join)


def _refuse_from(clause: exp.From) -> None:
    if isinstance(clause.this, exp.Unnest) and any(
        column.find_ancestor(exp.Lambda) is None for column in clause.this.find_all(exp.Column)
    ):
        raise not_supported("a correlated UNNEST", clause)


def _refuse_order(order: exp.Order) -> None:
    if isinstance(order.parent, exp.SetOperation):
        for column in order.find_all(exp.Column):
            if column.table:
                raise not_supported("ORDER BY a relation's column over a set operation", column)
    if isinstance(order.parent, exp.Query):
        for key in order.expressions:
            if isinstance(key.this, exp.Neg) and isinstance(key.this.this, exp.Literal):
                raise not_supported("ORDER BY a negative number", key)


def _refuse_window(window: exp.Window) -> None:
    if isinstance(window.this, exp.Filter):
        raise not_supported("FILTER of window functions", window)
    name = window.this.name.lower() if isinstance(window.this, exp.Anonymous) else ""
    if name in ("lag", "lead") and not (window.args.get("order") or window.args.get("alias")):
        raise QueryError("MISSING_ORDER_BY", f"{name} requires an ORDER BY window clause", window)


def _refuse_is(node: exp.Is) -> None:
    if not isinstance(node.expression, exp.Null):
        raise QueryError("SYNTAX_ERROR", "mismatched input after IS", node)


def _refuse_distinct(node: exp.Distinct) -> None:
    if isinstance(node.parent, exp.Anonymous) and len(node.expressions) != 1:
        raise not_supported("DISTINCT of several arguments", node)


REFUSALS: dict[type[exp.Expr], Callable[..., None]] = {
    exp.Distinct: _refuse_distinct,
    exp.From: _refuse_from,
    exp.Is: _refuse_is,
    exp.Join: _refuse_join,
    exp.Order: _refuse_order,
    exp.Select: _refuse_select,
    exp.TableAlias: _refuse_alias,
    exp.Values: _refuse_values,
    exp.Window: _refuse_window,
}
