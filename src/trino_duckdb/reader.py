"""Reads Trino's SQL with sqlglot, and refuses the syntax that this package does not translate.

sqlglot reads many dialects and accepts more than Trino. `NODES` is the allow-list of syntax: each
kind of node, and the arguments of it that are translated. An argument that the writer ignores, such
as ``negate`` of LIKE, would silently give a wrong result. Function calls keep their names, so that
`rewriting` can refuse those that are not in its list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser

from trino_duckdb.errors import QueryError, not_supported

SPECIAL_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING")
FOREIGN_TOKENS = (TokenType.DCOLON, TokenType.ILIKE, TokenType.QUALIFY, TokenType.RLIKE)
SPELLINGS = {
    TokenType.EQ: ("=",),
    TokenType.NOT: ("NOT",),
    TokenType.NULLSAFE_EQ: (),
    TokenType.ISNULL: (),
    TokenType.NOTNULL: (),
}
"""Operators that have other spellings in other dialects, with those of Trino."""

QUOTES = {TokenType.STRING: "'", TokenType.IDENTIFIER: '"'}
"""Placeholder for a text or a quoted name in the words of a statement."""

FOREIGN_PHRASE = re.compile(
    r"""(?<!\S)(?:
    ^FROM | \(\ FROM
    | ,\ (?:FROM|WHERE|GROUP_BY|ORDER_BY|LIMIT|HAVING|\)|$)
    | (?:SELECT|GROUP_BY|ORDER_BY|PARTITION_BY|DISTINCT)(?:\ \)|$)
    | (?:SELECT|GROUP_BY|ORDER_BY)\ FROM
    | AS\ '
    | LIMIT\ \S+\ (?:,|OFFSET|PERCENT|UNION|INTERSECT|EXCEPT)
    | (?:EXTRACT|POSITION)\ \(\ \S+\ ,
    | INTERVAL\ (?:\d\S* | '(?!\ (?:YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)(?!\S)))
    | (?:INNER|CROSS)\ (?!JOIN)\S*
    | (?:LEFT|RIGHT|FULL)\ (?!JOIN|OUTER)\S*
    | (?:SELECT|[-+*/%(,<>=])\ \+\ (?!\d+(?!\S))\S+
    | \)\ OVER(?:\ (?:FROM|,|\))|$)
    )(?!\S)""",
    re.VERBOSE,
)
"""Patterns of words in a statement, the last of which Trino does not expect there."""

IS_LITERAL = "is_literal"
"""Key that marks a type before its literal (DATE '2026-11-20'), in contrast to a cast."""

TYPE_TEXT = "type_text"
"""Key in a node's ``meta`` for the text of a type as in the statement."""


class AthenaSql(Trino):
    """sqlglot's dialect Trino without its functions."""

    INDEX_OFFSET = 0  # leave ``x[1]`` as it is written

    class Parser(TrinoParser):
        """Parses each call into ``exp.Anonymous``; keeps only calls that have their own syntax."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
            name: parse
            for name, parse in TrinoParser.FUNCTION_PARSERS.items()
            if name in SPECIAL_SYNTAX
        }

        PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Callable[..., Any]]] = {
            TokenType.PLACEHOLDER: lambda self: self._parse_parameter_mark(),
        }

        def _parse_parameter_mark(self) -> exp.Expr:
            """Record the position of a ``?`` in the text, because a tree walk has another order."""
            mark = exp.Placeholder()
            mark.meta["start"] = self._prev.start
            return mark

        def _parse_types(self, *args: Any, **options: Any) -> exp.Expr | None:
            """Keep the text of a type, because the parser also accepts names of other dialects."""
            start = self._index
            kind: exp.Expr | None = super()._parse_types(*args, **options)
            if isinstance(kind, exp.DataType) and self._index > start:
                tokens = self._tokens[start : self._index]
                kind.meta[TYPE_TEXT] = self.sql[tokens[0].start : tokens[-1].end + 1]
                is_cast = start > 0 and self._tokens[start - 1].token_type == TokenType.ALIAS
                kind.meta[IS_LITERAL] = not is_cast
            return kind


BEFORE_SUBSCRIPT = (
    TokenType.VAR,
    TokenType.IDENTIFIER,
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.ARRAY,
)


def parse_query(sql: str) -> exp.Expr:
    """Parse one SELECT, WITH, VALUES or parenthesised query. Raises QueryError (SYNTAX_ERROR)."""
    statements = _parse_checked(sqlglot.parse, sql)
    if len(statements) != 1 or statements[0] is None:
        raise QueryError("SYNTAX_ERROR", "Only one sql statement is allowed")
    tree: exp.Expr = statements[0]
    return tree


def parse_expression(sql: str) -> exp.Expr:
    """Parse one expression, such as an execution parameter. Raises QueryError (SYNTAX_ERROR)."""
    tree: exp.Expr = _parse_checked(sqlglot.parse_one, f"SELECT {sql}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise QueryError("SYNTAX_ERROR", f"Not a single expression: {sql}")
    expression: exp.Expr = tree.expressions[0]
    return expression


def _parse_checked(parse: Callable[..., Any], sql: str) -> Any:
    """Parse; refuse syntax that sqlglot accepts but Trino does not."""
    try:
        _check_tokens(sqlglot.tokenize(sql, read=AthenaSql))
        parsed = parse(sql, read=AthenaSql)
    except ParseError as error:
        problem = error.errors[0] if error.errors else {}
        position = f"line {problem['line']}:{problem['col']}: " if problem.get("line") else ""
        near = problem.get("highlight") or ""
        raise QueryError("SYNTAX_ERROR", f"{position}mismatched input '{near}'") from None
    except TokenError as error:
        raise QueryError("SYNTAX_ERROR", str(error)) from None
    for tree in parsed if isinstance(parsed, list) else [parsed]:
        if tree is not None:
            check_arguments(tree)
    return parsed


def _check_tokens(tokens: list[Any]) -> None:
    """Refuse the syntax of other dialects that the parser accepts."""
    words = [QUOTES.get(token.token_type) or token.text.upper() for token in tokens]
    for before, token in zip([None, *tokens], tokens, strict=False):
        kind, last = token.token_type, before.token_type if before else None
        bare_list = kind == TokenType.L_BRACKET and last not in BEFORE_SUBSCRIPT
        spellings = SPELLINGS.get(kind, (token.text.upper(),))
        is_glued = last == TokenType.NUMBER and before.end + 1 == token.start
        if is_glued and kind in (TokenType.VAR, TokenType.ALIAS):
            raise not_supported(f"the number {before.text}{token.text}")
        if kind in FOREIGN_TOKENS or bare_list or token.text.upper() not in spellings:
            raise _mismatch(token)
    text = " ".join(word.replace(" ", "_") for word in words)
    if match := FOREIGN_PHRASE.search(text):
        raise _mismatch(tokens[min(text.count(" ", 0, match.end()), len(tokens) - 1)])
    joins = words.count("JOIN") - words.count("CROSS")
    if words.count("WHEN") != words.count("THEN"):
        raise QueryError("SYNTAX_ERROR", "mismatched input: CASE needs a THEN for each WHEN")
    if joins != words.count("ON") + words.count("USING"):
        raise QueryError(
            "SYNTAX_ERROR", "mismatched input: each JOIN but CROSS JOIN needs ON or USING"
        )


def _mismatch(token: Any) -> QueryError:
    position = f"line {token.line}:{token.col}"
    return QueryError("SYNTAX_ERROR", f"{position}: mismatched input '{token.text}'")


BINARY = (
    exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.And, exp.Or, exp.Dot, exp.Is,
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Div, exp.DPipe, exp.Extract, exp.Filter,
)  # fmt: skip
UNARY = (
    exp.Not, exp.Neg, exp.Paren, exp.Exists,
    exp.From, exp.Where, exp.Having, exp.Var, exp.CurrentDate, exp.CurrentTimestamp,
    exp.Localtimestamp, exp.Boolean, exp.Placeholder, exp.DataTypeParam,
)  # fmt: skip
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
    exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift,
    exp.BitwiseRightShift, exp.IntDiv, exp.SimilarTo, exp.Glob, exp.PropertyEQ, exp.Kwarg,
    exp.Struct, exp.Concat, exp.Collate, exp.StrToDate, exp.Into, exp.Aliases, exp.National,
)  # fmt: skip
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
        read_names = {*READ[type(node)].split(), *CONSTANTS.get(type(node), "").split()}
        for name, value in node.args.items():
            is_given = value not in (None, False, []) or (
                # GROUP BY DISTINCT and AS NOT MATERIALIZED set False.
                value is False
                and isinstance(node, exp.Group | exp.CTE)
                and name in ("all", "materialized")
            )
            if is_given and name not in read_names:
                construct = f"{name.rstrip('_').upper()} of {type(node).__name__}"
                raise not_supported(f"{construct} ({_text(node)})", node)


def _text(node: exp.Expr) -> str:
    return node.sql("trino")[:80]
