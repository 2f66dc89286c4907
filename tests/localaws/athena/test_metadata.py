"""Databases, tables and views, as clients of Athena read them without a query."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Engine, create_engine, exc, inspect
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess

CATALOG = "AwsDataCatalog"
COLUMNS = [
    {"Name": "n", "Type": "int", "Comment": "A number."},
    {"Name": "old", "Type": "int", "Parameters": {"iceberg.field.current": "false"}},
    {"Name": "t", "Type": "string"},
]
TABLE = {
    "Name": "things",
    "TableType": "EXTERNAL_TABLE",
    "Parameters": {"table_type": "ICEBERG", "comment": "Things."},
    "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://bucket/things"},
}


@pytest.fixture(scope="module")
def database(athena: AthenaClient, local_aws: LocalAwsProcess) -> str:
    """A database with a table and 60 views."""
    name = f"{athena.database}_metadata_{token_hex(3)}"  # a worker can run the module twice
    glue = local_aws.client("glue")
    glue.create_database(DatabaseInput={"Name": name, "Description": "Things and views."})
    glue.create_table(DatabaseName=name, TableInput=TABLE)
    view = {
        "TableType": "VIRTUAL_VIEW",
        "StorageDescriptor": {"Columns": COLUMNS[:1], "SerdeInfo": {}},
    }
    for number in range(60):
        glue.create_table(DatabaseName=name, TableInput=view | {"Name": f"view_{number:02}"})
    return name


@pytest.fixture
def engine(database: str, local_aws: LocalAwsProcess, monkeypatch: Any) -> Engine:
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    host = "athena.us-east-1.amazonaws.com:443"
    return create_engine(f"awsathena+rest://@{host}/{database}?work_group=primary")


def test_sqlalchemy_reflects_tables_views_and_comments(engine: Engine, database: str) -> None:
    found = inspect(engine)
    assert database in found.get_schema_names()
    assert found.get_table_names() == ["things"]
    assert found.get_view_names() == [f"view_{number:02}" for number in range(60)]
    columns = found.get_columns("things")
    assert [(one["name"], one["comment"]) for one in columns] == [("n", "A number."), ("t", None)]
    assert found.get_table_comment("things") == {"text": "Things."}


def test_sqlalchemy_knows_what_does_not_exist(engine: Engine) -> None:
    assert not inspect(engine).has_table("nope")
    with pytest.raises(exc.NoSuchTableError):
        inspect(engine).get_columns("nope")


def test_a_table_has_its_storage_among_its_parameters(athena: AthenaClient, database: str) -> None:
    request = {"CatalogName": CATALOG, "DatabaseName": database}
    found = athena.api.get_table_metadata(**request, TableName="things")["TableMetadata"]
    assert found["Parameters"] == TABLE["Parameters"] | {"location": "s3://bucket/things"}
    assert found["TableType"] == "EXTERNAL_TABLE"
    described = athena.api.get_database(**request)["Database"]
    assert described == {"Name": database, "Description": "Things and views."}


def test_a_listing_has_pages_and_a_filter(athena: AthenaClient, database: str) -> None:
    request = {"CatalogName": CATALOG, "DatabaseName": database}
    pages = athena.api.get_paginator("list_table_metadata").paginate(**request)
    sizes = [len(page["TableMetadataList"]) for page in pages]
    assert (sum(sizes), max(sizes)) == (61, 50)
    some = athena.api.list_table_metadata(**request, Expression="thing.*")["TableMetadataList"]
    assert [one["Name"] for one in some] == ["things"]


def test_a_missing_table_database_or_catalog_is_refused(
    athena: AthenaClient, database: str
) -> None:
    ask = athena.api.get_table_metadata
    with pytest.raises(ClientError, match=r"\(MetadataException\).*EntityNotFoundException"):
        ask(CatalogName=CATALOG, DatabaseName=database, TableName="nope")
    with pytest.raises(ClientError, match=r"\(MetadataException\).*EntityNotFoundException"):
        ask(CatalogName=CATALOG, DatabaseName="nope", TableName="things")
    with pytest.raises(ClientError, match="Catalog nope is not found"):
        ask(CatalogName="nope", DatabaseName=database, TableName="things")
