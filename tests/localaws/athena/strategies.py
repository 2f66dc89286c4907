"""Random statements over the functions and types of the views, for the comparison of engines.

Each statement reads one small table of values, whose `id` is unique. Doubles in it are multiples of
1/4, so that their sums do not depend on the order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

COLUMNS = {
    "id": "bigint",
    "n": "bigint",
    "d": "double",
    "s": "varchar",
    "g": "varchar",
    "b": "boolean",
    "day": "date",
    "at": "timestamp(3)",
}
TYPES = ["bigint", "double", "varchar", "boolean", "date", "timestamp(3)"]
COMPARISONS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
DATE_UNITS = UNITS[3:]
SMALL = st.integers(-9, 9)

VALUES: dict[str, st.SearchStrategy[str]] = {
    "bigint": SMALL.map(str),
    "double": st.integers(-40, 40).map(lambda quarters: f"{quarters / 4}e0"),
    "varchar": st.sampled_from(["", "a", "B", "a-b", "a-b-c", "menu=2 order=10", "é☕", " x "]).map(
        lambda text: f"'{text}'"
    ),
    "boolean": st.sampled_from(["true", "false"]),
    "date": st.dates(date(2024, 1, 1), date(2027, 12, 31)).map(lambda day: f"date '{day}'"),
    "timestamp(3)": st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(
        lambda at: f"timestamp '{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}'"
    ),
}
"""Literals by type."""


def leaves(kind: str) -> st.SearchStrategy[str]:
    """Columns, literals and NULL of a type."""
    columns = [name for name, column in COLUMNS.items() if column == kind]
    return st.sampled_from(columns) | VALUES[kind] | st.just(f"cast(null as {kind})")


@cache  # Strategies built anew for each draw make it more than ten times as slow.
def expressions(kind: str, depth: int = 2) -> st.SearchStrategy[str]:
    """Expressions of a type, over the columns of a row."""
    if not depth:
        return leaves(kind)

    def of(wanted: str) -> st.SearchStrategy[str]:
        return st.deferred(lambda: expressions(wanted, depth - 1))

    return leaves(kind) | of_any_type(kind, of) | BY_TYPE[kind](of)


Of = Callable[[str], st.SearchStrategy[str]]


def filled(template: str, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """A template with its places filled by drawn texts."""
    return st.tuples(*parts).map(lambda texts: template.format(*texts))


def of_any_type(kind: str, of: Of) -> st.SearchStrategy[str]:
    """What exists for every type."""
    return st.one_of(
        filled("coalesce({}, {})", of(kind), of(kind)),
        filled("nullif({}, {})", of(kind), of(kind)),
        filled("if({}, {}, {})", of("boolean"), of(kind), of(kind)),
        filled("if({}, {})", of("boolean"), of(kind)),
        filled("case when {} then {} when {} then {} end", *(of("boolean"), of(kind)) * 2),
        filled("case {} when {} then {} else {} end", of("bigint"), SMALL, of(kind), of(kind)),
    )


def _bigints(of: Of) -> st.SearchStrategy[str]:
    moments = ["date", "timestamp(3)"]
    between = st.sampled_from(moments).flatmap(
        lambda kind: filled(
            "date_diff('{}', {}, {})",
            st.sampled_from(DATE_UNITS if kind == "date" else UNITS),
            *(of(kind), of(kind)),
        )
    )
    return st.one_of(
        filled("({} {} {})", of("bigint"), st.sampled_from("+-*"), of("bigint")),
        filled("({} {} nullif({}, 0))", of("bigint"), st.sampled_from("/%"), of("bigint")),
        filled("(- {})", of("bigint")),
        filled("greatest({}, {})", of("bigint"), of("bigint")),
        filled("least({}, {})", of("bigint"), of("bigint")),
        filled("abs({})", of("bigint")),
        filled("length({})", of("varchar")),
        filled("strpos({}, {})", of("varchar"), VALUES["varchar"]),
        filled("cast({} as bigint)", of("double")),
        filled("try_cast(split_part({}, '=', {}) as bigint)", of("varchar"), st.integers(1, 3)),
        filled("cardinality(split({}, '-'))", of("varchar")),
        filled("reduce(array[{}, {}], 0, (x, y) -> x + y, x -> x)", of("bigint"), of("bigint")),
        filled("hour({})", of("timestamp(3)")),
        filled("day_of_week({})", of("date")),
        between,
    )


def _doubles(of: Of) -> st.SearchStrategy[str]:
    return st.one_of(
        filled("({} {} {})", of("double"), st.sampled_from("+-*"), of("double")),
        filled("({} / nullif({}, 0))", of("double"), of("double")),
        filled("({} / nullif({}, 0))", of("double"), of("bigint")),
        filled("cast({} as double)", of("bigint")),
        filled("round({}, {})", of("double"), st.integers(0, 3)),
        filled("greatest({}, {})", of("double"), of("double")),
        filled("abs({})", of("double")),
        filled("floor({})", of("double")),
    )


def _varchars(of: Of) -> st.SearchStrategy[str]:
    return st.one_of(
        filled("({} || {})", of("varchar"), of("varchar")),
        filled("split_part({}, '-', {})", of("varchar"), st.integers(1, 4)),
        filled("substr({}, {}, {})", of("varchar"), SMALL, st.integers(0, 5)),
        filled("lower({})", of("varchar")),
        filled("trim({})", of("varchar")),
        filled("replace({}, {}, {})", of("varchar"), st.just("'a'"), VALUES["varchar"]),
        filled("cast({} as varchar)", of("bigint")),
        filled("cast({} as varchar)", of("date")),
        filled("cast({} as varchar)", of("timestamp(3)")),
        filled("element_at(split({}, '-'), {})", of("varchar"), st.integers(1, 3)),
    )


def _booleans(of: Of) -> st.SearchStrategy[str]:
    compared = st.sampled_from(TYPES).flatmap(
        lambda kind: st.one_of(
            filled("({} {} {})", of(kind), COMPARISONS, of(kind)),
            filled("({} between {} and {})", of(kind), of(kind), of(kind)),
            filled("({} in ({}, {}))", of(kind), of(kind), of(kind)),
            filled("({} not in ({}, {}))", of(kind), of(kind), of(kind)),
            filled("({} is distinct from {})", of(kind), of(kind)),
            filled("({} is {} null)", of(kind), st.sampled_from(["", "not"])),
        )
    )
    patterns = st.sampled_from(["'a%'", "'%-_'", "''", "'%☕%'", "'_-b%'"])
    return st.one_of(
        compared,
        filled("({} {} {})", of("boolean"), st.sampled_from(["and", "or"]), of("boolean")),
        filled("(not {})", of("boolean")),
        filled("({} {} like {})", of("varchar"), st.sampled_from(["", "not"]), patterns),
        filled("starts_with({}, {})", of("varchar"), VALUES["varchar"]),
    )


def _dates(of: Of) -> st.SearchStrategy[str]:
    return st.one_of(
        filled("date_add('{}', {}, {})", st.sampled_from(DATE_UNITS), SMALL, of("date")),
        filled("date_trunc('{}', {})", st.sampled_from(DATE_UNITS), of("date")),
        filled("cast({} as date)", of("timestamp(3)")),
        filled("({} + interval '{}' day)", of("date"), st.integers(0, 9)),
        filled("greatest({}, {})", of("date"), of("date")),
    )


def _timestamps(of: Of) -> st.SearchStrategy[str]:
    return st.one_of(
        filled("date_add('{}', {}, {})", st.sampled_from(UNITS), SMALL, of("timestamp(3)")),
        filled("date_trunc('{}', {})", st.sampled_from(UNITS), of("timestamp(3)")),
        filled("cast({} as timestamp(3))", of("date")),
        filled("({} - interval '{}' hour)", of("timestamp(3)"), st.integers(0, 9)),
    )


BY_TYPE: dict[str, Callable[[Of], st.SearchStrategy[str]]] = {
    "bigint": _bigints,
    "double": _doubles,
    "varchar": _varchars,
    "boolean": _booleans,
    "date": _dates,
    "timestamp(3)": _timestamps,
}
any_expression = st.sampled_from(TYPES).flatmap(expressions)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """The WITH clause of a table `t` of at most six rows."""
    rows = []
    for number in range(draw(st.integers(0, 6))):
        cells = [
            draw(VALUES[kind] | st.just("null")) if name != "id" else str(number)
            for name, kind in COLUMNS.items()
        ]
        rows.append(cells)
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in COLUMNS.items())
    rows = rows or [["null"] * len(COLUMNS)]
    values = ", ".join(f"({', '.join(cells)})" for cells in rows)
    return f"with t as (select {casts} from (values {values}) as v({', '.join(COLUMNS)})) "


def aggregates() -> st.SearchStrategy[str]:
    """Aggregate functions that do not depend on the order of rows."""
    numbers = st.sampled_from(["bigint", "double"]).flatmap(expressions)
    calls = st.one_of(
        st.just("count(*)"),
        filled("count({})", any_expression),
        filled("count(distinct {})", any_expression),
        filled("{}({})", st.sampled_from(["sum", "avg", "min", "max"]), numbers),
        filled("{}({})", st.sampled_from(["min", "max"]), any_expression),
        filled("count_if({})", expressions("boolean")),
        filled("{}({})", st.sampled_from(["bool_or", "bool_and"]), expressions("boolean")),
        filled("{}({}, id)", st.sampled_from(["min_by", "max_by"]), any_expression),
        filled("array_agg({} order by id)", any_expression),
    )
    return calls | filled("{} filter (where {})", calls, expressions("boolean"))


def windows() -> st.SearchStrategy[str]:
    """Window functions with an order that is total, or that does not matter."""
    calls = st.one_of(
        st.just("row_number()"),
        filled("{}({})", st.sampled_from(["lag", "lead", "first_value"]), any_expression),
        filled("{}({})", st.sampled_from(["sum", "count", "max"]), expressions("bigint")),
    )
    return filled("{} over (partition by {} order by id)", calls, any_expression) | filled(
        "{} over (order by {} {})",
        st.sampled_from(["rank()", "dense_rank()", "count(*)"]),
        *(any_expression, st.sampled_from(["", "desc", "nulls first", "desc nulls last"])),
    )


def listed(one: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One to three columns."""
    return st.lists(one, min_size=1, max_size=3).map(", ".join)


def statements() -> st.SearchStrategy[str]:
    """Statements whose rows have one order."""
    where = expressions("boolean")
    return st.one_of(
        filled("{}select id, {} from t order by id", tables(), listed(any_expression)),
        filled(
            "{}select id, {} from t where {} order by id", tables(), listed(leaves("date")), where
        ),
        filled("{}select id, {} from t order by id", tables(), listed(windows())),
        filled("{}select {} from t", tables(), listed(aggregates())),
        filled("{}select g, {} from t group by g order by g", tables(), listed(aggregates())),
        filled(
            "{}select g, {} from t where {} group by g having {} > 0 order by g desc",
            *(tables(), listed(aggregates()), where, st.just("count(*)")),
        ),
        filled("{}select distinct {} as x from t order by x", tables(), any_expression),
    )
