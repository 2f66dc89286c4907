"""Clients that must work against the local Athena as against AWS: PyAthena and Airflow's hook."""

from __future__ import annotations

from datetime import datetime

import pyathena
import pytest
from pyathena.pandas.cursor import PandasCursor
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

QUERY = (
    "select 1 as n, 'x' as t, 1.5e0 as d, true as b, "
    "timestamp '2026-11-20 05:00:00' as at, cast(null as varchar) as z"
)


@pytest.fixture
def connection(athena: AthenaClient, local_aws: LocalAwsProcess) -> pyathena.connection.Connection:
    return pyathena.connect(
        s3_staging_dir=athena.output,
        schema_name=athena.database,
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        endpoint_url=local_aws.endpoint,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        poll_interval=0.02,
    )


def test_pyathena_reads_typed_rows(connection: pyathena.connection.Connection) -> None:
    cursor = connection.cursor().execute(QUERY)
    assert cursor.fetchall() == [(1, "x", 1.5, True, datetime(2026, 11, 20, 5), None)]
    assert [column[:2] for column in cursor.description][:2] == [("n", "integer"), ("t", "varchar")]


def test_pyathena_binds_parameters(connection: pyathena.connection.Connection) -> None:
    sql = "select x from unnest(array['a', 'b']) as t(x) where x = {} or x = {}"
    qmark = connection.cursor().execute(sql.format("?", "?"), ["'a'", "'c'"], paramstyle="qmark")
    assert qmark.fetchall() == [("a",)]
    pyformat = connection.cursor().execute(sql.format("%(p)s", "%(q)s"), {"p": "b", "q": "it's"})
    assert pyformat.fetchall() == [("b",)]


def test_pyathena_raises_the_engines_error(connection: pyathena.connection.Connection) -> None:
    with pytest.raises(pyathena.error.OperationalError, match="TABLE_NOT_FOUND: line 1:15"):
        connection.cursor().execute("select * from nope")


def test_pyathena_many_rows(connection: pyathena.connection.Connection) -> None:
    cursor = connection.cursor().execute("select x from unnest(sequence(1, 1234)) as t(x)")
    assert sum(row[0] for row in cursor.fetchall()) == 1234 * 1235 // 2


def test_pyathena_reads_what_show_and_describe_answer(
    connection: pyathena.connection.Connection,
) -> None:
    """As with AWS, a line is one value, though DESCRIBE names three columns."""
    connection.cursor().execute("create or replace view described as select 1 as n")
    (line,) = connection.cursor().execute("describe described").fetchall()
    assert [cell.strip() for cell in line[0].split("\t")] == ["n", "int", ""]
    assert ("described",) in connection.cursor().execute("show tables").fetchall()


def test_pyathena_pandas_cursor(
    connection: pyathena.connection.Connection,
    local_aws: LocalAwsProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It reads the result file with an S3 client that is not told endpoint_url.
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    frame = connection.cursor(PandasCursor).execute(QUERY).as_pandas()
    assert frame.loc[0, ["n", "t", "d", "b"]].tolist() == [1, "x", 1.5, True]
    assert frame.loc[0, "at"] == datetime(2026, 11, 20, 5)
    assert frame["z"].isna().all()


def test_airflows_athena_hook_reads_results(
    athena: AthenaClient, local_aws: LocalAwsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = pytest.importorskip("airflow.providers.amazon.aws.hooks.athena")
    host = local_aws.endpoint.replace(":", "%3A").replace("/", "%2F")
    monkeypatch.setenv(
        "AIRFLOW_CONN_LOCAL_AWS", f"aws://test:test@/?endpoint_url={host}&region_name=us-east-1"
    )
    hook = hooks.AthenaHook(aws_conn_id="local_aws")
    query_id = hook.run_query(
        "select 41 + 1 as n",
        {"Database": athena.database},
        {"OutputLocation": athena.output},
    )
    assert hook.poll_query_status(query_id, max_polling_attempts=1000, sleep_time=0) == "SUCCEEDED"
    rows = hook.get_query_results(query_id)["ResultSet"]["Rows"]
    assert rows[1]["Data"] == [{"VarCharValue": "42"}]
    failed = hook.run_query("select nope", {}, {"OutputLocation": athena.output})
    assert hook.poll_query_status(failed, max_polling_attempts=1000, sleep_time=0) == "FAILED"
    assert "COLUMN_NOT_FOUND" in hook.get_state_change_reason(failed)
