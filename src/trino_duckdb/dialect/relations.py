"""Compiles FROM clauses: tables, views, WITH names, subqueries, VALUES, joins and UNNEST.

Each relation becomes ``... AS rN(c0, c1, ...)``. A base table becomes the name of a view over
the files of the snapshot.
"""

# ruff: noqa: S608 - this module generates SQL
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.comparisons import comparison_sql, unify_comparable
from trino_duckdb.dialect.conditions import note_conditions
from trino_duckdb.dialect.environment import Columns, Compiled, Env, TableColumns, ViewText
from trino_duckdb.dialect.lineage import link_fields
from trino_duckdb.dialect.parser import parse_view
from trino_duckdb.dialect.scopes import Field, Scan, Scope, Source, Sources
from trino_duckdb.dialect.typed import Typed, boolean, coerce
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.types import BIGINT, Type

MAX_VIEW_DEPTH = 50
CATALOGS = ("awsdatacatalog", "")


@dataclass(frozen=True)
class Relation:
    """A compiled FROM clause or part of one: its SQL and its columns."""

    sql: str
    fields: Sequence[Field]


def named(
    env: Env,
    sql: str,
    columns: Columns,
    alias: str = "",
    schema: str = "",
    sources: Sequence[Sources] = (),
) -> Relation:
    """Give a subquery or view a generated alias and generated column names."""
    source, values = env.session.alias(sql, columns)
    followed = sources or [()] * len(columns)
    fields = [
        Field(label and label.lower(), value, alias, schema, sources=tables, label=label)
        for (label, _), value, tables in zip(columns, values, followed, strict=True)
    ]
    return Relation(source, fields)


def from_clause(select: exp.Expr, env: Env) -> Relation:
    """Compile FROM with its joins, from left to right."""
    source = select.args["from_"].this
    result = _relation(source, env)
    for join in [*source.args.get("joins", []), *(select.args.get("joins") or [])]:
        result = _join(result, join, env)
    return result


def _relation(node: exp.Expr, env: Env) -> Relation:
    if isinstance(node, exp.Table):
        return _table(node, env)
    if isinstance(node, exp.Unnest):
        return _unnest(node, env)
    if isinstance(node, exp.Subquery | exp.Values):
        return _subquery(node, env)
    raise not_supported(f"{type(node).__name__} in FROM", node)


def alias_of(node: exp.Expr) -> tuple[str, list[str]]:
    """Return the alias of a relation in lower case, and the aliases of its columns."""
    alias = node.args.get("alias")
    if alias is None:
        return "", []
    return alias.name.lower(), [column.name for column in alias.args.get("columns") or []]


def rename_columns(columns: Columns, names: list[str], node: exp.Expr) -> Columns:
    """Rename columns by an alias list."""
    if not names:
        return columns
    if len(names) != len(columns):
        raise QueryError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(names)} entries but relation has {len(columns)} columns",
            node,
        )
    return [(name, kind) for name, (_, kind) in zip(names, columns, strict=True)]


def _subquery(node: exp.Expr, env: Env) -> Relation:
    compiled = env.within(env.scope.parent or Scope()).query(node)
    alias, names = alias_of(node)
    columns = rename_columns(compiled.columns, names, node)
    return named(env, f"({compiled.sql})", columns, alias, sources=compiled.sources)


def _table(node: exp.Table, env: Env) -> Relation:
    if not isinstance(node.this, exp.Identifier):
        raise not_supported(f"{node.sql('trino')} in FROM", node)
    if node.catalog.lower() not in CATALOGS:
        raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{node.catalog}' not found", node)
    name, schema = node.name.lower(), node.db.lower()
    alias, names = alias_of(node)
    if not schema and name in env.ctes:
        query = env.ctes[name]
        compiled, columns = query.mention(), rename_columns(query.columns, names, node)
        return named(env, f"({compiled.sql})", columns, alias or name, sources=compiled.sources)
    schema = schema or env.database
    qualifier = schema if not alias else ""
    version = node.args.get("version")
    try:
        found = env.session.relations.find(schema, name, version)
    except QueryError as error:
        raise QueryError(error.code, error.message, node) from None
    if isinstance(found, ViewText):
        compiled = _view(env, schema, name, found, node)
        columns = rename_columns(compiled.columns, names, node)
        return named(env, f"({compiled.sql})", columns, alias or name, qualifier, compiled.sources)
    return _scan(env, (schema, name), found, node)


def _scan(env: Env, where: tuple[str, str], table: TableColumns, node: exp.Table) -> Relation:
    """Compile a base table: the name of a view over its files."""
    schema, name = where
    alias, names = alias_of(node)
    view = env.session.name("scan")
    scan = Scan(view, schema, name, table.columns, node.args.get("version"))
    env.session.scans.append(scan)
    sources = [(Source(scan, label),) for label, _ in table.columns]
    qualifier = "" if alias else schema
    columns = rename_columns(table.columns, names, node)
    relation = named(env, view, columns, alias or name, qualifier, sources)
    if not names:
        return Relation(relation.sql, [replace(field, scan=scan) for field in relation.fields])
    scan.used.update(label for label, _ in table.columns)
    return relation


def _view(env: Env, schema: str, name: str, view: ViewText, node: exp.Expr) -> Compiled:
    """Compile a view in its own schema and without outer names.

    It becomes a subquery: a view of DuckDB would be bound when it is created and again in each
    view that reads it, which takes a third of the CPU time of a query of facts.
    """
    session, key = env.session, (schema, name)
    if key in session.open_views or len(session.open_views) >= MAX_VIEW_DEPTH:
        raise QueryError("VIEW_IS_RECURSIVE", f"View '{schema}.{name}' is recursive", node)
    session.open_views.append(key)
    try:
        compiled = Env(session, view.schema).query(parse_view(view.sql))
        sql = _declared(env, compiled, view)
    except QueryError as error:
        inner = error.located(view.sql)
        raise QueryError(
            "INVALID_VIEW",
            f"Failed analyzing stored view 'awsdatacatalog.{schema}.{name}': {inner}",
            node,
        ) from None
    session.open_views.pop()
    return Compiled(sql, list(view.columns), compiled.sources)


def _declared(env: Env, compiled: Compiled, view: ViewText) -> str:
    """Cast the view's query to its declared columns. Raises QueryError if they no longer fit."""
    if len(compiled.columns) != len(view.columns):
        raise QueryError("VIEW_IS_STALE", "The columns changed; create the view again")
    for (label, kind), (_, current) in zip(view.columns, compiled.columns, strict=True):
        if types.common(current, kind) != kind:
            raise QueryError(
                "VIEW_IS_STALE",
                f"Column [{label}] of type {current} cannot be coerced to the stored type {kind}; "
                "create the view again",
            )
    return as_kinds(compiled, [kind for _, kind in view.columns], env)


def as_kinds(query: Compiled, kinds: list[Type], env: Env) -> str:
    """SQL of a query whose columns have the given types."""
    if [kind for _, kind in query.columns] == kinds:
        return query.sql
    source, values = env.session.alias(f"({query.sql})", query.columns)
    outputs = [coerce(value, kind).sql for value, kind in zip(values, kinds, strict=True)]
    return f"SELECT {', '.join(outputs)} FROM {source}"


def _join(left: Relation, join: exp.Join, env: Env) -> Relation:
    side, kind = _join_words(join)
    scope = Scope(left.fields, parent=env.scope.parent)
    right = _relation(join.this, env.within(scope))
    if join.args.get("using"):
        return _join_using(left, right, join, side)
    fields: Sequence[Field] = [*left.fields, *right.fields]
    on = join.args.get("on")
    if on is None:
        if side or kind not in ("", "CROSS"):
            raise QueryError("SYNTAX_ERROR", "JOIN needs a condition", join)
        return Relation(f"{left.sql} CROSS JOIN {right.sql}", fields)
    if isinstance(join.this, exp.Unnest) and not (on == exp.true() and side in ("", "LEFT")):
        raise not_supported("UNNEST in a join with a condition other than true", join)
    both = env.within(Scope(fields, parent=env.scope.parent))
    test = boolean(both.expression(on), join).sql
    if side in ("", "LEFT"):
        fields = link_fields(on, fields)
    if not side:
        note_conditions(on, Scope(fields))
    return Relation(f"{left.sql} {side} JOIN {right.sql} ON {test}", fields)


def _join_words(join: exp.Join) -> tuple[str, str]:
    """Return side and kind of a join. Raises QueryError for those of other dialects."""
    side, kind = (join.side or "").upper(), (join.kind or "").upper()
    known = side in ("", "LEFT", "RIGHT", "FULL") and kind in ("", "INNER", "CROSS", "OUTER")
    if not known or (kind == "CROSS" and join.args.get("on")):
        raise QueryError("SYNTAX_ERROR", f"mismatched input in '{side} {kind} JOIN'", join)
    return side, kind


def _join_using(left: Relation, right: Relation, join: exp.Join, side: str) -> Relation:
    """Compile USING: the named columns are first and occur once, without a qualifier."""
    tests, shared = [], []
    names = [part.name.lower() for part in join.args["using"]]
    for name in names:
        one, other = (Scope(part.fields).resolve([name], join) for part in (left, right))
        a, b = unify_comparable([one, other], join)
        tests.append(comparison_sql(a, "=", b))
        value = {"RIGHT": b.sql, "FULL": f"coalesce({a.sql}, {b.sql})"}.get(side, a.sql)
        shared.append(Field(name, Typed(value, a.type)))
    others = [field for field in (*left.fields, *right.fields) if field.name not in names]
    sql = f"{left.sql} {side} JOIN {right.sql} ON {' AND '.join(tests)}"
    return Relation(sql, [*shared, *others])


def _unnest(node: exp.Unnest, env: Env) -> Relation:
    """Compile UNNEST of arrays and maps side by side; NULL fills the shorter ones."""
    columns: list[str] = []
    outputs: list[tuple[str | None, Type]] = []
    lengths: list[str] = []
    for argument in node.expressions:
        value = env.expression(argument)
        parts = _unnested(value, argument)
        columns += [sql for sql, _ in parts]
        outputs += [(None, kind) for _, kind in parts]
        lengths.append(f"coalesce(len({parts[0][0]}), 0)")
    alias, names = alias_of(node)
    offset = node.args.get("offset")
    if offset:
        columns.append(f"generate_series(CAST(1 AS BIGINT), greatest({', '.join(lengths)}))")
        outputs.append((None, BIGINT))
        names += [offset.name] if isinstance(offset, exp.Identifier) and names else []
    selected = ", ".join(f"unnest({column})" for column in columns)
    prefix = "LATERAL " if env.scope.fields else ""
    return named(env, f"{prefix}(SELECT {selected})", rename_columns(outputs, names, node), alias)


def _unnested(value: Typed, node: exp.Expr) -> list[tuple[str, Type]]:
    """Return the list columns of one UNNEST argument: SQL and type of elements."""
    if value.type.name == "map":
        key, item = value.type.args
        return [(f"map_keys({value.sql})", key), (f"map_values({value.sql})", item)]
    if value.type.name != "array":
        raise QueryError("TYPE_MISMATCH", f"Cannot unnest type: {value.type}", node)
    element = value.type.args[0]
    if element.name == "row":
        raise not_supported("UNNEST of rows", node)
    return [(value.sql, element)]
