"""Functions, types and clauses that work on AWS and not on the local Athena are refused by name."""

from __future__ import annotations

import pytest
from tests.support.cases import each_case
from tests.trino_duckdb.engine import LocalEngine

pytestmark = pytest.mark.deep

REFUSED = {
    "select reverse('a')": "Function 'reverse'",
    "select any_match(array[1], x -> x = 1)": "Function 'any_match'",
    "select percent_rank() over (order by x) from (values 1) t(x)": "Function 'percent_rank'",
    "select corr(x, x) filter (where x > 1) from (values 1e0) t(x)": "Function 'corr'",
    "select array_sort(array[1], (a, b) -> 0)": "array_sort with a lambda",
    "select max(x, 2) from (values 1) t(x)": "function max ",
    "select from_unixtime(0, 'Europe/Berlin')": "function from_unixtime ",
    "select sequence(date '2026-01-31', date '2026-05-31', interval '1' month)": "sequence",
    "select approx_percentile(x, 0.5) from (values 1.5) t(x)": "approx_percentile of decimals",
    "select cast(1 as real)": "the type real",
    "select cast('a' as varbinary)": "the type varbinary",
    "select cast(json_extract('[1]', '$') as array(integer))": "casts of json",
    "select cast(1 as json)": "casts of json",
    "select interval '1' day * 2": "intervals",
    "select array[1, null] = array[1, 2]": "a comparison or an order of array(integer)",
    "select row(1, 2) in (row(1, 2))": "a comparison or an order of row(integer, integer)",
    "select nullif(array[1], array[1])": "a comparison or an order of array(integer)",
    "select greatest(array[1], array[2])": "greatest of array(integer)",
    "select x from (values array[1]) t(x) order by x": "a comparison or an order of array(integer)",
    "select max(x) from (values array[1]) t(x)": "function max ",
    "values row(1, 2)": "type row in VALUES",
    "select * from unnest(array[row(1, 2)]) t(x, y)": "UNNEST of rows",
    "select 1 > all (values 1, 2)": "Function 'all'",
    "select x from (values 1) t(x) fetch first 1 row only": "Fetch",
    "select * from (values 1) t(x) cross join lateral (select x + 1) u(y)": "Lateral",
    "select count(*) from (values 1) t(x) group by rollup(x)": "Rollup",
    "select count(*) from (values 1) t(x) group by grouping sets ((x), ())": "GroupingSets",
    "select listagg(x, ',') within group (order by x) from (values 'a') t(x)": "LISTAGG",
}


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine()


@each_case("statement", REFUSED)
def test_a_limit_of_the_local_athena_is_named(engine: LocalEngine, statement: str) -> None:
    error = engine.ask(statement).error
    assert REFUSED[statement] in error
    assert "it may work on AWS" in error
