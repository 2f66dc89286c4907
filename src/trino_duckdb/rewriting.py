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
from itertools import takewhile
from typing import NamedTuple

from sqlglot import exp

from trino_duckdb.calls import (
    LONG_UNITS,
    MACROS,
    NO_DECIMALS,
    UNITS,
    call,
    checked_number,
    constant,
    field,
    is_null,
    kinds,
    rewrite_call,
    struct,
    text,
    when,
    zone_name,
)
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.reader import TYPE_TEXT, parse_expression, parse_query
from trino_duckdb.refusals import refuse_beyond_trino
from trino_duckdb.types import duckdb_type, split_top

COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Neg)
OPERATORS: dict[type[exp.Expr], str] = {
    exp.Div: "trino_divide",
    exp.Mod: "trino_mod",
    exp.DPipe: "trino_concat",
}
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

    `unions` are the SELECTs of set operations, whose columns must have types that Trino mixes, and
    `visible` are SELECTs of columns that must exist, with the nodes of the columns.
    """

    tree: exp.Expr
    run: str
    check: str
    mentions: Sequence[Mention]
    unions: Sequence[Sequence[str]]
    visible: Sequence[tuple[str, Sequence[exp.Expr]]]

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
    for mark, parameter in zip(marks, parameters, strict=True):
        mark.replace(exp.Paren(this=parse_expression(parameter)))
    mentions = _take_mentions(tree)
    refuse_beyond_trino(tree)
    _name_columns(tree)
    check = _rewrite_tree(tree.copy(), True)
    run = _rewrite_tree(tree.copy(), False)
    written: dict[int, str] = {}
    unions = [
        [_alone(side, side, written) for side in _sides(node)]
        for node in check.find_all(exp.SetOperation)
        if not isinstance(node.parent, exp.SetOperation)
    ]
    visible = [
        (_probe(columns, select, written), columns)
        for select in check.find_all(exp.Select)
        if (columns := [*_suspicious(select)])
    ]
    return Rewritten(tree, _sql(run), _sql(check), mentions, unions, visible)


def _sql(tree: exp.Expr) -> str:
    return tree.sql("duckdb", identify=True)


def _take_mentions(tree: exp.Expr) -> list[Mention]:
    """Replace the tables that are no WITH queries by tokens, and return them."""
    mentions: list[Mention] = []
    for table in [*tree.find_all(exp.Table)]:
        if not isinstance(table.this, exp.Identifier):
            raise not_supported(f"{table.sql('trino')} in FROM", table)
        if table.catalog.lower() not in ("", "awsdatacatalog"):
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{table.catalog}' not found", table)
        name = table.name.lower()
        if not table.db and name in {query.alias.lower() for query in _visible_queries(table)}:
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


def _visible_queries(node: exp.Expr | None) -> list[exp.Expr]:
    """Return the WITH queries that a node can read: in a WITH clause, only those before it."""
    visible: list[exp.Expr] = []
    path: set[int] = set()
    while node is not None:
        if clause := node.args.get("with_"):
            visible[:0] = takewhile(lambda query: id(query) not in path, clause.expressions)
        path.add(id(node))
        node = node.parent
    return visible


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


def _sides(node: exp.Expr) -> list[exp.Expr]:
    """The queries that a chain of set operations combines."""
    if not isinstance(node, exp.SetOperation):
        return [node]
    return [*_sides(node.left), *_sides(node.right)]


def _alone(body: exp.Expr, mention: exp.Expr, written: dict[int, str]) -> str:
    """A query as a statement of its own, with the WITH queries that a node in it can read.

    `written` keeps the SQL of WITH queries, by the id of the node.
    """
    names = {table.name.lower() for table in body.find_all(exp.Table)}
    read: list[str] = []
    for query in reversed(_visible_queries(mention.parent if body is mention else mention)):
        if query.alias.lower() in names:
            if id(query) not in written:
                written[id(query)] = _sql(query)
            read.insert(0, written[id(query)])
            names |= {table.name.lower() for table in query.find_all(exp.Table)}
    prefix = f"WITH {', '.join(read)} " if read else ""
    return f"{prefix}SELECT * FROM ({_sql(body.unnest())}) AS side"  # noqa: S608


def _suspicious(select: exp.Select) -> Iterator[exp.Column]:
    """Names that DuckDB may take for an alias of the same SELECT, where Trino sees none."""
    aliases = {
        item.alias.lower()
        for item in select.expressions
        if isinstance(item, exp.Alias)
        and not (isinstance(item.this, exp.Column) and item.this.name.lower() == item.alias.lower())
    }
    parts = [*select.expressions, *(select.args.get(name) for name in ("where", "group", "having"))]
    seen: set[str] = set()
    for column in (column for part in parts if part for column in part.find_all(exp.Column)):
        name = column.name.lower()
        is_bare = not column.table and not isinstance(column.this, exp.Star)
        if is_bare and name in aliases - seen and column.find_ancestor(exp.Select) is select:
            seen.add(name)
            yield column


def _probe(columns: Sequence[exp.Column], select: exp.Select, written: dict[int, str]) -> str:
    """A statement that is right only if the relations of a SELECT have some columns."""
    body = exp.Select(expressions=[exp.column(column.name, quoted=True) for column in columns])
    for part in ("from_", "joins"):
        if value := select.args.get(part):
            is_list = isinstance(value, list)
            body.set(part, [element.copy() for element in value] if is_list else value.copy())
    return _alone(body, select, written)


def _rewrite_tree(tree: exp.Expr, checking: bool) -> exp.Expr:
    """Rewrite all nodes, those inside others first."""
    holder = exp.Paren(this=tree)
    for node in reversed([*tree.walk()]):
        handler = HANDLERS.get(type(node))
        if handler is not None:
            result = handler(node, checking)
            if result is not node:
                node.replace(result)
    if checking:
        for node in [*holder.find_all(exp.Anonymous)]:
            if construct := NO_DECIMALS.get(node.name.removeprefix("trino_")):
                node.set("expressions", [_no_decimal(part, construct) for part in node.expressions])
    rewritten: exp.Expr = holder.this
    return rewritten


def _no_decimal(value: exp.Expr, construct: str) -> exp.Expr:
    """In `check`: the value; DuckDB refuses a decimal with a text that names `construct`."""
    if isinstance(value, exp.Literal) and (value.is_string or value.name.isdigit()):
        return value
    kind = exp.Coalesce(
        this=exp.Anonymous(this="trino_decimal_kind", expressions=[value.copy()]),
        expressions=[struct([(construct, exp.Literal.number(1))])],
    )
    return when(is_null(kind), value.copy(), value.copy())


def _compare(node: exp.Expr, checking: bool) -> exp.Expr:
    return kinds(node.this, node.expression) if checking else node


def _between(node: exp.Between, checking: bool) -> exp.Expr:
    return kinds(node.this, node.args["low"], node.args["high"]) if checking else node


def _in(node: exp.In, checking: bool) -> exp.Expr:
    if isinstance(node.this, exp.Tuple):
        raise not_supported("IN of rows", node)
    query = node.args.get("query")
    return kinds(node.this, *(node.expressions or [query])) if checking else node


def _like(node: exp.Like, checking: bool) -> exp.Expr:
    return kinds(node.this, node.expression, text("")) if checking else node


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
        values = [branch.this for branch in node.args["ifs"]]
        is_comparable = kinds(node.this, *values)
        values[0].replace(when(is_comparable, values[0].copy(), values[0].copy()))
    return node


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
                operand.replace(checked_number(operand))
    return node


def _interval(node: exp.Interval, _checking: bool) -> exp.Expr:
    amount = node.this.this if isinstance(node.this, exp.Cast) else node.this
    unit = node.args["unit"].name.lower() if node.args.get("unit") else ""
    is_number = isinstance(amount, exp.Literal) and re.fullmatch(r"-?\d{1,6}", amount.name)
    if not is_number or unit not in (*UNITS, *LONG_UNITS):
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
    kind, value = node.args["to"], node.this
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
    parts = split_top(inside.rstrip()[:-1]) if inside else []
    function = (
        f"trino_{'try_' if is_tried else ''}as_{'integer' if name == 'int' else name.strip()}"
    )
    value = value.copy()
    if name == "timestamp" and len(parts) <= 1:
        digits = int(parts[0]) if parts else 3
        return call(function, value, exp.Literal.number(10 ** max(6 - digits, 0)))
    if name == "decimal" and parts and not is_tried:
        return exp.cast(call(function, value), duckdb_type(target))
    if not parts and function.removeprefix("trino_") in MACROS:
        return call(function, value)
    if is_tried:
        raise not_supported(f"try_cast to {target}", node)
    return _construct(value.unnest(), target, parts, node)


def _construct(constructor: exp.Expr, target: str, parts: list[str], node: exp.Expr) -> exp.Expr:
    """A cast of ARRAY, MAP or ROW, whose elements are cast one by one."""
    name = target.partition("(")[0]
    if name == "array" and isinstance(constructor, exp.Array):
        items = [_convert(item, parts[0], False, node) for item in constructor.expressions]
        return exp.cast(exp.Array(expressions=items), duckdb_type(target))
    if isinstance(constructor, exp.Anonymous) and (name, constructor.name) == ("map", "trino_map"):
        lists = zip(constructor.expressions, parts, strict=True)
        return call(
            "trino_map",
            *(_convert(element, f"array({kind})", False, node) for element, kind in lists),
        )
    if isinstance(constructor, exp.Anonymous) and (name, constructor.name) == ("row", "row"):
        fields = zip(
            constructor.expressions, (part.split(maxsplit=1) for part in parts), strict=True
        )
        return struct(
            (label.strip('"'), _convert(item, kind, False, node)) for item, (label, kind) in fields
        )
    raise not_supported(f"the cast to {target} of {node.this.sql('trino')[:60]}", node)


def _with_clauses(node: exp.Expr, checking: bool) -> exp.Expr:
    """FILTER and OVER around a call."""
    if isinstance(node, exp.Filter) and checking:
        condition = node.expression.this
        condition.replace(call("trino_bool", condition.copy()))
    if isinstance(node.parent, exp.Filter | exp.Window):
        return node
    inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
    is_sum = isinstance(inner, exp.Anonymous) and inner.name == "sum"
    return call("trino_sum", node.copy()) if is_sum else node


def _join(node: exp.Join, checking: bool) -> exp.Expr:
    condition = node.args.get("on")
    if checking and condition:
        condition.replace(call("trino_bool", condition.copy()))
    return node


def _order(node: exp.Ordered, _checking: bool) -> exp.Expr:
    """Trino sorts NULL last in both directions, if the statement does not say otherwise."""
    node.set("nulls_first", node.args.get("nulls_first") is True)
    return node


def _unnest(node: exp.Unnest, _checking: bool) -> exp.Expr:
    """UNNEST of one array, or of a map as a lateral subquery of its keys and values."""
    alias, offset = node.args.get("alias"), node.args.get("offset")
    columns = alias.args.get("columns") if alias else None
    if alias is None or not columns or len(node.expressions) != 1:
        raise not_supported("UNNEST of several values, or without names of columns", node)
    if offset or len(columns) != 2:
        return node
    entry = exp.to_identifier("entry")
    entries = exp.Unnest(
        expressions=[call("map_entries", node.expressions[0].copy())],
        alias=exp.TableAlias(this=exp.to_identifier("entries"), columns=[entry]),
    )
    parts = [field(entry.copy(), name) for name in ("key", "value")]
    body = exp.Select(expressions=parts).from_(entries)
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
    zone = text(zone_name(constant(node.args["zone"], "a time zone"), node))
    return call("trino_at_timezone", node.this.copy(), zone)


def _operator(node: exp.Expr, _checking: bool) -> exp.Expr:
    return call(OPERATORS[type(node)], node.this.copy(), node.expression.copy())


HANDLERS: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Anonymous: rewrite_call,
    **dict.fromkeys(COMPARISONS, _compare),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having), _boolean),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys((exp.Filter, exp.Window), _with_clauses),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    **dict.fromkeys(OPERATORS, _operator),
    exp.AtTimeZone: _zone,
    exp.Between: _between,
    exp.Bracket: _subscript,
    exp.Case: _case,
    exp.CurrentTimestamp: lambda _node, _checking: call("trino_now"),
    exp.Localtimestamp: lambda _node, _checking: call("trino_local_now"),
    exp.Extract: lambda node, checking: rewrite_call(
        exp.Anonymous(this=node.this.name, expressions=[node.expression.copy()]), checking
    ),
    exp.If: _branch,
    exp.In: _in,
    exp.Interval: _interval,
    exp.Join: _join,
    exp.Like: _like,
    exp.Literal: _literal,
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
