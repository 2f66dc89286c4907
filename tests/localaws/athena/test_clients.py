"""PyAthena works with the local Athena as with AWS."""

from __future__ import annotations

from datetime import datetime

import pyathena
import pytest
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


def test_pyathena_reads_what_show_and_describe_answer(
    connection: pyathena.connection.Connection,
) -> None:
    """As with AWS, a line is one value, though DESCRIBE names three columns."""
    connection.cursor().execute("create or replace view described as select 1 as n")
    (line,) = connection.cursor().execute("describe described").fetchall()
    assert [cell.strip() for cell in line[0].split("\t")] == ["n", "int", ""]
    assert ("described",) in connection.cursor().execute("show tables").fetchall()
