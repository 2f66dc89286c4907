"""Compiles queries: SELECT, set operations, VALUES, WITH, ORDER BY and LIMIT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp

from localaws.athena.dialect import moments  # noqa: F401 (enters its expressions)
from localaws.athena.dialect.conditions import note_conditions
from localaws.athena.dialect.dispatch import compile_expression
from localaws.athena.dialect.environment import Columns, Compiled, Env, NamedQuery
from localaws.athena.dialect.expressions import name_path
from localaws.athena.dialect.lineage import both_sources, column_sources, linked_fields
from localaws.athena.dialect.ordering import is_ordinal, limit_clause, order_by, ordered, ordinal
from localaws.athena.dialect.relations import alias_of, as_kinds, from_clause, renamed
from localaws.athena.dialect.scopes import Scope, Sources
from localaws.athena.dialect.typed import Typed, boolean, row_fields, unify
from localaws.athena.errors import QueryError, not_supported, type_mismatch

GROUPING_WORDS: dict[type[exp.Expr], str] = {
    exp.GroupingSets: "GROUPING SETS",
    exp.Cube: "CUBE",
    exp.Rollup: "ROLLUP",
}
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
    sql = ordered(inner.sql, node, inner.columns, env)
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
        columns = renamed(compiled.columns, alias_of(query)[1], query)
        named = NamedQuery(columns, partial(compile_query, query.this, env), compiled)
        env = replace(env, ctes={**env.ctes, query.alias.lower(): named})
    return env


def _select(node: exp.Select, env: Env) -> Compiled:
    outer = env.scope
    inside = env.within(Scope(parent=outer))
    source = ""
    if node.args.get("from_"):
        relation = from_clause(node, inside)
        fields = relation.fields
        if where := node.args.get("where"):
            fields = linked_fields(where.this, fields, only_for_equality=True)
        inside = env.within(Scope(fields, parent=outer))
        if where and (node.args.get("limit") or node.args.get("offset")):
            _check_correlation(where.this, inside.scope)
        source = f" FROM {relation.sql}"
    windows = {window.this.name.lower(): window for window in node.args.get("windows") or []}
    inside = replace(inside, windows=windows)
    outputs = _outputs(node, inside)
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    labelled = (f"{output.value.sql} AS c{place}" for place, output in enumerate(outputs))
    sql = f"SELECT {distinct}{', '.join(labelled)}{source}"
    if where := node.args.get("where"):
        sql += f" WHERE {boolean(compile_expression(where.this, inside), where).sql}"
        note_conditions(where.this, inside.scope)
    if group := node.args.get("group"):
        sql += f" GROUP BY {_group_by(group, outputs, inside)}"
    if having := node.args.get("having"):
        sql += f" HAVING {boolean(compile_expression(having.this, inside), having).sql}"
    sql += _order_by(node, outputs, inside) + limit_clause(node)
    columns = [(output.name, output.value.type) for output in outputs]
    return Compiled(sql, columns, _sources(node, outputs, inside))


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
    if group := node.args.get("group"):
        keys.append(_group_keys(group, outputs, env))
    return [
        output.sources
        if all(output.value.sql in allowed or output.column in allowed for allowed in keys)
        else ()
        for output in outputs
    ]


def _window_keys(window: exp.Expr, env: Env) -> set[str]:
    """Return the compiled SQL of a window's PARTITION BY keys."""
    keys = {compile_expression(key, env).sql for key in window.args.get("partition_by") or []}
    if reference := window.args.get("alias"):
        keys |= _window_keys(env.windows[reference.name.lower()], env)
    return keys


def _group_keys(group: exp.Group, outputs: list[Output], env: Env) -> set[str]:
    """Return the compiled SQL of keys that every group has; none with grouping sets."""
    if any(group.args.get(part) for part in ("grouping_sets", "cube", "rollup")):
        return set()
    return {_group_item(item, outputs, env) for item in group.expressions}


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
        value = compile_expression(body, env)
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


def _group_by(group: exp.Group, outputs: list[Output], env: Env) -> str:
    items = [*group.expressions]
    for part in ("grouping_sets", "cube", "rollup"):
        items += group.args.get(part) or []
    return ", ".join(_group_item(item, outputs, env) for item in items)


def _group_item(item: exp.Expr, outputs: list[Output], env: Env) -> str:
    if type(item) in GROUPING_WORDS:
        _check_grouping(item)
        inner = ", ".join(_group_item(part, outputs, env) for part in item.expressions)
        return f"{GROUPING_WORDS[type(item)]} ({inner})"
    if isinstance(item, exp.Tuple):
        return f"({', '.join(_group_item(part, outputs, env) for part in item.expressions)})"
    if isinstance(item, exp.Paren):
        return f"({_group_item(item.this, outputs, env)})"
    if is_ordinal(item):
        output = outputs[ordinal(item, len(outputs), "GROUP BY")]
        return item.name if output.is_constant else output.value.sql
    return compile_expression(item, env).sql


def _check_grouping(item: exp.Expr) -> None:
    """Refuse keys of ROLLUP, CUBE and GROUPING SETS that are not columns."""
    for part in item.expressions:
        if isinstance(part, exp.Tuple | exp.Paren):
            _check_grouping(exp.Tuple(expressions=[part.this] if part.this else part.expressions))
        elif not isinstance(part, exp.Column | exp.Literal | exp.Dot | exp.Rollup | exp.Cube):
            text = part.sql("trino")
            message = f"GROUP BY expression must be a column reference: {text}"
            raise QueryError("INVALID_COLUMN_REFERENCE", message, part)


def _order_by(node: exp.Select, outputs: list[Output], env: Env) -> str:
    """Compile ORDER BY, in which a name is an output column or else a column of FROM."""
    names = {output.name.lower(): output.value for output in outputs if output.name is not None}
    visible = env.within(Scope(env.scope.fields, names, env.scope.parent))
    labelled = [(output.name, output.value) for output in outputs]
    return order_by(node, labelled, visible, partial(_check_order, node, outputs))


def _check_order(node: exp.Select, outputs: list[Output], item: exp.Expr, key: Typed) -> None:
    """Refuse expressions in ORDER BY that Trino can't compute after the SELECT list."""
    if node.args.get("distinct") and key.sql not in [output.value.sql for output in outputs]:
        message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
        raise QueryError("EXPRESSION_NOT_IN_DISTINCT", message, item)
    named = {output.name.lower() for output in outputs if output.name is not None}
    for call in item.find_all(exp.Anonymous):
        is_grouping = call.name.lower() == "grouping"
        if is_grouping and any(part.name.lower() in named for part in call.expressions):
            message = "Invalid reference to output of SELECT clause from grouping() in ORDER BY"
            raise QueryError("INVALID_ARGUMENTS", message, item)


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
    return Compiled(ordered(sql, node, columns, env), columns, sources)


def _cells(item: exp.Expr, env: Env) -> list[Typed]:
    """Return the cells of one row of VALUES; a single value of type row gives its fields."""
    parts = item.expressions if isinstance(item, exp.Tuple) else [item]
    values = [compile_expression(part, env) for part in parts]
    is_row = len(values) == 1 and values[0].type.name == "row"
    return row_fields(values[0]) if is_row else values


def _values(node: exp.Values, env: Env) -> Compiled:
    rows = [_cells(item, env) for item in node.expressions]
    if len({len(row) for row in rows}) != 1:
        raise type_mismatch("Values rows have different numbers of columns", node)
    unified = [unify(list(column), node) for column in zip(*rows, strict=True)]
    lines = zip(*(column for column, _ in unified), strict=True)
    sql = ", ".join(f"({', '.join(value.sql for value in line)})" for line in lines)
    columns: Columns = [(None, kind) for _, kind in unified]
    return Compiled(ordered(f"VALUES {sql}", node, columns, env), columns)
