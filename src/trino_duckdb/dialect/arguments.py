"""Refuses statements whose parsed nodes have arguments that the compiler does not read.

The parser knows many dialects and accepts more than Trino. An argument that the compiler ignores,
such as ``negate`` of LIKE, would silently give a wrong result. ``parser`` checks each statement
once.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from trino_duckdb.errors import QueryError, not_supported

BINARY = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.And, exp.Or, exp.Dot, exp.Is, exp.Escape),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Div, exp.DPipe, exp.Extract, exp.Filter),
)
UNARY = (
    *(exp.Not, exp.Neg, exp.Paren, exp.Exists, exp.IgnoreNulls),
    *(exp.From, exp.Where, exp.Having, exp.Var, exp.CurrentDate, exp.CurrentTimestamp),
    *(exp.Localtimestamp, exp.Boolean, exp.Placeholder, exp.DataTypeParam),
)
LISTS = (exp.Tuple, exp.Distinct, exp.Array, exp.With)
CALLS = (exp.Anonymous, exp.Bracket, exp.Lambda, exp.Order)
SET_OPERATION = "with_ this expression distinct order limit offset"
READ: dict[type[exp.Expr], str] = {
    **dict.fromkeys(BINARY, "this expression"),
    **dict.fromkeys(UNARY, "this"),
    **dict.fromkeys(LISTS, "expressions"),
    **dict.fromkeys(CALLS, "this expressions"),
    **dict.fromkeys((exp.Alias, exp.CTE), "this alias"),
    **dict.fromkeys((exp.Cast, exp.TryCast), "this to"),
    **dict.fromkeys((exp.Limit, exp.Offset), "expression"),
    **dict.fromkeys((exp.Null, exp.Star), ""),
    **dict.fromkeys((exp.Union, exp.Intersect, exp.Except), SET_OPERATION),
    exp.AtTimeZone: "this zone",
    exp.Between: "this low high",
    exp.Case: "this ifs default",
    exp.Column: "this table db catalog",
    exp.ColumnDef: "this kind",
    exp.DataType: "this expressions nested",
    exp.Group: "expressions",
    exp.Identifier: "this quoted",
    exp.If: "this true false",
    exp.In: "this expressions query",
    exp.Interval: "this unit",
    exp.Join: "this on side kind using",
    exp.Like: "this expression negate",
    exp.Literal: "this is_string",
    exp.Ordered: "this desc nulls_first",
    exp.Select: (
        "with_ expressions from_ joins where group having order limit offset distinct windows"
    ),
    exp.StrPosition: "this substr",
    exp.Subquery: "this alias with_ order limit offset joins",
    exp.Substring: "this start length",
    exp.Table: "this db catalog alias version joins",
    exp.TableAlias: "this columns",
    exp.Trim: "this expression position",
    exp.Unnest: "expressions alias offset joins",
    exp.Values: "expressions alias order limit offset joins",
    exp.Version: "this kind expression",
    exp.Window: "this partition_by order spec alias",
    exp.WindowSpec: "kind start start_side end end_side",
}
CONSTANTS: dict[type[exp.Expr], str] = {
    exp.DPipe: "safe",
    exp.Div: "typed safe",
    exp.Bracket: "offset",
    exp.TryCast: "safe requires_string",
    exp.Window: "over",
    exp.Array: "bracket_notation",
}
"""Arguments that the parser always sets to constants of the dialect."""

FOREIGN = (
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift),
    *(exp.BitwiseRightShift, exp.IntDiv, exp.SimilarTo, exp.Glob, exp.PropertyEQ, exp.Kwarg),
    *(exp.Struct, exp.Concat, exp.Collate, exp.StrToDate, exp.Into, exp.Aliases, exp.National),
)
"""Nodes of syntax that only other dialects have."""


def check_arguments(tree: exp.Expr) -> None:
    """Refuse a statement if the compiler would ignore a part of it.

    Raises QueryError: SYNTAX_ERROR for syntax that Trino does not have, otherwise NOT_SUPPORTED.
    """
    for node in tree.walk():
        if isinstance(node, FOREIGN):
            raise QueryError("SYNTAX_ERROR", f"mismatched input at '{_text(node)}'", node)
        if type(node) not in READ:
            raise not_supported(f"{type(node).__name__} ({_text(node)})", node)
        for name in unread_arguments(node):
            what = f"{name.rstrip('_').upper()} of {type(node).__name__}"
            raise not_supported(f"{what} ({_text(node)})", node)


def unread_arguments(node: exp.Expr) -> Iterator[str]:
    """Return the arguments of a node that the statement sets and the compiler does not read."""
    known = {*READ[type(node)].split(), *CONSTANTS.get(type(node), "").split()}
    for name, value in node.args.items():
        if name not in known and _is_given(node, name, value):
            yield name


def _is_given(node: exp.Expr, name: str, value: object) -> bool:
    """Whether the statement sets an argument; for some, False is a value (DISTINCT, NOT)."""
    if value is False and isinstance(node, exp.Group | exp.CTE):
        return name in ("all", "materialized")  # GROUP BY DISTINCT, AS NOT MATERIALIZED
    return not (value is None or value is False or value == [])


def _text(node: exp.Expr) -> str:
    return node.sql("trino")[:80]
