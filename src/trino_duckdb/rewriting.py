"""Rewrites Trino's SQL, read by sqlglot, into SQL that DuckDB answers like Trino.

A function or operator that is not listed here or in ``functions.sql`` is refused by its name. Each
statement has two forms: `run` is executed, and `check` is only bound, by DESCRIBE. In `check`,
comparisons, conditions and arithmetic are replaced by expressions whose types DuckDB mixes as
little as Trino does: DuckDB would compare a text with a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import available_timezones

from sqlglot import exp

from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.reader import TYPE_TEXT, parse_expression, parse_query
from trino_duckdb.types import duckdb_type

FUNCTIONS_SQL = Path(__file__).with_name("functions.sql").read_text(encoding="utf-8")
MACROS = frozenset(re.findall(r"^create macro trino_(\w+)", FUNCTIONS_SQL, re.MULTILINE))
INTERNAL = frozenset(
    "kind bool sum summand divide mod concat shift subscript map_value rounded whitespace whole".split()
)
"""Macros that a statement can't call by their names; `mod` is called by its operator as well."""

OTHER_NAMES = {
    "ceiling": "ceil",
    "date": "as_date",
    "day_of_month": "day",
    "dow": "day_of_week",
    "doy": "day_of_year",
    "pow": "power",
    "substring": "substr",
    "week_of_year": "week",
}
UNITS = ("second", "minute", "hour", "day", "week")
LONG_UNITS = ("month", "quarter", "year")

AGGREGATES = {
    "any_value": "any_value",
    "approx_distinct": "count",
    "approx_percentile": "quantile_disc",
    "arbitrary": "any_value",
    "array_agg": "array_agg",
    "avg": "avg",
    "bool_and": "bool_and",
    "bool_or": "bool_or",
    "count": "count",
    "count_if": "count",
    "max": "max",
    "max_by": "arg_max_null",
    "min": "min",
    "min_by": "arg_min_null",
    "sum": "sum",
}
"""Trino's aggregates with their names in DuckDB. `_aggregate` adapts arguments and results."""

WINDOWS = frozenset("row_number rank dense_rank ntile lag lead first_value last_value".split())
SPECIAL = frozenset(
    "array_join coalesce concat date_add filter greatest if least nullif reduce regexp_extract row"
    " transform".split()
)
"""Functions that this module writes itself."""

FUNCTIONS = frozenset((MACROS - INTERNAL) | {"mod"} | set(OTHER_NAMES) | SPECIAL)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Neg)
REGULAR_PART = re.compile(
    r"(\[\^?(?:\\[.\-\]\[/d]|[^\\\[\]&])+\]|\\[dDwW./\-+*?()\[\]{}^$|]|[^\\\[\].$])|(\.)|(\$\Z)"
)
"""Parts of regular expressions with one meaning in Java and in RE2, then ``.`` and ``$``."""

ANY = r"[^\n\r\x{85}\x{2028}\x{2029}]"
END_OF_TEXT = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z"
"""Java's ``$``: the end of the text, or a line break there."""

LITERALS = {
    "bigint": re.compile(r"-?\d{1,18}"),
    "date": re.compile(r"\d{4}-\d{1,2}-\d{1,2}"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?"),
}
"""Types of literals, with the texts that Trino and DuckDB read alike."""

UNNAMED = "column without a name"
"""Alias of a column that has no name in the statement."""


class Mention(NamedTuple):
    """One mention of a table or view; its place in the SQL is the quoted name `token`."""

    token: str
    schema: str
    name: str
    version: exp.Expr | None
    node: exp.Table


class Rewritten(NamedTuple):
    """A statement in DuckDB's SQL, with tokens in place of the tables.

    `unions` are pairs of SELECTs whose columns must have types that Trino mixes, and `visible` are
    SELECTs of one column that must exist, with the node of the column.
    """

    tree: exp.Expr
    run: str
    check: str
    mentions: Sequence[Mention]
    unions: Sequence[tuple[str, str]]
    visible: Sequence[tuple[str, exp.Expr]]

    @property
    def is_values(self) -> bool:
        """Whether the columns have no names, because they are those of VALUES."""
        query = self.tree
        while isinstance(query, exp.SetOperation | exp.Subquery):
            query = query.this
        return isinstance(query, exp.Values)


@lru_cache(maxsize=256)
def rewrite_view(sql: str) -> Rewritten:
    """Rewrite the query of a view; the result is kept, for views change less than questions."""
    return rewrite(sql)


def rewrite(sql: str, parameters: Sequence[str] = ()) -> Rewritten:
    """Rewrite a query with its execution parameters (SQL literals for each ``?``).

    Raises QueryError with the name of what is refused.
    """
    try:
        return _rewrite(sql, parameters)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise not_supported("a form of a call or clause in this statement") from error


def _rewrite(sql: str, parameters: Sequence[str]) -> Rewritten:
    tree = parse_query(sql)
    marks = sorted(tree.find_all(exp.Placeholder), key=lambda mark: mark.meta["start"])
    if len(marks) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
        )
    for mark, text in zip(marks, parameters, strict=True):
        mark.replace(exp.Paren(this=parse_expression(text)))
    mentions = _take_mentions(tree)
    refuse_beyond_trino(tree)
    _name_columns(tree)
    check = _rewritten(tree.copy(), True)
    run = _rewritten(tree.copy(), False)
    unions = [
        (_alone(node.left), _alone(node.right))
        for node in check.find_all(exp.SetOperation)
    ]
    visible = [
        (_probe(column, select), column) for select in check.find_all(exp.Select)
        for column in _suspicious(select)
    ]
    return Rewritten(tree, _sql(run), _sql(check), mentions, unions, visible)


def _sql(tree: exp.Expr) -> str:
    return tree.sql("duckdb", identify=True)


def _take_mentions(tree: exp.Expr) -> list[Mention]:
    """Replace the tables that are no WITH queries by tokens, and return them."""
    mentions = []
    for table in [*tree.find_all(exp.Table)]:
        if not isinstance(table.this, exp.Identifier):
            raise not_supported(f"{table.sql('trino')} in FROM", table)
        if table.catalog.lower() not in ("", "awsdatacatalog"):
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{table.catalog}' not found", table)
        name = table.name.lower()
        if not table.db and name in _visible_queries(table):
            continue
        token = f"@{len(mentions)}"
        original = table.copy()
        mentions.append(Mention(token, table.db.lower(), name, table.args.get("version"), original))
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        for part in ("db", "catalog", "version"):
            table.set(part, None)
        table.set("this", exp.to_identifier(token, quoted=True))
    return mentions


def _visible_queries(node: exp.Expr) -> set[str]:
    """Return the names of the WITH queries that a node can read."""
    names: set[str] = set()
    child, parent = node, node.parent
    while parent is not None:
        clause = parent.args.get("with_")
        if clause is not None:
            queries = clause.expressions
            if child is clause:
                queries = queries[: _inside(node, queries)]
            names.update(query.alias.lower() for query in queries)
        child, parent = parent, parent.parent
    return names


def _inside(node: exp.Expr, queries: Sequence[exp.Expr]) -> int:
    while node not in queries and node.parent is not None:
        node = node.parent
    return next(place for place, query in enumerate(queries) if query is node)


def _name_columns(tree: exp.Expr) -> None:
    """Give each column of each SELECT the name that it has in Trino."""
    for select in tree.find_all(exp.Select):
        for item in [*select.expressions]:
            if isinstance(item, exp.Alias | exp.Star) or isinstance(item.this, exp.Star):
                continue
            base = item
            while isinstance(base, exp.Dot):
                base = base.this
            name = item.name if isinstance(base, exp.Column) else UNNAMED
            item.replace(exp.alias_(item.copy(), name, quoted=True))


def _alone(query: exp.Expr) -> str:
    """A side of a set operation as a statement of its own, with the WITH queries that it reads."""
    clauses = []
    node = query.parent
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None:
            queries = clause.expressions
            if query.find_ancestor(exp.With) is clause:
                queries = queries[: _inside(query, queries)]
            clauses[:0] = [each.copy() for each in queries]
        node = node.parent
    return _with(clauses, query.copy())


def _with(queries: list[exp.Expr], body: exp.Expr) -> str:
    prefix = f"WITH {', '.join(map(_sql, queries))} " if queries else ""
    return f"{prefix}SELECT * FROM ({_sql(body.unnest())}) AS side"


def _suspicious(select: exp.Select) -> Iterator[exp.Column]:
    """Names that DuckDB may take for an alias of the same SELECT, where Trino sees none."""
    aliases = {
        item.alias.lower() for item in select.expressions
        if isinstance(item, exp.Alias) and not (
            isinstance(item.this, exp.Column) and item.this.name.lower() == item.alias.lower()
        )
    }
    parts = [*select.expressions, *(select.args.get(name) for name in ("where", "group", "having"))]
    seen = set()
    for column in (column for part in parts if part for column in part.find_all(exp.Column)):
        name = column.name.lower()
        is_bare = not column.table and not isinstance(column.this, exp.Star)
        if is_bare and name in aliases - seen and column.find_ancestor(exp.Select) is select:
            seen.add(name)
            yield column


def _probe(column: exp.Column, select: exp.Select) -> str:
    body = exp.Select(expressions=[exp.column(column.name, quoted=True)])
    for part in ("from_", "joins"):
        value = select.args.get(part)
        body.set(part, [each.copy() for each in value] if isinstance(value, list) else value and value.copy())
    holder = select.copy()
    clauses = []
    node: exp.Expr | None = select
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None:
            queries = clause.expressions
            if select.find_ancestor(exp.With) is clause:
                queries = queries[: _inside(select, queries)]
            clauses[:0] = [each.copy() for each in queries]
        node = node.parent
    del holder
    return _with(clauses, body)


def refuse_beyond_trino(tree: exp.Expr) -> None:
    """Refuse what DuckDB answers and Trino does not, or answers otherwise. Raises QueryError."""
    for node in tree.walk():
        rule = REFUSALS.get(type(node))
        if rule is not None:
            rule(node)


def _refuse_select(select: exp.Select) -> None:
    order, items = select.args.get("order"), select.expressions
    if select.args.get("distinct") and order:
        known = {one.sql() for item in items for one in (item, item.unalias())}
        known |= {exp.column(item.alias).sql() for item in items if item.alias}
        for key in order.expressions:
            if not isinstance(key.this, exp.Literal) and key.this.sql() not in known:
                raise not_supported("ORDER BY of SELECT DISTINCT by other columns", key)
    names = [item.alias_or_name.lower() for item in items if item.alias_or_name != "*"]
    if isinstance(select.parent, exp.Subquery | exp.CTE) and len(set(names)) < len(names):
        raise not_supported("two columns of one name in a subquery", select)
    group = select.args.get("group")
    for key in group.expressions if group else ():
        if isinstance(key, exp.Literal) and not key.name.isdigit():
            raise not_supported("GROUP BY a constant", key)


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
        holder, alias = holder.parent.parent, None
    for place in (alias, holder.args.get("alias") if holder else None):
        if place and place.args.get("columns"):
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


def _rewritten(tree: exp.Expr, checking: bool) -> exp.Expr:
    """Rewrite all nodes, those inside others first."""
    holder = exp.Paren(this=tree)
    for node in reversed([*tree.walk()]):
        handler = HANDLERS.get(type(node))
        if handler is not None:
            result = handler(node, checking)
            if result is not node:
                node.replace(result)
    return holder.this


def call(name: str, *arguments: exp.Expr | str) -> exp.Anonymous:
    """A call of a function of DuckDB, or of a macro of ``functions.sql``.

    DuckDB can't choose an overload for an argument with an aggregate or a window function, but it
    can for the parameter of a lambda. So the argument becomes an array of one element, or several
    become an array of one struct.
    """
    parts = [exp.maybe_parse(one) if isinstance(one, str) else one for one in arguments]
    places = [place for place, part in enumerate(parts) if _is_aggregated(part)]
    if not name.startswith("trino_") or not places:
        return exp.Anonymous(this=name, expressions=parts)
    given = exp.to_identifier("given")
    element = parts[places[0]]
    inner: list[exp.Expr] = list(parts)
    inner[places[0]] = given.copy()
    if len(places) > 1:
        fields = [
            exp.PropertyEQ(this=exp.to_identifier(f"p{place}"), expression=parts[place])
            for place in places
        ]
        element = exp.Struct(expressions=fields)
        for place in places:
            inner[place] = exp.Dot(this=given.copy(), expression=exp.to_identifier(f"p{place}"))
    body = exp.Anonymous(this=name, expressions=inner)
    results = exp.Anonymous(
        this="list_transform",
        expressions=[
            exp.Array(expressions=[element]),
            exp.Lambda(this=body, expressions=[given]),
        ],
    )
    return exp.Anonymous(this="list_extract", expressions=[results, exp.Literal.number(1)])


def _is_aggregated(node: exp.Expr) -> bool:
    parts = node.walk(prune=lambda part: isinstance(part, exp.Query))
    return any(isinstance(part, exp.Window) or part.meta.get("is_written") for part in parts)


def text(value: str) -> exp.Expr:
    """A constant text, which DuckDB converts to no other type."""
    return exp.cast(exp.Literal.string(value), "varchar")


def constant(node: exp.Expr | None, what: str) -> str:
    """Return a text of the statement. Raises QueryError if it is an expression."""
    inner = node.this if isinstance(node, exp.Cast) else node
    if not (isinstance(inner, exp.Literal) and inner.is_string):
        raise not_supported(f"{what} that is not a text in the statement", node)
    return inner.name


def _kinds(*nodes: exp.Expr) -> exp.Expr:
    """In `check`: an expression that DuckDB refuses if Trino can't compare the values."""
    kinds = [call("trino_kind", node.copy()) for node in nodes]
    return exp.Paren(this=exp.Is(this=call("coalesce", *kinds), expression=exp.Null()))


def _compare(node: exp.Expr, checking: bool) -> exp.Expr:
    return _kinds(node.this, node.expression) if checking else node


def _between(node: exp.Between, checking: bool) -> exp.Expr:
    return _kinds(node.this, node.args["low"], node.args["high"]) if checking else node


def _in(node: exp.In, checking: bool) -> exp.Expr:
    if isinstance(node.this, exp.Tuple):
        raise not_supported("IN of rows", node)
    query = node.args.get("query")
    return _kinds(node.this, *(node.expressions or [query])) if checking else node


def _like(node: exp.Like, checking: bool) -> exp.Expr:
    return _kinds(node.this, node.expression, text("")) if checking else node


def _boolean(node: exp.Expr, checking: bool) -> exp.Expr:
    """Let conditions be booleans: DuckDB also takes numbers."""
    if checking:
        names = ("this", "expression") if isinstance(node, exp.And | exp.Or) else ("this",)
        for part in (node.args[name] for name in names):
            if not isinstance(part.unnest(), exp.And | exp.Or | exp.Not | exp.Is | exp.Exists):
                part.replace(call("trino_bool", part.copy()))
    return node


def _branch(node: exp.If, checking: bool) -> exp.Expr:
    if checking and not (isinstance(node.parent, exp.Case) and node.parent.this):
        node.this.replace(call("trino_bool", node.this.copy()))
    return node


def _case(node: exp.Case, checking: bool) -> exp.Expr:
    """CASE x WHEN y compares x with each y."""
    if checking and node.this:
        node.args["ifs"][0].this.replace(
            exp.Case(
                ifs=[exp.If(
                    this=_kinds(node.this, *(each.this for each in node.args["ifs"])),
                    true=node.args["ifs"][0].this.copy(),
                )],
                default=node.args["ifs"][0].this.copy(),
            )
        )
    return node


def _number(node: exp.Expr) -> exp.Expr:
    """In `check`: the value itself, which DuckDB refuses if it is not a number."""
    kind = exp.EQ(
        this=call("coalesce", call("trino_kind", node.copy()), exp.Literal.number(1)),
        expression=exp.Literal.number(1),
    )
    return exp.Case(ifs=[exp.If(this=kind, true=node.copy())], default=node.copy())


def _arithmetic(node: exp.Expr, checking: bool) -> exp.Expr:
    operands = [node.this, node.expression] if node.expression else [node.this]
    for operand in operands:
        if isinstance(operand.unnest(), exp.Interval):
            other = operands[0] if operand is operands[-1] else operands[1]
            if isinstance(node, exp.Mul) or (isinstance(node, exp.Sub) and other is operands[1]):
                raise not_supported("arithmetic of intervals", node)
            step = exp.Neg(this=operand.copy()) if isinstance(node, exp.Sub) else operand.copy()
            return call("trino_shift", other.copy(), step)
    if checking:
        for operand in operands:
            if not isinstance(operand.unnest(), (*ARITHMETIC, exp.Literal)):
                operand.replace(_number(operand))
    return node


def _interval(node: exp.Interval, _checking: bool) -> exp.Expr:
    amount = node.this.this if isinstance(node.this, exp.Cast) else node.this
    unit = node.args["unit"].name.lower() if node.args.get("unit") else ""
    if not re.fullmatch(r"-?\d{1,6}", amount.name) or unit not in (*UNITS, *LONG_UNITS):
        raise not_supported(f"the interval {node.sql('trino')}", node)
    return exp.Interval(this=exp.Literal.string(amount.name), unit=exp.Var(this=unit.upper()))


def _literal(node: exp.Literal, _checking: bool) -> exp.Expr:
    """Type texts, so that DuckDB does not convert them, and keep numbers within Trino's types."""
    parent = node.parent
    if isinstance(parent, exp.Interval | exp.Limit | exp.Offset | exp.DataTypeParam | exp.Version):
        return node
    if node.is_string:
        return text(node.name)
    if isinstance(parent, exp.Neg) and node.name in ("2147483648", "9223372036854775808"):
        raise not_supported(f"the number -{node.name}", node)
    if node.name.isdigit() and int(node.name) >= 2**63:
        raise QueryError("INVALID_LITERAL", f"Invalid numeric literal: {node.name}", node)
    if not re.fullmatch(r"\d+|\d*\.\d*|\d*\.?\d*[eE][+-]?\d+", node.name):
        raise not_supported(f"the number {node.name}", node)
    return node


def _cast(node: exp.Expr, _checking: bool) -> exp.Expr:
    """CAST and TRY_CAST, and literals with a type: DATE '…', TIMESTAMP '…', BIGINT '…'."""
    kind, value = node.to, node.this
    target = kind.meta.get(TYPE_TEXT, kind.sql("trino")).lower()
    if kind.meta.get("is_literal", True):
        return _typed_literal(target, constant(value, target), node)
    return _convert(value, target, isinstance(node, exp.TryCast), node)


def _typed_literal(target: str, written: str, node: exp.Expr) -> exp.Expr:
    if target.startswith("timestamp") and written.endswith(" UTC"):
        moment = _typed_literal("timestamp", written.removesuffix(" UTC"), node)
        return call("trino_with_timezone", moment, text("UTC"))
    pattern = LITERALS.get(target)
    if pattern is None or not pattern.fullmatch(written):
        raise not_supported(f"the literal {target} '{written}'", node)
    return exp.cast(exp.Literal.string(written), target)


def _convert(value: exp.Expr, target: str, is_tried: bool, node: exp.Expr) -> exp.Expr:
    """A cast of a value to the type of a text."""
    if isinstance(value, exp.Null):
        return exp.cast(exp.Null(), duckdb_type(target))
    target = "decimal(38, 0)" if target == "decimal" else target
    name, _, inside = target.partition("(")
    parts = _split(inside.rstrip()[:-1]) if inside else []
    function = f"trino_{'try_' if is_tried else ''}as_{'integer' if name == 'int' else name.strip()}"
    value = value.copy()
    if name == "timestamp" and len(parts) <= 1:
        digits = int(parts[0]) if parts else 3
        return call(function, value, str(10 ** max(6 - digits, 0)))
    if name == "decimal" and parts and not is_tried:
        return exp.cast(call(function, value), duckdb_type(target))
    if not parts and function.removeprefix("trino_") in MACROS:
        return call(function, value)
    constructor = value.unnest()
    if is_tried:
        raise not_supported(f"try_cast to {target}", node)
    if name == "array" and isinstance(constructor, exp.Array):
        items = [_convert(item, parts[0], is_tried, node) for item in constructor.expressions]
        return exp.cast(exp.Array(expressions=items), duckdb_type(target))
    is_call = isinstance(constructor, exp.Anonymous)
    if is_call and name == "map" and constructor.name == "trino_map" and constructor.expressions:
        lists = zip(constructor.expressions, parts, strict=True)
        return call(
            "trino_map", *(_convert(one, f"array({kind})", is_tried, node) for one, kind in lists)
        )
    if is_call and name == "row" and constructor.name == "row":
        named = [re.split(r"\s+", part, maxsplit=1) for part in parts]
        fields = [
            exp.PropertyEQ(
                this=exp.to_identifier(label.strip('"'), quoted=True),
                expression=_convert(item, kind, is_tried, node),
            )
            for item, (label, kind) in zip(constructor.expressions, named, strict=True)
        ]
        return exp.Struct(expressions=fields)
    raise not_supported(f"the cast to {target} of {node.this.sql('trino')[:60]}", node)


def _split(inside: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts = re.findall(r"(?:[^,(]|\([^()]*(?:\([^()]*\)[^()]*)*\))+", inside)
    return [part.strip() for part in parts]


def _function(node: exp.Anonymous, checking: bool) -> exp.Expr:
    """A call by its name in Trino. Calls that were written here are not visited."""
    name = node.name.lower()
    top = node
    while isinstance(top.parent, exp.Filter | exp.Window) and top is top.parent.this:
        top = top.parent
    if name in AGGREGATES:
        return _aggregate(node, name, top is not node, checking)
    if name in WINDOWS and isinstance(top, exp.Window):
        node.meta["is_written"] = True
        return node
    if name not in FUNCTIONS or top is not node:
        raise QueryError(
            "FUNCTION_NOT_FOUND", f"The local Athena has no {name}; AWS may have", node
        )
    handler = CALLS.get(name)
    if handler is not None:
        return handler(node, checking)
    parts = [part.copy() for part in node.expressions]
    name = OTHER_NAMES.get(name, name)
    if name in ("date_trunc", "date_diff"):
        unit = constant(parts[0] if parts else None, f"a unit of {name}").lower()
        if unit not in (*UNITS, *(LONG_UNITS if name == "date_trunc" else ())):
            raise not_supported(f"{name} of the unit {unit}", node)
        parts[0] = exp.Literal.string(unit)
    if name in ("at_timezone", "with_timezone"):
        parts[1] = text(_zone_name(constant(parts[1], "a time zone"), node))
    if name == "regexp_like":
        parts[1] = text(_pattern(constant(parts[1], "a regular expression"), node))
    if name == "contains" and checking:
        first = exp.Bracket(this=parts[0].copy(), expressions=[exp.Literal.number(0)])
        return exp.Case(
            ifs=[exp.If(this=_kinds(first, parts[1]), true=call("trino_contains", *parts))]
        )
    return call(f"trino_{name}", *parts)


def _aggregate(
    node: exp.Anonymous, name: str, has_clauses: bool, checking: bool
) -> exp.Expr:
    """An aggregate with DISTINCT, ORDER BY, FILTER or OVER."""
    parts = [part.copy() for part in node.expressions]
    if len(parts) != (0 if name == "count" and not parts else 2 if name in ("max_by", "min_by", "approx_percentile") else 1):
        raise not_supported(f"{name} of {len(parts)} arguments", node)
    if name in ("sum", "avg"):
        inner = parts[0]
        if isinstance(inner, exp.Distinct):
            inner = inner.expressions[0]
        summand = call("trino_summand", inner.copy())
        parts = [exp.Distinct(expressions=[summand]) if isinstance(parts[0], exp.Distinct) else summand]
    if name in ("max", "min") and checking:
        kind = exp.Is(this=call("trino_kind", parts[0].copy()), expression=exp.Null())
        parts = [exp.Case(ifs=[exp.If(this=kind, true=parts[0].copy())], default=parts[0])]
    if name == "count_if":
        parts = [exp.Case(ifs=[exp.If(this=call("trino_bool", parts[0]), true=exp.Literal.number(1))])]
    if name in ("bool_and", "bool_or"):
        parts = [call("trino_bool", parts[0])]
    if name == "approx_distinct":
        parts = [exp.Distinct(expressions=parts)]
    if name == "approx_percentile":
        share = parts[1]
        if not isinstance(share, exp.Literal) or not 0 <= float(share.name) <= 1:
            raise not_supported("approx_percentile of anything but a number from 0 to 1", node)
        parts[0] = call("trino_summand", parts[0])
        # Trino returns the upper value if the position is between two values.
        parts[1] = exp.Literal.number(min(float(share.name) + 1e-9, 1.0))
    result = call(AGGREGATES[name], *parts)
    result.meta["is_written"] = True
    if name == "sum" and not has_clauses:
        return _sum(result)
    return result


def _sum(node: exp.Expr) -> exp.Expr:
    """The sum of integers, which is a bigint in Trino and a hugeint in DuckDB."""
    return call("trino_sum", node)


def _with_clauses(node: exp.Expr, checking: bool) -> exp.Expr:
    """FILTER and OVER around a call."""
    if isinstance(node, exp.Filter) and checking:
        condition = node.expression.this
        condition.replace(call("trino_bool", condition.copy()))
    if isinstance(node.parent, exp.Filter | exp.Window):
        return node
    inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
    return _sum(node.copy()) if isinstance(inner, exp.Anonymous) and inner.name == "sum" else node


def _pattern(pattern: str, node: exp.Expr) -> str:
    """Return a regular expression of Java for RE2. Raises QueryError (NOT_SUPPORTED)."""
    translated, place = "", 0
    while match := REGULAR_PART.match(pattern, place):
        translated += match[1] or (ANY if match[2] else END_OF_TEXT)
        place = match.end()
    if place < len(pattern) or re.search(r"\(\?|[*+?}][+?]", pattern):
        raise not_supported(f"the regular expression {pattern}", node)
    return translated


def _regexp_extract(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """The text of a group that takes part in each match: elsewhere DuckDB has '' for NULL."""
    value, pattern, *group = node.expressions
    written = constant(pattern, "a regular expression")
    number = group[0].name if group else "0"
    if not number.isdigit() or int(number) > len(re.findall(r"(?<!\\)\(", written)):
        raise not_supported(f"the group {number} of a regular expression", node)
    if re.search(r"\)[?*{]|\|", written) or (number == "0" and written.endswith("$")):
        raise not_supported(f"regexp_extract with the regular expression {written}", node)
    translated = text(_pattern(written, node))
    found = exp.Anonymous(
        this="regexp_extract",
        expressions=[value.copy(), translated.copy(), exp.Literal.number(number)],
    )
    is_match = call("trino_regexp_like", value.copy(), translated)
    return exp.Case(ifs=[exp.If(this=is_match, true=found)])


def _plain(node: exp.Anonymous, checking: bool) -> exp.Expr:
    """COALESCE and NULLIF are those of DuckDB, which mixes types as little as Trino."""
    parts = [part.copy() for part in node.expressions]
    if len(parts) < 2:
        raise QueryError("SYNTAX_ERROR", f"{node.name} needs two arguments", node)
    if node.name.lower() == "coalesce":
        return exp.Coalesce(this=parts[0], expressions=parts[1:])
    result: exp.Expr = exp.Nullif(this=parts[0], expression=parts[1])
    if checking:
        result = exp.Case(ifs=[exp.If(this=_kinds(*parts), true=result)])
    return result


def _if(node: exp.Anonymous, checking: bool) -> exp.Expr:
    condition, *values = (part.copy() for part in node.expressions)
    if checking:
        condition = call("trino_bool", condition)
    return exp.Case(
        ifs=[exp.If(this=condition, true=values[0])], default=values[1] if values[1:] else None
    )


def _extreme(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """GREATEST and LEAST are NULL if a value is; DuckDB skips NULL."""
    parts = [part.copy() for part in node.expressions]
    missing = exp.or_(*(exp.Is(this=part.copy(), expression=exp.Null()) for part in parts))
    value = exp.Anonymous(this=node.name.lower(), expressions=parts)
    return exp.Case(
        ifs=[exp.If(this=exp.Not(this=exp.Paren(this=missing)), true=value)]
    )


def _date_add(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    unit, amount, value = (part.copy() for part in node.expressions)
    name = constant(unit, "a unit of date_add").lower()
    if name not in (*UNITS, *LONG_UNITS) or name == "quarter":
        raise not_supported(f"date_add of the unit {name}", node)
    step = exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this=name.upper()))
    number = exp.cast(call("trino_whole", amount), "integer")
    return call("trino_shift", value, exp.Mul(this=exp.Paren(this=number), expression=step))


def _array_join(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    values, separator, *replacement = (part.copy() for part in node.expressions)
    element: exp.Expr = call("trino_as_varchar", exp.column("element"))
    if replacement:
        element = exp.Coalesce(this=element, expressions=replacement)
    texts = call(
        "list_transform",
        values,
        exp.Lambda(this=element, expressions=[exp.to_identifier("element")]),
    )
    return call("array_to_string", texts, separator)


def _lambda_call(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    name = {"filter": "list_filter", "transform": "list_transform"}[node.name.lower()]
    values, body = node.expressions
    if not isinstance(body, exp.Lambda) or len(body.expressions) != 1:
        raise not_supported(f"{node.name} without a lambda of one argument", node)
    body = body.copy()
    if name == "list_filter":
        if isinstance(body.this, exp.Null):
            raise not_supported("filter by NULL", node)
        body.this.replace(call("trino_bool", body.this.copy()))
    return call(name, values.copy(), body)


def _reduce(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """REDUCE by list_reduce, whose state has the type of the elements: both are put in a struct."""
    values, initial, merge, finish = (part.copy() for part in node.expressions)
    if not (isinstance(merge, exp.Lambda) and isinstance(finish, exp.Lambda)):
        raise not_supported("reduce without two lambdas", node)

    def struct(state: exp.Expr, item: exp.Expr) -> exp.Expr:
        named = {"state": state, "item": item}
        return exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(name), expression=value)
                for name, value in named.items()
            ]
        )

    def filled(body: exp.Lambda, *values: exp.Expr) -> exp.Expr:
        names = [parameter.name for parameter in body.expressions]
        replaced = dict(zip(names, values, strict=True))
        return body.this.transform(
            lambda part: replaced[part.name].copy()
            if isinstance(part, exp.Column | exp.Identifier)
            and part.name in replaced
            and not isinstance(part.parent, exp.Column | exp.Dot)
            else part
        )

    def field(of: str, name: str) -> exp.Expr:
        return exp.Dot(this=exp.to_identifier(of), expression=exp.to_identifier(name))

    start = struct(initial, exp.Null())
    wrapped = call(
        "list_transform",
        values,
        exp.Lambda(
            this=struct(exp.Null(), exp.to_identifier("item")),
            expressions=[exp.to_identifier("item")],
        ),
    )
    step = struct(
        filled(merge, field("before", "state"), field("after", "item")), field("after", "item")
    )
    folded = call(
        "list_reduce",
        wrapped,
        exp.Lambda(this=step, expressions=[exp.to_identifier("before"), exp.to_identifier("after")]),
        start,
    )
    result = exp.Dot(this=exp.Paren(this=folded), expression=exp.to_identifier("state"))
    return filled(finish, result)


def _row(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    if not isinstance(node.parent, exp.Cast):
        raise not_supported("row without a cast that names its fields", node)
    return node


def _join(node: exp.Join, checking: bool) -> exp.Expr:
    condition = node.args.get("on")
    if checking and condition:
        condition.replace(call("trino_bool", condition.copy()))
    return node


def _order(node: exp.Ordered, _checking: bool) -> exp.Expr:
    """Trino sorts NULL last in both directions, if the statement does not say otherwise."""
    node.set("nulls_first", node.args.get("nulls_first") is True)
    return node


def _concat_call(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    first, *others = (part.copy() for part in node.expressions)
    if not others:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "concat needs two arguments", node)
    for other in others:
        first = call("trino_concat", first, other)
    return first


def _unnest(node: exp.Unnest, _checking: bool) -> exp.Expr:
    """UNNEST of one array, or of a map, which has two columns."""
    alias, offset = node.args.get("alias"), node.args.get("offset")
    columns = list(alias.args.get("columns") or []) if alias else []
    if len(node.expressions) != 1 or not columns:
        raise not_supported("UNNEST of several values, or without names of columns", node)
    if offset and not isinstance(offset, exp.Identifier) and len(columns) == 2:
        return node
    if len(columns) == 2 and not offset:
        entries = call("map_entries", node.expressions[0].copy())
        return call_entries(entries, alias)
    return node


def call_entries(entries: exp.Expr, alias: exp.TableAlias) -> exp.Expr:
    """The entries of a map as a lateral subquery of two columns."""
    key, value = (exp.to_identifier(name) for name in ("key", "value"))
    entry = exp.to_identifier("entry")
    source = exp.Unnest(
        expressions=[entries],
        alias=exp.TableAlias(this=exp.to_identifier("entries"), columns=[entry]),
    )
    body = exp.Select(
        expressions=[
            exp.Dot(this=entry.copy(), expression=key),
            exp.Dot(this=entry.copy(), expression=value),
        ]
    ).from_(source)
    return exp.Lateral(this=exp.Subquery(this=body), alias=alias.copy())


def _trim(node: exp.Trim, _checking: bool) -> exp.Expr:
    if node.args.get("position") or node.expression:
        raise not_supported("trim of given characters", node)
    return call("trino_trim", node.this.copy())


def _subscript(node: exp.Bracket, _checking: bool) -> exp.Expr:
    key = node.expressions[0]
    is_text = isinstance(key, exp.Cast) and isinstance(key.this, exp.Literal)
    return call(f"trino_{'map_value' if is_text else 'subscript'}", node.this.copy(), key.copy())


def _zone(node: exp.AtTimeZone, _checking: bool) -> exp.Expr:
    zone = text(_zone_name(constant(node.args["zone"], "a time zone"), node))
    return call("trino_at_timezone", node.this.copy(), zone)


def _zone_name(name: str, node: exp.Expr) -> str:
    """Return DuckDB's name of a zone: UTC, a region of the tz database, or an offset."""
    if re.fullmatch(r"[+-](0\d|1[0-3]):[0-5]\d", name):
        return f"GMT{name}"
    is_region = re.fullmatch(r"UTC|(?!Etc/)[A-Z]\w+/[\w/+-]+", name)
    if not is_region or name not in available_timezones():
        raise not_supported(f"the time zone {name}", node)
    return name


def _concat(node: exp.DPipe, _checking: bool) -> exp.Expr:
    return call("trino_concat", node.this.copy(), node.expression.copy())


HANDLERS: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Anonymous: _function,
    **dict.fromkeys(COMPARISONS, _compare),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having), _boolean),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys((exp.Filter, exp.Window), _with_clauses),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.AtTimeZone: _zone,
    exp.Between: _between,
    exp.Bracket: _subscript,
    exp.Case: _case,
    exp.CurrentTimestamp: lambda _node, _checking: call("trino_now"),
    exp.DPipe: _concat,
    exp.Div: lambda node, _checking: call(
        "trino_divide", node.this.copy(), node.expression.copy()
    ),
    exp.Extract: lambda node, checking: _function(
        exp.Anonymous(this=node.this.name, expressions=[node.expression.copy()]), checking
    ),
    exp.If: _branch,
    exp.In: _in,
    exp.Interval: _interval,
    exp.Join: _join,
    exp.Like: _like,
    exp.Literal: _literal,
    exp.Mod: lambda node, _checking: call("trino_mod", node.this.copy(), node.expression.copy()),
    exp.Ordered: _order,
    exp.StrPosition: lambda node, _checking: call(
        "trino_strpos", node.this.copy(), node.args["substr"].copy()
    ),
    exp.Substring: lambda node, _checking: call(
        "trino_substr",
        *(node.args[name].copy() for name in ("this", "start", "length") if node.args.get(name)),
    ),
    exp.Trim: _trim,
    exp.Unnest: _unnest,
}
CALLS: dict[str, Callable[[exp.Anonymous, bool], exp.Expr]] = {
    "array_join": _array_join,
    "concat": _concat_call,
    **dict.fromkeys(("coalesce", "nullif"), _plain),
    "date_add": _date_add,
    **dict.fromkeys(("filter", "transform"), _lambda_call),
    **dict.fromkeys(("greatest", "least"), _extreme),
    "if": _if,
    "reduce": _reduce,
    "regexp_extract": _regexp_extract,
    "row": _row,
}
