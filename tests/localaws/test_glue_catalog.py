from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support.aws_errors import error_code, refused


@pytest.fixture(scope="module")
def glue(local_aws: Any) -> Any:
    return local_aws.client("glue")


@pytest.fixture
def database(glue: Any) -> str:
    name = f"db_{uuid.uuid4().hex[:12]}"
    glue.create_database(DatabaseInput={"Name": name, "Description": "tests"})
    return name


def table(name: str, **more: Any) -> dict[str, Any]:
    columns = [{"Name": "Hit", "Type": "bigint", "Comment": "a ☕"}]
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {"Columns": columns, "Location": "s3://b/t"},
        "Parameters": {"table_type": "ICEBERG"},
    } | more


class TestDatabases:
    def test_life_of_a_database(self, glue: Any) -> None:
        name = f"Life_{uuid.uuid4().hex[:8]}"
        glue.create_database(DatabaseInput={"Name": name, "LocationUri": "s3://b/"})
        got = glue.get_database(Name=name.upper())["Database"]
        assert (got["Name"], got["LocationUri"]) == (name.lower(), "s3://b/")
        with refused("AlreadyExistsException", 400):
            glue.create_database(DatabaseInput={"Name": name})
        glue.create_table(DatabaseName=name, TableInput=table("t"))
        glue.delete_database(Name=name)
        with refused("EntityNotFoundException", 400):
            glue.get_database(Name=name)
        glue.create_database(DatabaseInput={"Name": name})
        assert glue.get_tables(DatabaseName=name)["TableList"] == []

    def test_absent_databases_and_tables_are_refused_by_name(self, glue: Any) -> None:
        for call in (
            lambda: glue.get_tables(DatabaseName="absent"),
            lambda: glue.create_table(DatabaseName="absent", TableInput=table("t")),
            lambda: glue.delete_database(Name="absent"),
        ):
            with refused("EntityNotFoundException", 400) as refusal:
                call()
            assert refusal.message == "Database absent not found."


class TestTables:
    def test_what_goes_in_comes_out(self, glue: Any, database: str) -> None:
        given = table("Hits", Description="x", Owner="me", Retention=3)
        glue.create_table(DatabaseName=database, TableInput=given)
        got = glue.get_table(DatabaseName=database, Name="HITS")["Table"]
        assert {name: got[name] for name in given} == given | {"Name": "hits"}
        assert (got["DatabaseName"], got["VersionId"]) == (database, "0")
        assert got["CreateTime"] == got["UpdateTime"]
        with refused("AlreadyExistsException", 400) as refusal:
            glue.create_table(DatabaseName=database, TableInput=given)
        assert refusal.message == "Table already exists."

    @pytest.mark.parametrize(
        ("expression", "want"),
        [
            ("hits", ["hits"]),
            ("hits.*", ["hits", "hits_daily"]),
            ("*daily", ["hits_daily"]),
            ("HITS|sessions", ["hits", "sessions"]),
            ("nothing", []),
        ],
    )
    def test_tables_are_listed_by_expression(
        self, glue: Any, database: str, expression: str, want: list[str]
    ) -> None:
        for name in ("sessions", "hits_daily", "hits"):
            glue.create_table(DatabaseName=database, TableInput=table(name))
        pages = glue.get_paginator("get_tables").paginate(
            DatabaseName=database, Expression=expression, PaginationConfig={"PageSize": 1}
        )
        assert [entry["Name"] for page in pages for entry in page["TableList"]] == want

    def test_a_stale_version_is_refused(self, glue: Any, database: str) -> None:
        glue.create_table(DatabaseName=database, TableInput=table("t"))
        update = {"DatabaseName": database, "TableInput": table("t", Description="new")}
        glue.update_table(**update, VersionId="0")
        with refused("ConcurrentModificationException", 400):
            glue.update_table(**update, VersionId="0")
        assert glue.get_table(DatabaseName=database, Name="t")["Table"]["VersionId"] == "1"

    def test_no_update_is_lost(self, glue: Any, database: str) -> None:
        glue.create_table(DatabaseName=database, TableInput=table("t", Description="[]"))

        def append(number: int) -> None:
            code: str | None = "ConcurrentModificationException"
            while code == "ConcurrentModificationException":
                current = glue.get_table(DatabaseName=database, Name="t")["Table"]
                entries = [*json.loads(current["Description"]), number]
                code = error_code(
                    glue.update_table,
                    DatabaseName=database,
                    TableInput=table("t", Description=json.dumps(entries)),
                    VersionId=current["VersionId"],
                )
            assert code is None

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(append, range(12)))
        final = glue.get_table(DatabaseName=database, Name="t")["Table"]
        assert sorted(json.loads(final["Description"])) == list(range(12))
        assert final["VersionId"] == "12"

    def test_a_deleted_table_is_gone_whatever_its_case(self, glue: Any, database: str) -> None:
        for name in ("a", "b"):
            glue.create_table(DatabaseName=database, TableInput=table(name))
        glue.delete_table(DatabaseName=database, Name="A")
        with refused("EntityNotFoundException", 400) as refusal:
            glue.delete_table(DatabaseName=database, Name="a")
        assert refusal.message == "Table a not found."
        left = glue.get_tables(DatabaseName=database)["TableList"]
        assert [entry["Name"] for entry in left] == ["b"]


def test_partitions_are_refused_by_name(glue: Any, database: str) -> None:
    with refused("UnknownOperationException", 400) as refusal:
        glue.get_partitions(DatabaseName=database, TableName="t")
    assert refusal.message == "localaws does not implement glue GetPartitions."
    with refused("NotImplemented", 501) as refusal:
        glue.create_table(
            DatabaseName=database,
            TableInput=table("t"),
            OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE"}},
        )
    assert "OpenTableFormatInput" in refusal.message
