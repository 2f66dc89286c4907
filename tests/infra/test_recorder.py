"""The recorder names the permission that each request needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.support.lakes import aws_session
from tests.support.localaws_process import CREDENTIALS
from tests.support.localaws_thread import local_aws_in_thread

OF_US = "arn:aws:{}:us-east-1:000000000000:{}"


def test_each_request_is_recorded_with_its_permission(tmp_path: Path) -> None:
    record = tmp_path / "calls.jsonl"
    workgroups = {"work": "s3://lake/results/"}
    with local_aws_in_thread(tmp_path / "aws", workgroups, record) as endpoint:
        client = partial(
            aws_session().client,
            endpoint_url=endpoint,
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )
        s3, glue, athena, secrets, sts = map(
            client, ("s3", "glue", "athena", "secretsmanager", "sts")
        )

        def recorded(call: Callable[..., Any], **members: Any) -> list[tuple[str, list[str]]]:
            before = len(record.read_text().splitlines())
            with suppress(ClientError):  # recorded like a success
                call(**members)
            lines = [json.loads(line) for line in record.read_text().splitlines()[before:]]
            assert {line["who"] for line in lines} == {"test"}
            return [(line["action"], line["resources"]) for line in lines]

        lake, odd = "arn:aws:s3:::lake", "arn:aws:s3:::lake/a key/"
        of_odd = {"Bucket": "lake", "Key": "a key/"}
        assert recorded(s3.list_buckets) == [("s3:ListAllMyBuckets", ["arn:aws:s3:::*"])]
        assert recorded(s3.create_bucket, Bucket="lake") == [("s3:CreateBucket", [lake])]
        assert recorded(s3.head_bucket, Bucket="lake") == [("s3:ListBucket", [lake])]
        assert recorded(s3.list_objects_v2, Bucket="lake") == [("s3:ListBucket", [lake])]
        assert recorded(s3.put_object, Body=b"", **of_odd) == [("s3:PutObject", [odd])]
        assert recorded(s3.put_object, Body=b"", IfNoneMatch="*", **of_odd) == [
            ("s3:PutObject", [odd])
        ]
        assert recorded(s3.delete_object, IfMatch='"0"', **of_odd) == [
            ("s3:DeleteObject", [odd]),
            ("s3:GetObject", [odd]),
        ]
        assert recorded(
            s3.delete_objects, Bucket="lake", Delete={"Objects": [{"Key": "b"}, {"Key": "a key/"}]}
        ) == [("s3:DeleteObject", [f"{lake}/b", odd])]
        assert not s3.list_objects_v2(Bucket="lake")["KeyCount"]

        catalog, database = OF_US.format("glue", "catalog"), OF_US.format("glue", "database/d")
        assert recorded(glue.create_database, DatabaseInput={"Name": "d"}) == [
            ("glue:CreateDatabase", [catalog, database])
        ]
        table = OF_US.format("glue", "table/d/{}")
        assert recorded(glue.create_table, DatabaseName="d", TableInput={"Name": "t"}) == [
            ("glue:CreateTable", [catalog, database, table.format("t")])
        ]
        assert recorded(glue.get_tables, DatabaseName="d", Expression="t") == [
            ("glue:GetTables", [catalog, database, table.format("*")])
        ]
        secret = OF_US.format("secretsmanager", "secret:keys/1")
        assert recorded(secrets.get_secret_value, SecretId="keys/1") == [
            ("secretsmanager:GetSecretValue", [secret])
        ]
        assert recorded(secrets.list_secrets) == [("secretsmanager:ListSecrets", ["*"])]
        assert recorded(sts.get_caller_identity) == [("sts:GetCallerIdentity", ["*"])]
        query = athena.start_query_execution(QueryString="select 1", WorkGroup="work")
        assert recorded(athena.get_query_execution, **of_query(query)) == [
            ("athena:GetQueryExecution", [OF_US.format("athena", "workgroup/work")])
        ]


def of_query(answer: Any) -> dict[str, str]:
    return {"QueryExecutionId": answer["QueryExecutionId"]}
