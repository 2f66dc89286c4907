"""Workgroups: where results are stored if the client does not say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.localaws_process import LocalAwsProcess

LOCATIONS = {"primary": "s3://out/primary/", "analysts": "s3://out/analysts"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of an Athena with two workgroups."""
    options = [f"--workgroup={name}={location}" for name, location in LOCATIONS.items()]
    with LocalAwsProcess(tmp_path_factory.mktemp("aws"), *options) as process:
        process.client("s3").create_bucket(Bucket="out")
        yield process.client("athena")


def started(api: Any, **options: Any) -> dict[str, Any]:
    """The record of a query that was started with some options."""
    query_id = api.start_query_execution(QueryString="select 1 as n", **options)["QueryExecutionId"]
    return dict(api.get_query_execution(QueryExecutionId=query_id)["QueryExecution"])


@pytest.mark.parametrize(
    ("options", "workgroup", "folder"),
    [
        ({}, "primary", "s3://out/primary/"),
        ({"WorkGroup": "analysts"}, "analysts", "s3://out/analysts/"),
        ({"ResultConfiguration": {"OutputLocation": "s3://out/own/"}}, "primary", "s3://out/own/"),
    ],
)
def test_a_result_is_stored_where_the_client_or_else_the_workgroup_says(
    api: Any, options: dict[str, Any], workgroup: str, folder: str
) -> None:
    execution = started(api, **options)
    location = f"{folder}{execution['QueryExecutionId']}.csv"
    assert execution["ResultConfiguration"]["OutputLocation"] == location
    assert execution["WorkGroup"] == workgroup


def test_workgroups_are_described(api: Any) -> None:
    assert [one["Name"] for one in api.list_work_groups()["WorkGroups"]] == sorted(LOCATIONS)
    for name, location in LOCATIONS.items():
        found = api.get_work_group(WorkGroup=name)["WorkGroup"]
        assert (found["Name"], found["State"]) == (name, "ENABLED")
        assert found["Configuration"]["ResultConfiguration"] == {"OutputLocation": location}
        assert found["Configuration"]["EnforceWorkGroupConfiguration"] is False


def test_an_unknown_workgroup_is_refused(api: Any) -> None:
    for ask in (
        lambda: api.get_work_group(WorkGroup="nope"),
        lambda: started(api, WorkGroup="nope"),
    ):
        with pytest.raises(ClientError, match="WorkGroup nope is not found"):
            ask()
