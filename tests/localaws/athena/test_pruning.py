"""Files are left out by conditions on views and subqueries, and the answer stays the same.

The property: a condition that can leave out files gives the rows of one that cannot, for random
queries of projections, groups, windows, joins, unions, limits and WITH queries.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite
from tests.localaws.athena.client import AthenaClient
from tests.localaws.athena.test_iceberg import catalog, scanned  # noqa: F401, a fixture by its name

START = datetime(2026, 11, 20)
DAYS = 6
ROWS_A_FILE = 3
COLUMNS = "day, late, at, visitor, n"
DATES = st.integers(-1, DAYS).map(lambda day: (START + timedelta(day)).date())


@pytest.fixture(scope="module")
def table(catalog, athena: AthenaClient) -> str:  # noqa: F811
    """A file for each day: `late` is the day or the next, `at` a moment of the day or before it."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    rows = [
        {
            "day": (START + timedelta(day)).date(),
            "late": (START + timedelta(day + row % 2)).date(),
            "at": START + timedelta(days=day, hours=12 * (row - 1)),
            "visitor": f"v{(day + row) % 3}",
            "n": row,
        }
        for day in range(DAYS)
        for row in range(ROWS_A_FILE)
    ]
    rows += [dict.fromkeys(rows[0])] * ROWS_A_FILE
    kinds = [pa.date32(), pa.date32(), pa.timestamp("us"), pa.string(), pa.int64()]
    schema = pa.schema(list(zip(rows[0], kinds, strict=True)))
    bucket = athena.output.split("/")[2]
    made = catalog.create_table((athena.database, name), schema, f"s3://{bucket}/tables/{name}")
    for place in range(0, len(rows), ROWS_A_FILE):
        made.append(pa.Table.from_pylist(rows[place : place + ROWS_A_FILE], schema))
    return name


@composite
def queries(draw: DrawFn, depth: int = 3) -> str:
    """A query over the table with the columns COLUMNS; {t} is the table's name."""
    if depth == 0:
        return f"select {COLUMNS} from {{t}}"
    inner = draw(queries(depth=depth - 1))
    other = draw(queries(depth=draw(st.integers(0, 1))))
    return draw(st.sampled_from(layers(inner, other, draw(DATES))))


def layers(inner: str, other: str, day: date) -> list[str]:
    order = f"order by {COLUMNS}"
    of_a = "a.day, a.late, b.at, a.visitor, b.n"
    return [
        f"select {COLUMNS} from ({inner}) as r where n > 0",
        f"select distinct {COLUMNS} from ({inner}) as r",
        f"select late as day, day as late, at, visitor, n from ({inner}) as r",
        f"select cast(at as date) as day, late, at, visitor, n from ({inner}) as r",
        f"select day, date_add('day', 1, late) as late, at, visitor, n from ({inner}) as r",
        f"select {COLUMNS} from ({inner}) as r where late between day and date_add('day', 1, day)",
        f"select {COLUMNS} from ({inner}) as r where cast(at as date) = day",
        "select day, max(late) as late, max(at) as at, visitor, sum(n) as n"
        f" from ({inner}) as r group by day, visitor",
        "select cast(at as date) as day, late, at, min(visitor) as visitor, count(*) as n"
        f" from ({inner}) as r group by late, at, 1 having count(*) > 0",
        *(
            "select day, late, at, visitor, row_number() over"
            f" (partition by {keys} {order}) as n from ({inner}) as r"
            for keys in ("visitor", "day", "late, visitor", "cast(at as date)")
        ),
        "select day, late, at, visitor, sum(n) over w + count(*) over (partition by day) as n"
        f" from ({inner}) as r window w as (partition by day, late)",
        f"select {COLUMNS} from ({inner}) as r {order} limit 7",
        f"({inner}) union all ({other})",
        f"select {COLUMNS} from ({inner}) as r except select {COLUMNS} from ({other}) as s",
        *(
            f"select {of_a} from ({inner}) as a {kind} join ({other}) as b on {condition}"
            for kind in ("inner", "left", "full")
            for condition in (
                "a.visitor = b.visitor and a.day = b.day",
                "a.at = b.at",
                "b.day between a.day - interval '1' day and a.late",
                "a.late between date_add('day', -1, b.day) and b.day and a.n <= b.n",
                f"a.visitor = b.visitor and b.day >= date '{day}'",
            )
        ),
        f"select a.day, late, at, visitor, n from ({inner}) as a inner join"
        f" (select distinct day from ({other}) as s) as b on a.day = b.day",
        f"with w as ({inner}) select a.day, a.late, a.at, b.visitor, a.n from w as a left join"
        f" (select * from w where day = date '{day}') as b on a.visitor = b.visitor",
        f"with w as ({inner}) select {COLUMNS} from w union all select {COLUMNS} from w"
        f" where late < date '{day}'",
    ]


@composite
def conditions(draw: DrawFn) -> str:
    """A condition on a date or a timestamp of a query."""
    column = draw(st.sampled_from(["day", "late", "at", "cast(at as date)"]))
    first, second = sorted([draw(DATES), draw(DATES)])
    moment = f"timestamp '{first} 12:00:00'" if column == "at" else f"date '{first}'"
    return draw(
        st.sampled_from(
            [
                *(f"{column} {sign} {moment}" for sign in ("=", "=", "<", "<=", ">", ">=")),
                f"date '{first}' - interval '1' day <= {column}",
                f"{column} between date '{first}' and date '{second}'",
                f"{column} in (date '{first}', date '{second}')",
            ]
        )
    )


@given(query=queries(), condition=conditions())
def test_leaving_out_files_changes_no_answer(
    athena: AthenaClient, table: str, query: str, condition: str
) -> None:
    asked = f"select {COLUMNS} from ({query.format(t=table)}) as q where"
    everything = athena.rows(f"{asked} coalesce({condition}, false)")
    some = athena.rows(f"{asked} {condition}")
    assert Counter(map(tuple, some)) == Counter(map(tuple, everything))


BOTH = "select a.day, a.n, b.day as other, b.n as m from {a} as a inner join {b} as b on"
NEAR = (
    "select * from (select day, max(late) as late from {t} group by day, visitor) as r"
    " where late between day and date_add('day', 1, day)"
)
ALL = DAYS + 1
READS = {
    "a view's date": ("select * from {v}", "day = date '2026-11-22'", 1),
    "the date of a group": (
        "select cast(at as date) as d, count(*) as n from {t} group by at",
        "d = date '2026-11-22'",
        ALL,
    ),
    "a key of every window": (
        "select day, row_number() over (partition by day, visitor order by n) as n from {t}",
        "day between date '2026-11-22' and date '2026-11-23'",
        2,
    ),
    "no key of one window": (
        "select day, row_number() over (partition by visitor order by n) as n from {t}",
        "day = date '2026-11-22'",
        ALL,
    ),
    "a limit": ("select * from {t} limit 3", "day = date '2026-11-22'", ALL),
    "both sides of a join": (
        BOTH.format(a="{t}", b="{t}") + " a.day = b.day",
        "day = date '2026-11-22'",
        1 + 1,
    ),
    "days around a join": (
        BOTH.format(a="{t}", b="{t}")
        + " b.day between a.day - interval '1' day and date_add('day', 1, a.day)",
        "day = date '2026-11-22'",
        1 + ALL,
    ),
    "one mention of a view and not the other": (
        BOTH.format(a="{v}", b="{v}") + " a.n = b.n",
        "day = date '2026-11-22'",
        1 + ALL,
    ),
    "a column near another": (NEAR, "late = date '2026-11-22'", ALL),
}


@pytest.mark.parametrize(("query", "condition", "files"), READS.values(), ids=READS)
def test_a_condition_reads_as_many_files(
    athena: AthenaClient, table: str, query: str, condition: str, files: int
) -> None:
    """Files are nearly equally large in each column, so bytes count files."""
    athena.succeed(f"create or replace view {table}_v as select day, visitor, n from {table}")
    asked = query.format(t=table, v=f"{table}_v")
    whole = scanned(athena.succeed(f"select * from ({asked}) as q"))
    some = scanned(athena.succeed(f"select * from ({asked}) as q where {condition}"))
    assert round(some / whole * asked.count(table) * ALL) == files
