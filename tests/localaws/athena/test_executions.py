"""The life of a query: states, results and their files, pages, parameters, cancelling."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess
from tests.support.localaws_thread import local_aws_in_thread

from localaws.athena.engine import THREAD_NAME

RUNAWAY = (
    "select count(*) from unnest(sequence(1, 10000)) as t(x) "
    "cross join unnest(sequence(1, 10000)) as u(y) "
    "cross join unnest(sequence(1, 10000)) as v(z) where (x * y + z) % 7 = 3"
)
DEADLINE_SECONDS = 300


def wait_for_state(athena: AthenaClient, query_id: str, state: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        execution = athena.api.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] == state:
            return
        time.sleep(0.01)
    raise TimeoutError(execution["Status"])


def test_result_has_a_header_and_typed_columns(athena: AthenaClient) -> None:
    execution = athena.succeed("select 1 as n, 'x' as t, 1.50 as d, cast(null as varchar) as z")
    results = athena.api.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    header, row = results["ResultSet"]["Rows"]
    assert [cell["VarCharValue"] for cell in header["Data"]] == ["n", "t", "d", "z"]
    assert row["Data"] == [
        {"VarCharValue": "1"},
        {"VarCharValue": "x"},
        {"VarCharValue": "1.50"},
        {},
    ]
    columns = results["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [column["Type"] for column in columns] == ["integer", "varchar", "decimal", "varchar"]
    assert (columns[2]["Precision"], columns[2]["Scale"]) == (3, 2)


def test_result_file_quotes_every_value_and_leaves_null_empty(
    athena: AthenaClient, local_aws: LocalAwsProcess
) -> None:
    execution = athena.succeed(
        "select * from (values ('a,\"b\"\nc', null, ''), ('d', 'e', null)) as t(x, y, z)"
    )
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"{athena.output}{execution['QueryExecutionId']}.csv"
    bucket, key = location.removeprefix("s3://").split("/", 1)
    body = local_aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == '"x","y","z"\n"a,""b""\nc",,""\n"d","e",\n'
    rows = athena.cells(execution["QueryExecutionId"])
    assert rows[1:] == [['a,"b"\nc', None, ""], ["d", "e", None]]


@pytest.mark.parametrize("page_size", [1000, 7])
def test_pages_hold_every_row_once(athena: AthenaClient, page_size: int) -> None:
    count = 2500 if page_size == 1000 else 50
    query = f"select x, 'a\nb' as t from unnest(sequence(1, {count})) as t(x) order by x"
    query_id = athena.succeed(query)["QueryExecutionId"]
    pages = list(
        athena.api.get_paginator("get_query_results").paginate(
            QueryExecutionId=query_id, PaginationConfig={"PageSize": page_size}
        )
    )
    sizes = [len(page["ResultSet"]["Rows"]) for page in pages]
    assert max(sizes) == page_size
    assert sum(sizes) == count + 1
    rows = athena.cells(query_id)[1:]
    assert [row[0] for row in rows] == [str(number) for number in range(1, count + 1)]


def test_failed_query_says_why(athena: AthenaClient) -> None:
    execution = athena.run("select * from nope")
    reason = f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{athena.database}.nope' does not"
    assert execution["Status"]["StateChangeReason"].startswith(reason)
    assert execution["Status"]["AthenaError"]["ErrorMessage"].startswith(reason)
    assert execution["Status"]["AthenaError"]["ErrorCategory"] == 2
    with pytest.raises(ClientError, match="Final query state: FAILED"):
        athena.api.get_query_results(QueryExecutionId=execution["QueryExecutionId"])


def test_same_token_is_the_same_query(athena: AthenaClient) -> None:
    token = uuid.uuid4().hex
    first = athena.start("select 1", ClientRequestToken=token)
    assert athena.start("select 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError, match="Idempotent"):
        athena.start("select 2", ClientRequestToken=token)


def test_parameters_take_the_place_of_question_marks(athena: AthenaClient) -> None:
    sql = "select x from unnest(array[1, 2, 3]) as t(x) where x > ? and 'a' = ? order by x"
    assert athena.rows(sql, ExecutionParameters=["1", "'a'"]) == [["2"], ["3"]]
    assert athena.reason(sql, ExecutionParameters=["1"]).startswith("INVALID_PARAMETER_USAGE")


def test_parameters_are_bound_in_the_order_of_the_text_also_in_a_with_clause(
    athena: AthenaClient,
) -> None:
    sql = "with q as (select ? as a) select a, ?, (select ?) from q where a < ? limit 1"
    assert athena.rows(sql, ExecutionParameters=["1", "2", "3", "4"]) == [["1", "2", "3"]]


def test_runaway_cross_join_is_cancelled_and_the_next_query_runs(athena: AthenaClient) -> None:
    runaways = [athena.start(RUNAWAY) for _ in range(2)]
    wait_for_state(athena, runaways[0], "RUNNING")
    for query_id in runaways:
        athena.api.stop_query_execution(QueryExecutionId=query_id)
    for query_id in runaways:
        assert athena.wait(query_id)["Status"]["State"] == "CANCELLED"
    assert athena.rows("select 1") == [["1"]]


def test_a_query_that_is_stopped_at_any_moment_leaves_its_thread(tmp_path: Path) -> None:
    session = boto3.Session("test", "test", region_name=CREDENTIALS["AWS_DEFAULT_REGION"])
    with local_aws_in_thread(tmp_path) as endpoint:
        session.client("s3", endpoint_url=endpoint).create_bucket(Bucket="results")
        api = session.client("athena", endpoint_url=endpoint)
        athena = AthenaClient(api, "default", "s3://results/")
        threads = _query_threads()
        for seconds in [0, 0, 0, 0.002, 0.02]:
            query_id = athena.start(RUNAWAY)
            wait_for_state(athena, query_id, "RUNNING")
            time.sleep(seconds)
            api.stop_query_execution(QueryExecutionId=query_id)
        # No query was given up, which starts a thread in the place of the one that it keeps.
        assert athena.rows("select 1") == [["1"]]
        assert _query_threads() == threads


def _query_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == THREAD_NAME}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No output location"),
        (
            {"ResultConfiguration": {"OutputLocation": "s3://no-such-bucket-here/x"}},
            "output bucket",
        ),
        ({"ResultConfiguration": {"OutputLocation": "http://x/y"}}, "not an s3:// URI"),
        ({"WorkGroup": "nope"}, "WorkGroup nope is not found"),
    ],
)
def test_request_that_cannot_work_is_refused_at_once(
    athena: AthenaClient, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        athena.api.start_query_execution(QueryString="select 1", **options)


def test_unknown_queries_and_operations_are_refused(athena: AthenaClient) -> None:
    with pytest.raises(ClientError, match="was not found"):
        athena.api.get_query_execution(QueryExecutionId="nope")
    with pytest.raises(ClientError, match="does not implement athena CreateNamedQuery"):
        athena.api.create_named_query(Name="n", Database="d", QueryString="select 1")
