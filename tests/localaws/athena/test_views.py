"""Views and the statements around them: nested, replaced under readers, stored as Athena does."""

from __future__ import annotations

import base64
import json
import threading
import uuid

import pytest
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess


@pytest.fixture
def view() -> str:
    return f"v_{uuid.uuid4().hex[:10]}"


def test_view_is_stored_as_athena_stores_it(
    athena: AthenaClient, local_aws: LocalAwsProcess, view: str
) -> None:
    query = "select 1 as n, 'x' as t, array[1.5] as l, current_timestamp as at"
    execution = athena.succeed(f"create or replace view {view} as {query}")
    assert execution["StatementType"] == "DDL"
    assert execution["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    table = local_aws.client("glue").get_table(DatabaseName=athena.database, Name=view)["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"]["presto_view"] == "true"
    assert table["ViewExpandedText"] == "/* Presto View */"
    text = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    assert json.loads(base64.b64decode(text)) == {
        "originalSql": query,
        "catalog": "awsdatacatalog",
        "schema": athena.database,
        "columns": [
            {"name": "n", "type": "integer"},
            {"name": "t", "type": "varchar"},
            {"name": "l", "type": "array(decimal(2,1))"},
            {"name": "at", "type": "timestamp(6) with time zone"},
        ],
    }
    columns = {one["Name"]: one["Type"] for one in table["StorageDescriptor"]["Columns"]}
    assert columns == {"n": "int", "t": "string", "l": "array<decimal(2,1)>", "at": "timestamp"}


def test_views_nest_and_follow_what_is_under_them(athena: AthenaClient, view: str) -> None:
    athena.succeed(f"create view {view} as select 1 as n, 'a' as t")
    athena.succeed(f"create view {view}_2 as select n + 1 as n from {athena.database}.{view}")
    athena.succeed(
        f"create view {view}_3 as with both as (select n from {view}_2 union all "
        f"select n from {view}) select sum(n) as total from both"
    )
    assert athena.rows(f"select a.total, b.n from {view}_3 a cross join {view}_2 b") == [["3", "2"]]
    athena.succeed(f"create or replace view {view} as select 10 as n, 'b' as t")
    assert athena.rows(f"select total from {view}_3") == [["21"]]
    athena.succeed(f"create or replace view {view} as select 'x' as n, 'b' as t")
    assert "VIEW_IS_STALE" in athena.reason(f"select * from {view}_2") or "TYPE_MISMATCH" in (
        athena.reason(f"select * from {view}_2")
    )


def test_view_replaced_under_running_readers_is_old_or_new(athena: AthenaClient, view: str) -> None:
    body = "select x, {} as version from unnest(sequence(1, 200)) as t(x)"
    athena.succeed(f"create view {view} as {body.format(0)}")
    athena.succeed(f"create view {view}_top as select version, count(*) n from {view} group by 1")
    answers: list[list[list[str | None]]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            answers.append(
                athena.rows(
                    f"select a.version, b.version, a.n from {view}_top a cross join {view}_top b"
                )
            )

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 8):
        athena.succeed(f"create or replace view {view} as {body.format(version)}")
    stop.set()
    for reader in readers:
        reader.join()
    assert answers
    assert all(row[0] == row[1] and row[2] == "200" for [row] in answers)


def test_view_errors_name_the_view_and_the_place(athena: AthenaClient, view: str) -> None:
    athena.succeed(f"create view {view} as select 1 as n")
    athena.succeed(f"create view {view}_top as select n from {view}")
    assert athena.reason(f"create view {view} as select 2 as n").startswith("ALREADY_EXISTS")
    assert athena.reason(f"create or replace view {view} as\nselect zz as n").startswith(
        "COLUMN_NOT_FOUND: line 2:8: Column 'zz'"
    )
    assert athena.reason(f"create view {view}_b as select 1").startswith("MISSING_COLUMN_NAME")
    assert athena.reason(f"create view {view}_b as select 1 as a, 2 as a").startswith(
        "DUPLICATE_COLUMN_NAME"
    )
    assert athena.reason(f"create view nowhere.{view} as select 1 as a").startswith(
        "SCHEMA_NOT_FOUND"
    )
    athena.succeed(f"drop view {view}")
    reason = athena.reason(f"select * from {view}_top")
    assert reason.startswith("INVALID_VIEW: line 1:15: Failed analyzing stored view")
    assert f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{athena.database}.{view}'" in reason
    assert athena.reason(f"drop view {view}").startswith("TABLE_NOT_FOUND")
    athena.succeed(f"drop view if exists {view}")


def test_view_that_reads_itself_is_refused(athena: AthenaClient, view: str) -> None:
    athena.succeed(f"create view {view} as select 1 as n")
    athena.succeed(f"create or replace view {view}_b as select n from {view}")
    athena.succeed(f"create or replace view {view} as select n from {view}_b")
    assert "VIEW_IS_RECURSIVE" in athena.reason(f"select * from {view}")


def test_show_and_describe(athena: AthenaClient, view: str) -> None:
    athena.succeed(f"create view {view} as\nselect 1 as n,\n  'x' as t")
    assert view in athena.lines("show tables")
    assert view in athena.lines(f"SHOW TABLES IN {athena.database};")
    assert [line.strip() for line in athena.lines(f"show columns in {view}")] == ["n", "t"]
    described = [line.split("\t") for line in athena.lines(f"describe {view}")]
    assert [[cell.strip() for cell in cells] for cells in described] == [
        ["n", "int", ""],
        ["t", "string", ""],
    ]
    assert athena.reason(f"describe {view}_nope").startswith("TABLE_NOT_FOUND")


def test_other_statements_are_refused_by_their_first_words(athena: AthenaClient) -> None:
    for statement in ("show databases", "show views", "show create view v", "explain select 1"):
        reason = athena.reason(statement)
        words = " ".join(statement.upper().split()[:2])
        assert reason.startswith(
            f"NOT_SUPPORTED: The local Athena has no statement {words}; AWS may have"
        )


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select * from information_schema.columns", "information_schema"),
        ('select "$path" from {view}', '"$path"'),
        ('select {view}."$partition" from {view}', '"$partition"'),
        ('select * from "{view}$snapshots"', "$snapshots"),
    ],
)
def test_system_tables_and_hidden_columns_are_refused_by_name(
    athena: AthenaClient, view: str, sql: str, name: str
) -> None:
    athena.succeed(f"create view {view} as select 1 as n")
    reason = athena.reason(sql.format(view=view))
    assert reason.startswith("NOT_SUPPORTED: ")
    assert name in reason


@pytest.mark.parametrize(
    "statement",
    [
        'create table "d"."t"\nwith(\n    format = \'PARQUET\')\nas select 1 as n',
        "unload (select 1 as n) to 's3://b/k/' with (format = 'PARQUET')",
    ],
)
def test_a_statement_that_a_client_builds_is_refused_with_the_clients_setting(
    athena: AthenaClient, statement: str
) -> None:
    assert athena.reason(statement).endswith("with awswrangler, set ctas_approach=False")
