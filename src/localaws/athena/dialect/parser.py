"""Trino's grammar, read by sqlglot, with every function call left under the name it was given.

sqlglot folds functions of many dialects into common node classes; here the name alone decides, so
that a function outside our own table can be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser

from localaws.athena.errors import QueryError

SPECIAL_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING")
FOREIGN_TOKENS = (TokenType.DCOLON, TokenType.ILIKE, TokenType.QUALIFY, TokenType.RLIKE)


class AthenaSql(Trino):
    """Trino without sqlglot's knowledge of functions."""

    INDEX_OFFSET = 0  # leave ``x[1]`` as it is written

    class Parser(TrinoParser):
        """Parses each call into ``exp.Anonymous``; keeps only calls that have their own syntax."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
            name: parse
            for name, parse in TrinoParser.FUNCTION_PARSERS.items()
            if name in SPECIAL_SYNTAX
        }


BEFORE_SUBSCRIPT = (
    TokenType.VAR,
    TokenType.IDENTIFIER,
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.ARRAY,
)


def parse_query(sql: str) -> exp.Expr:
    """Parse one SELECT, WITH, VALUES or parenthesised query. Raises QueryError (SYNTAX_ERROR)."""
    statements = _guarded(sqlglot.parse, sql)
    if len(statements) != 1 or statements[0] is None:
        raise QueryError("SYNTAX_ERROR", "Only one sql statement is allowed")
    tree: exp.Expr = statements[0]
    return tree


def parse_expression(sql: str) -> exp.Expr:
    """Parse one expression, such as an execution parameter. Raises QueryError (SYNTAX_ERROR)."""
    tree: exp.Expr = _guarded(sqlglot.parse_one, f"SELECT {sql}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise QueryError("SYNTAX_ERROR", f"Not a single expression: {sql}")
    expression: exp.Expr = tree.expressions[0]
    return expression


def _guarded(parse: Callable[..., Any], sql: str) -> Any:
    """Parse; refuse syntax that sqlglot accepts but Trino does not."""
    try:
        _check_tokens(sqlglot.tokenize(sql, read=AthenaSql))
        return parse(sql, read=AthenaSql)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        place = f"line {found['line']}:{found['col']}: " if found.get("line") else ""
        raise QueryError("SYNTAX_ERROR", place + (found.get("description") or str(error))) from None
    except TokenError as error:
        raise QueryError("SYNTAX_ERROR", str(error)) from None


def _check_tokens(tokens: list[Any]) -> None:
    """Refuse operators of other dialects, and ``[1, 2]`` where Trino writes ``ARRAY[1, 2]``."""
    before = None
    for token in tokens:
        kind = token.token_type
        bare_list = kind == TokenType.L_BRACKET and before not in BEFORE_SUBSCRIPT
        if kind in FOREIGN_TOKENS or bare_list:
            place = f"line {token.line}:{token.col}"
            raise QueryError("SYNTAX_ERROR", f"{place}: mismatched input '{token.text}'")
        before = kind
