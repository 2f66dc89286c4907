"""Every argument that the parser sets on a node is read by the compiler, or refused by name."""

from __future__ import annotations

import pytest
from sqlglot import exp
from tests.support.cases import each_case

from trino_duckdb.dialect.arguments import CONSTANTS, READ, unread_arguments
from trino_duckdb.dialect.compiler import EXPRESSIONS
from trino_duckdb.dialect.parser import parse_query
from trino_duckdb.errors import QueryError

pytestmark = pytest.mark.deep

UNREAD = [
    "select x from t group by distinct rollup(x), rollup(x)",
    "select * from t pivot (sum(x) for y in (1, 2))",
    "select x from t limit 50 percent",
    "select x from t fetch first 50 percent rows only",
    "select x from t fetch first 1 row with ties",
    "select x between symmetric 2 and 1 from t",
    "with a as materialized (select 1) select * from a",
    "with a as not materialized (select 1) select * from a",
    "select cast('2026' as date format 'yyyy')",
    "select * from t left semi join u on true",
    "select * from t cross apply (select 1) u(y)",
    "select * from t tablesample bernoulli (10)",
    "select * except (x) from t",
    "select distinct on (x) x from t",
    "select sum(x) over (order by x rows between 1 preceding and current row exclude ties) from t",
    "with recursive a(n) as (select 1) select * from a",
]
FOREIGN = [
    "select x from t limit 1, 2",
    "select x from t limit 1 offset 1",
    "select x from t limit 1 union select 2",
    "select 1 == 1",
    "select 1 <=> 1",
    "select !true",
    "select 1 as 'x'",
    "select x, from t",
    "from t",
    "select case when true else 1 end",
    "select extract(year, date '2026-01-01')",
    "select interval 1 day",
    "select interval '1 day'",
    "select 5 | 3",
    "select 1 isnull",
    "select x from t cross join u on true",
    "select x from t join u",
    "select row_number() over from t",
    "select :x",
]


@each_case("kind", READ)
def test_argument_that_nobody_reads_is_noticed_on_every_node(kind: type[exp.Expr]) -> None:
    known = {*READ[kind].split(), *CONSTANTS.get(kind, "").split()}
    for name in set(kind.arg_types) - known:
        node = kind(**{name: exp.Identifier(this="x")})
        assert list(unread_arguments(node)) == [name]


@each_case("kind", READ)
def test_arguments_that_are_read_still_have_their_names_in_the_parser(
    kind: type[exp.Expr],
) -> None:
    # The parser keeps the joins of a parenthesised relation on nodes that do not declare them.
    assert set(READ[kind].split()) - {"joins"} <= set(kind.arg_types)


def test_every_compiled_expression_has_its_arguments_listed() -> None:
    assert set(EXPRESSIONS) <= set(READ)


@each_case("statement", UNREAD + FOREIGN)
def test_what_the_parser_takes_beyond_trino_is_refused(statement: str) -> None:
    with pytest.raises(QueryError, match=r"NOT_SUPPORTED|SYNTAX_ERROR"):
        parse_query(statement)


@each_case("statement", FOREIGN)
def test_syntax_that_trino_cannot_read_is_a_syntax_error(statement: str) -> None:
    with pytest.raises(QueryError, match="SYNTAX_ERROR"):
        parse_query(statement)
