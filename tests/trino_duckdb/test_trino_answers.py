"""Answers that a real Trino 476 gave to some statements, and names of what is refused.

``trino_answers.csv`` is a part of the corpus of ``test_trino_corpus.py``: statements that are
answered here, with Trino's rows, and statements that Trino refuses, with the name of its error.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from tests.support.cases import each_case
from tests.trino_duckdb.engine import LocalEngine
from tests.trino_duckdb.test_trino_corpus import same_rows

from trino_duckdb.calls import AGGREGATES, FUNCTIONS, WINDOWS

with (Path(__file__).with_name("trino_answers.csv")).open(encoding="utf-8", newline="") as file:
    RECORDED = {row["statement"]: row for row in csv.DictReader(file)}
ANSWERED = {sql: json.loads(row["rows"]) for sql, row in RECORDED.items() if row["rows"]}
REFUSED_BY_TRINO = [sql for sql, row in RECORDED.items() if row["error"]]

LIKE_TRINO = {
    "select 1/0": "DIVISION_BY_ZERO: Division by zero",
    "select 5 % 0": "DIVISION_BY_ZERO",
    "select cast('x' as integer)": "INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT",
    "select cast('1.5' as bigint)": "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to BIGINT",
    "select array[1, 2][5]": "INVALID_FUNCTION_ARGUMENT: Array subscript",
    "select map(array['a'], array[1])['b']": "INVALID_FUNCTION_ARGUMENT: Key not present in map",
    "select element_at(array[1], 0)": "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1",
    "select 2147483647 + 1": "NUMERIC_VALUE_OUT_OF_RANGE",
    "select (select x from (values 1, 2) as t(x))": "SUBQUERY_MULTIPLE_ROWS",
    "select zz from (values 1) as t(x)": "COLUMN_NOT_FOUND: line 1:8: Column 'zz' cannot be",
    "select\n  x,\n  zz from (values 1) as t(x)": "COLUMN_NOT_FOUND: line 3:3: Column 'zz'",
    "select * from nope": "TABLE_NOT_FOUND: line 1:15: Table",
    "select x from (values 1) as t(x), (values 2) as u(x)": "AMBIGUOUS_NAME: line 1:8",
    "select 1 as a, a + 1": "COLUMN_NOT_FOUND: line 1:16",
    "select x + 1 as y from (values 1) as t(x) where y > 1": "COLUMN_NOT_FOUND: line 1:49",
    "select lower(x) as y, count(*) from (values 'a') as t(x) group by y": "COLUMN_NOT_FOUND",
    "select x, count(*) from (values 1) as t(x)": "EXPRESSION_NOT_AGGREGATE",
    "selec 1": "SYNTAX_ERROR",
    "select 1; select 2": "SYNTAX_ERROR",
    "select 1::varchar": "SYNTAX_ERROR: line 1:",
    "select '1' = 1": "TYPE_MISMATCH",
    "select date '2026-01-01' + 1": "TYPE_MISMATCH",
    "select coalesce(1, 'a')": "TYPE_MISMATCH",
    "select 1 union all select 'a'": "TYPE_MISMATCH: column",
    "select date '2026-01-01' + interval '1' hour": "INVALID_FUNCTION_ARGUMENT",
    "select read_csv('/etc/passwd')": "FUNCTION_NOT_FOUND",
    "select trino_kind(1)": "FUNCTION_NOT_FOUND",
    "select as_bigint(1)": "FUNCTION_NOT_FOUND",
    "select ?": "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 1 but found 0",
}
BY_NAME = {
    "select url_extract_fragment('a')": "has no url_extract_fragment;",
    "select json_extract_scalar('{}', '$.a')": "has no json_extract_scalar;",
    "select reverse('a')": "has no reverse;",
    "select percent_rank() over (order by x) from (values 1) t(x)": "has no percent_rank;",
    "select max(x, 2) from (values 1) t(x)": "has no max of 2 arguments;",
    "select sequence(date '2026-01-31', date '2026-05-31')": "has no sequence of these types;",
    "select approx_percentile(x, 0.5) from (values 1.5) t(x)": "decimals;",
    "select cast(1 as real)": "has no cast to real",
    "select cast(1 as json)": "has no cast to json",
    "select array[1, null] = array[1, 2]": "TYPE_MISMATCH",
    "select nullif(array[1], array[1])": "TYPE_MISMATCH",
    "select max(x) from (values array[1]) t(x)": "TYPE_MISMATCH",
    "select * from unnest(array[row(1, 2)]) t(x, y)": "row",
    "select x from (values 1) t(x) fetch first 1 row only": "Fetch",
    "select * from (values 1) t(x) cross join lateral (select x + 1) u(y)": "Lateral",
    "select count(*) from (values 1) t(x) group by rollup(x)": "Rollup",
    "select count(*) from (values 1) t(x) group by grouping sets ((x), ())": "GroupingSets",
    "select try(1)": "has no try;",
    "select 1.5 / 2": "has no division of decimals;",
    "select avg(1.5)": "has no sum or average of decimals;",
    "select round(1.5)": "has no round of decimals;",
    "select cast(1.5e0 as varchar)": "has no text of doubles;",
    "select lower(1)": "has no lower of these types;",
    "select date_diff('month', date '2026-01-01', date '2026-02-01')": "of the unit month",
    "select regexp_like('a', '(?i)A')": r"the regular expression \(\?i\)A|expression",
    "select interval '1' day": "has no results of the type INTERVAL",
    "select * from (values 1) as t(x) join (values 1) as u(x) using (x)": "has no JOIN USING;",
    "select timestamp '2026-01-01 00:00:00 Europe/Paris'": "has no literal timestamp",
    "select x from (values 1) as t(x) limit 50 percent": "SYNTAX_ERROR",
    "select * from (values 1) as t(x) tablesample bernoulli (10)": "SAMPLE",
    "with recursive t(n) as (select 1) select * from t": "RECURSIVE",
    "select x between symmetric 2 and 1 from (values 1) as t(x)": "SYMMETRIC",
    "select * from (values 1) as t(x) left semi join (values 1) as u(y) on true": "SEMI|mismatched",
    'select "$path" from (values 1) as t(x)': "hidden column",
}


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine()


def test_answers_are_those_of_trino(engine: LocalEngine) -> None:
    answers = {sql: engine.ask(sql) for sql in ANSWERED}
    wrong = {
        sql: (answer.error or answer.rows)
        for sql, answer in answers.items()
        if answer.error or not same_rows(sql, ANSWERED[sql], answer.rows)
    }
    assert wrong == {}


def test_what_trino_refuses_is_refused(engine: LocalEngine) -> None:
    assert [sql for sql in REFUSED_BY_TRINO if not engine.ask(sql).error] == []


@each_case("statement", LIKE_TRINO)
def test_an_error_has_the_name_that_trino_gives(engine: LocalEngine, statement: str) -> None:
    assert engine.ask(statement).error.startswith(LIKE_TRINO[statement])


@each_case("statement", BY_NAME)
def test_what_the_local_athena_lacks_is_refused_by_name(
    engine: LocalEngine, statement: str
) -> None:
    assert re.search(BY_NAME[statement], engine.ask(statement).error)


def test_headings_keep_the_case_of_the_statement(engine: LocalEngine) -> None:
    answer = engine.ask('select *, foo, 1 as "A b", s.BAR from (select 1 as Foo, 2 as bar) as s')
    assert answer.names == ["Foo", "bar", "foo", "A b", "BAR"]
    assert engine.ask("select 1, 2 as b, 3").names == ["_col0", "b", "_col2"]


def test_the_page_lists_the_functions() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trino.md").read_text(encoding="utf-8")
    rows = page[page.index("| functions of |") :].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", rows)) == {*AGGREGATES, *WINDOWS, *FUNCTIONS}
