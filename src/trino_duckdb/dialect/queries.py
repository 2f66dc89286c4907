"""Compiles queries: SELECT, set operations, VALUES, WITH, ORDER BY and LIMIT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp

from trino_duckdb.dialect.conditions import note_conditions
from trino_duckdb.dialect.environment import Columns, Compiled, Env, NamedQuery
from trino_duckdb.dialect.expressions import name_path
from trino_duckdb.dialect.lineage import both_sources, column_sources, link_fields
from trino_duckdb.dialect.ordering import add_order, is_ordinal, limit_clause, order_by, ordinal
from trino_duckdb.dialect.relations import alias_of, as_kinds, from_clause, rename_columns
from trino_duckdb.dialect.scopes import Scope, Sources
from trino_duckdb.dialect.typed import Typed, boolean, unify
from trino_duckdb.errors import QueryError, not_supported, type_mismatch

SET_WORDS = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}


@dataclass(frozen=True)
class Output:
    """One column of a SELECT: its name as written, None if it has none, and its value."""

    name: str | None
    value: Typed
    is_constant: bool = False
    sources: Sources = ()
    column: str = ""
    """Compiled SQL of the column that the value is, or is the date of."""


def compile_query(node: exp.Expr, env: Env) -> Compiled:
    """Compile a query; ``env.scope`` has the names visible around it. Raises QueryError."""
    if isinstance(node, exp.Subquery):
        return _parenthesised(node, env)
    if isinstance(node, exp.Select):
        return _select(node, _with(node, env))
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, _with(node, env))
    if isinstance(node, exp.Values):
        return _values(node, env)
    raise not_supported(f"the statement {type(node).__name__.upper()}", node)


def _parenthesised(node: exp.Subquery, env: Env) -> Compiled:
    env = _with(node, env)
    inner = compile_query(node.this, env)
    sql = add_order(inner.sql, node, inner.columns, env)
    return inner if sql == inner.sql else Compiled(sql, inner.columns)


def _with(node: exp.Expr, env: Env) -> Env:
    """Compile WITH queries."""
    clause = node.args.get("with_")
    if clause is None:
        return env
    for query in clause.expressions:
        earlier = clause.expressions[: query.index]
        if query.alias.lower() in [other.alias.lower() for other in earlier]:
            message = f"WITH query name '{query.alias}' specified more than once"
            raise QueryError("DUPLICATE_NAMED_QUERY", message, query)
        compiled = compile_query(query.this, env)
        columns = rename_columns(compiled.columns, alias_of(query)[1], query)
        named = NamedQuery(columns, partial(compile_query, query.this, env), compiled)
        env = replace(env, ctes={**env.ctes, query.alias.lower(): named})
    return env


def _select(node: exp.Select, env: Env) -> Compiled:
    source, inside = _from(node, env)
    outputs = _outputs(node, inside)
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    labelled = (f"{output.value.sql} AS c{place}" for place, output in enumerate(outputs))
    sql = f"SELECT {distinct}{', '.join(labelled)}{source}"
    if where := node.args.get("where"):
        sql += f" WHERE {boolean(inside.expression(where.this), where).sql}"
        note_conditions(where.this, inside.scope)
    if keys := _group_keys(node, outputs, inside):
        sql += f" GROUP BY {', '.join(keys)}"
    if having := node.args.get("having"):
        sql += f" HAVING {boolean(inside.expression(having.this), having).sql}"
    sql += _order_by(node, outputs, inside) + limit_clause(node)
    columns = [(output.name, output.value.type) for output in outputs]
    return Compiled(sql, columns, _sources(node, outputs, inside))


def _from(node: exp.Select, env: Env) -> tuple[str, Env]:
    """Compile FROM, if any; return its SQL and the context of the other clauses."""
    outer = env.scope
    inside = env.within(Scope(parent=outer))
    sql = ""
    if node.args.get("from_"):
        relation = from_clause(node, inside)
        fields, sql = relation.fields, f" FROM {relation.sql}"
        if where := node.args.get("where"):
            fields = link_fields(where.this, fields, only_for_equality=True)
        inside = env.within(Scope(fields, parent=outer))
        if where and (node.args.get("limit") or node.args.get("offset")):
            _check_correlation(where.this, inside.scope)
    windows = {window.this.name.lower(): window for window in node.args.get("windows") or []}
    return sql, replace(inside, windows=windows)


def _check_correlation(condition: exp.Expr, scope: Scope) -> None:
    """Refuse LIMIT in a subquery with conditions other than ``=`` on outer columns."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    others = [part for part in parts if not isinstance(part, exp.EQ)]
    for column in (column for part in others for column in part.find_all(exp.Column)):
        is_outer = scope.parent is not None and scope.parent.field_of(column)
        if is_outer and not scope.field_of(column):
            raise not_supported("LIMIT in a correlated subquery", column)


def _sources(node: exp.Select, outputs: list[Output], env: Env) -> list[Sources]:
    """Return the sources of columns on which a condition may be checked before the query runs.

    With LIMIT there are none. With GROUP BY or windows, only columns that are keys of all of them
    have sources.
    """
    if node.args.get("limit") or node.args.get("offset"):
        return [()] * len(outputs)
    windows = (window for item in node.expressions for window in item.find_all(exp.Window))
    keys = [_window_keys(window, env) for window in windows]
    if group_keys := _group_keys(node, outputs, env):
        keys.append(set(group_keys))
    return [
        output.sources
        if all(output.value.sql in allowed or output.column in allowed for allowed in keys)
        else ()
        for output in outputs
    ]


def _window_keys(window: exp.Expr, env: Env) -> set[str]:
    """Return the compiled SQL of a window's PARTITION BY keys."""
    keys = {env.expression(key).sql for key in window.args.get("partition_by") or []}
    if reference := window.args.get("alias"):
        keys |= _window_keys(env.windows[reference.name.lower()], env)
    return keys


def _outputs(node: exp.Select, env: Env) -> list[Output]:
    """Return the columns of a SELECT, with stars expanded."""
    outputs: list[Output] = []
    for item in node.expressions:
        if isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        ):
            outputs += _star(item, env)
            continue
        name = item.alias if isinstance(item, exp.Alias) else _implied_name(item)
        body = item.this if isinstance(item, exp.Alias) else item
        value = env.expression(body)
        is_constant = isinstance(body, exp.Literal | exp.Null | exp.Boolean)
        sources, column = column_sources(body, env.scope)
        outputs.append(Output(name, value, is_constant, sources, column))
    return outputs


def _star(item: exp.Expr, env: Env) -> list[Output]:
    relation = item.table.lower() if isinstance(item, exp.Column) else None
    return [
        Output(field.label or field.name, field.use(), False, field.sources, field.value.sql)
        for field in env.scope.star(relation, item)
    ]


def _implied_name(item: exp.Expr) -> str | None:
    if name_path(item) is None:
        return None
    return item.name if isinstance(item, exp.Column | exp.Identifier) else item.expression.name


def _group_keys(node: exp.Select, outputs: list[Output], env: Env) -> list[str]:
    """Return the compiled SQL of the keys of GROUP BY; a list in parentheses is several keys."""
    group = node.args.get("group")
    items = [item.unnest() for item in group.expressions] if group else []
    if any(isinstance(item, exp.Tuple) and not item.expressions for item in items):
        raise not_supported("GROUP BY ()", node)
    parts = (item.expressions if isinstance(item, exp.Tuple) else [item] for item in items)
    return [_group_key(part, outputs, env) for each in parts for part in each]


def _group_key(item: exp.Expr, outputs: list[Output], env: Env) -> str:
    if is_ordinal(item):
        output = outputs[ordinal(item, len(outputs), "GROUP BY")]
        return item.name if output.is_constant else output.value.sql
    return env.expression(item).sql


def _order_by(node: exp.Select, outputs: list[Output], env: Env) -> str:
    """Compile ORDER BY, in which a name is an output column or else a column of FROM."""
    names = {output.name.lower(): output.value for output in outputs if output.name is not None}
    visible = env.within(Scope(env.scope.fields, names, env.scope.parent))
    labelled = [(output.name, output.value) for output in outputs]
    return order_by(node, labelled, visible, partial(_check_order, node, outputs))


def _check_order(node: exp.Select, outputs: list[Output], item: exp.Expr, key: Typed) -> None:
    """Refuse expressions in ORDER BY that Trino can't compute after SELECT DISTINCT."""
    if node.args.get("distinct") and key.sql not in [output.value.sql for output in outputs]:
        message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
        raise QueryError("EXPRESSION_NOT_IN_DISTINCT", message, item)


def _set_operation(node: exp.SetOperation, env: Env) -> Compiled:
    left, right = compile_query(node.left, env), compile_query(node.right, env)
    if len(left.columns) != len(right.columns):
        raise type_mismatch("Query has different numbers of columns in its parts", node)
    kinds = [
        unify([Typed("", one), Typed("", other)], node)[1]
        for (_, one), (_, other) in zip(left.columns, right.columns, strict=True)
    ]
    word = SET_WORDS[type(node)] + ("" if node.args.get("distinct") else " ALL")
    sql = f"({as_kinds(left, kinds, env)}) {word} ({as_kinds(right, kinds, env)})"
    columns = [(name, kind) for (name, _), kind in zip(left.columns, kinds, strict=True)]
    is_whole = not (node.args.get("limit") or node.args.get("offset"))
    sources = both_sources(left, right) if is_whole else ()
    return Compiled(add_order(sql, node, columns, env), columns, sources)


def _cells(item: exp.Expr, env: Env) -> list[Typed]:
    """Return the cells of one row of VALUES."""
    parts = item.expressions if isinstance(item, exp.Tuple) else [item]
    values = [env.expression(part) for part in parts]
    if len(values) == 1 and values[0].type.name == "row":
        raise not_supported("a single value of type row in VALUES", item)
    return values


def _values(node: exp.Values, env: Env) -> Compiled:
    rows = [_cells(item, env) for item in node.expressions]
    if len({len(row) for row in rows}) != 1:
        raise type_mismatch("Values rows have different numbers of columns", node)
    unified = [unify(list(column), node) for column in zip(*rows, strict=True)]
    lines = zip(*(column for column, _ in unified), strict=True)
    sql = ", ".join(f"({', '.join(value.sql for value in line)})" for line in lines)
    columns: Columns = [(None, kind) for _, kind in unified]
    return Compiled(add_order(f"VALUES {sql}", node, columns, env), columns)
