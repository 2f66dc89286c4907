"""The Athena service: starts, describes and stops queries, and returns the pages of their results.

It also describes workgroups, databases and tables. Clients that run SQL, such as PyAthena,
awswrangler and Airflow's operators, need no other operation.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from localaws.athena.engine import DEFAULT, Engine, Limits
from localaws.athena.executions import Executions, invalid_request
from localaws.athena.results import Row, column_info, read_page
from localaws.athena.statements import is_query, statement_type
from localaws.athena.table_text import current_columns
from localaws.athena.tables import split_uri
from localaws.errors import AwsError
from localaws.glue import GlueCatalogStore
from localaws.s3 import BlobAccess
from localaws.service import Json, Operations, find_operation
from localaws.store import Database

MAX_RESULTS = 1000
MAX_QUERY_BYTES = 262144
NO_STATISTICS = {
    **dict.fromkeys(
        (
            "EngineExecutionTimeInMillis",
            "QueryPlanningTimeInMillis",
            "QueryQueueTimeInMillis",
            "TotalExecutionTimeInMillis",
            "ServiceProcessingTimeInMillis",
            "DataScannedInBytes",
        ),
        0,
    ),
    "ResultReuseInformation": {"ReusedPreviousResult": False},
}
CATALOG = "awsdatacatalog"
MAX_TABLES = 50
NOT_FOUND = (
    "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; "
    "Error Code: EntityNotFoundException; Request ID: local; Proxy: null)"
)
PRIMARY = "primary"
"""The workgroup that every account has, and that a client uses if it names none."""

ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


class AthenaService:
    """The Athena service, which stores its state in one folder and uses the local S3 and Glue."""

    name = "athena"
    target_prefix = "AmazonAthena"

    def __init__(
        self,
        root: Path,
        blobs: BlobAccess,
        glue: GlueCatalogStore,
        limits: Limits = DEFAULT,
        workgroups: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take the output location of each workgroup by its name."""
        root.mkdir(parents=True, exist_ok=True)
        store = Database(root / "athena.db")
        self._executions = Executions(store)
        self._blobs = blobs
        self._engine = Engine(self._executions, blobs, glue, root / "scratch", limits)
        self._workgroups = Workgroups(workgroups)
        metadata = Metadata(glue)
        self._operations: Operations = {
            "StartQueryExecution": self._start_query,
            "GetQueryExecution": self._get_query,
            "StopQueryExecution": self._stop_query,
            "GetQueryResults": self._get_results,
            "GetWorkGroup": self._workgroups.get,
            "ListWorkGroups": self._workgroups.list_all,
            "GetDatabase": metadata.get_database,
            "ListDatabases": metadata.list_databases,
            "GetTableMetadata": metadata.get_table,
            "ListTableMetadata": metadata.list_tables,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        handler = find_operation("athena", self._operations, operation, body)
        try:
            return handler(body)
        except KeyError as error:
            raise invalid_request(f"{operation} needs the member {error}.") from None

    def close(self) -> None:
        """Stop the running queries."""
        self._engine.close()

    def _start_query(self, body: Json) -> Json:
        sql = body["QueryString"]
        if not sql.strip() or len(sql.encode()) > MAX_QUERY_BYTES:
            raise invalid_request("QueryString is empty or too long.")
        for option in ("ResultReuseConfiguration", "EngineConfiguration"):
            if _asks_for_something(body.get(option)):
                raise invalid_request(f"localaws does not implement {option}.")
        execution = self._new_execution(sql, body)
        query_id = self._executions.add(execution, body.get("ClientRequestToken"))
        if query_id == execution["QueryExecutionId"]:
            self._engine.submit(query_id)
        return {"QueryExecutionId": query_id}

    def _new_execution(self, sql: str, body: Json) -> Json:
        workgroup = self._workgroups.require(body)
        location = body.get("ResultConfiguration", {}).get("OutputLocation")
        folder = self._output_folder(location or self._workgroups.location(workgroup))
        query_id = str(uuid.uuid4())
        context = body.get("QueryExecutionContext", {})
        execution = {
            "QueryExecutionId": query_id,
            "Query": sql,
            "StatementType": statement_type(sql),
            "ResultConfiguration": {
                "OutputLocation": f"{folder}/{query_id}.{'csv' if is_query(sql) else 'txt'}"
            },
            "QueryExecutionContext": {
                "Database": context.get("Database") or "default",
                "Catalog": (context.get("Catalog") or "awsdatacatalog").lower(),
            },
            "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
            "Statistics": NO_STATISTICS,
            "WorkGroup": workgroup,
            "EngineVersion": ENGINE,
        }
        if body.get("ExecutionParameters"):
            execution["ExecutionParameters"] = body["ExecutionParameters"]
        return execution

    def _output_folder(self, location: str) -> str:
        """Return the location of results without the last slash. Raises AwsError."""
        if not location:
            raise invalid_request(
                "No output location provided. Set OutputLocation of ResultConfiguration, or start "
                "localaws with --workgroup primary=S3_URI."
            )
        try:
            bucket, _ = split_uri(location)
        except ValueError as error:
            raise invalid_request(f"Output location: {error}.") from None
        if not self._blobs.exists_bucket(bucket):
            raise invalid_request(
                f"Unable to verify/create output bucket {bucket}. Create the bucket first.",
            )
        return location.rstrip("/")

    def _get_query(self, body: Json) -> Json:
        return {"QueryExecution": self._executions.get(body["QueryExecutionId"])["execution"]}

    def _stop_query(self, body: Json) -> Json:
        self._executions.get(body["QueryExecutionId"])
        self._engine.stop(body["QueryExecutionId"])
        return {}

    def _get_results(self, body: Json) -> Json:
        record = self._executions.get(body["QueryExecutionId"])
        state = record["execution"]["Status"]["State"]
        if state in ("QUEUED", "RUNNING"):
            raise invalid_request(f"Query has not yet finished. Current state: {state}")
        if state != "SUCCEEDED":
            raise invalid_request(f"Query did not finish successfully. Final query state: {state}")
        count = min(body.get("MaxResults") or MAX_RESULTS, MAX_RESULTS)
        rows, after = self._page(record["execution"], _offset(body), count)
        columns = [column_info(name, kind) for name, kind in record["columns"]]
        answer: Json = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
                    for row in rows
                ],
                "ResultSetMetadata": {"ColumnInfo": columns},
            },
        }
        if after is not None:
            answer["NextToken"] = str(after)
        return answer

    def _page(self, execution: Json, offset: int, count: int) -> tuple[list[Row], int | None]:
        """Read rows of a result from an offset, which counts bytes of a CSV file, else lines."""
        location = execution["ResultConfiguration"]["OutputLocation"]
        path = self._blobs.path(*split_uri(location))
        if path is None:
            raise invalid_request(f"Could not find results at {location}.")
        if location.endswith(".csv"):
            return read_page(path, offset, count)
        lines = path.read_text(encoding="utf-8").splitlines()
        after = offset + count if len(lines) > offset + count else None
        return [[line] for line in lines[offset : offset + count]], after


def _offset(body: Json) -> int:
    token = body.get("NextToken") or "0"
    if not re.fullmatch(r"\d{1,15}", token):
        raise invalid_request(f"Malformed next token: {token}")
    return int(token)


def _asks_for_something(option: Any) -> bool:
    """Whether an option enables anything; clients send some options with false values."""
    if isinstance(option, dict):
        return any(_asks_for_something(value) for value in option.values())
    return bool(option)


class Workgroups:
    """The workgroups of the account, which no request can change.

    No setting is enforced, so a location that the client gives takes precedence.
    """

    def __init__(self, locations: Mapping[str, str]) -> None:
        """Take an output location by name of a workgroup; ``primary`` exists without one, too."""
        self._locations = {PRIMARY: "", **locations}

    def require(self, body: Json) -> str:
        """Return the workgroup of a request. Raises AwsError if it does not exist."""
        name: str = body.get("WorkGroup") or PRIMARY
        if name not in self._locations:
            raise invalid_request(
                f"WorkGroup {name} is not found. Start localaws with --workgroup {name}=S3_URI."
            )
        return name

    def location(self, name: str) -> str:
        """Return the output location of a workgroup, empty if it has none."""
        return self._locations[name]

    def get(self, body: Json) -> Json:
        """Answer GetWorkGroup."""
        name = self.require(body)
        location = self.location(name)
        configuration = {
            "ResultConfiguration": {"OutputLocation": location} if location else {},
            "EnforceWorkGroupConfiguration": False,
            "PublishCloudWatchMetricsEnabled": False,
            "RequesterPaysEnabled": False,
            "EngineVersion": ENGINE,
        }
        return {"WorkGroup": {"Name": name, "State": "ENABLED", "Configuration": configuration}}

    def list_all(self, _body: Json) -> Json:
        """Answer ListWorkGroups, with all workgroups on one page."""
        return {
            "WorkGroups": [
                {"Name": name, "State": "ENABLED", "EngineVersion": ENGINE}
                for name in sorted(self._locations)
            ]
        }


class Metadata:
    """The operations that read databases, tables and views from the Glue Data Catalog.

    PyAthena's SQLAlchemy dialect calls them. PyAthena's module ``glue`` documents how AWS builds
    ``TableMetadata`` from Glue's ``Table``.
    """

    def __init__(self, glue: GlueCatalogStore) -> None:
        self._glue = glue

    def list_databases(self, body: Json) -> Json:
        """Answer ListDatabases."""
        answer = self._call(body, "GetDatabases", _page(body))
        databases = [_database(database) for database in answer["DatabaseList"]]
        return {"DatabaseList": databases, **_next(answer)}

    def get_database(self, body: Json) -> Json:
        """Answer GetDatabase."""
        answer = self._call(body, "GetDatabase", {"Name": body["DatabaseName"]})
        return {"Database": _database(answer["Database"])}

    def list_tables(self, body: Json) -> Json:
        """Answer ListTableMetadata."""
        request = {"DatabaseName": body["DatabaseName"], "MaxResults": MAX_TABLES, **_page(body)}
        if "Expression" in body:
            request["Expression"] = body["Expression"]
        answer = self._call(body, "GetTables", request)
        return {
            "TableMetadataList": [_table(table) for table in answer["TableList"]],
            **_next(answer),
        }

    def get_table(self, body: Json) -> Json:
        """Answer GetTableMetadata."""
        request = {"DatabaseName": body["DatabaseName"], "Name": body["TableName"]}
        return {"TableMetadata": _table(self._call(body, "GetTable", request)["Table"])}

    def _call(self, body: Json, operation: str, request: Json) -> Json:
        """Ask Glue. Raises AwsError (MetadataException) if a database or table does not exist."""
        if body["CatalogName"].lower() != CATALOG:
            raise invalid_request(
                f"Catalog {body['CatalogName']} is not found; use AwsDataCatalog."
            )
        try:
            return self._glue.call(operation, request)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise AwsError("MetadataException", NOT_FOUND) from None


def _page(body: Json) -> Json:
    return {name: body[name] for name in ("MaxResults", "NextToken") if name in body}


def _next(answer: Json) -> Json:
    return {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}


def _database(entry: Mapping[str, Any]) -> Json:
    return _members(entry, "Name", "Description", "Parameters")


def _table(entry: Mapping[str, Any]) -> Json:
    """Return Athena's ``TableMetadata`` of Glue's ``Table``."""
    members = _members(entry, "Name", "CreateTime", "LastAccessTime", "TableType")
    if "StorageDescriptor" in entry:
        columns = current_columns(entry)
        members["Columns"] = [_members(column, "Name", "Type", "Comment") for column in columns]
    keys = entry.get("PartitionKeys", [])
    members["PartitionKeys"] = [_members(column, "Name", "Type", "Comment") for column in keys]
    members["Parameters"] = {
        **entry.get("Parameters", {}),
        **_storage(entry.get("StorageDescriptor", {})),
    }
    return members


def _storage(descriptor: Mapping[str, Any]) -> Json:
    """Return the parameters that AWS adds for where and how a table is stored."""
    names = {"Location": "location", "InputFormat": "inputformat", "OutputFormat": "outputformat"}
    storage = {name: descriptor[key] for key, name in names.items() if key in descriptor}
    serde = descriptor.get("SerdeInfo", {})
    if "SerializationLibrary" in serde:
        storage["serde.serialization.lib"] = serde["SerializationLibrary"]
    return storage | {f"serde.param.{k}": v for k, v in serde.get("Parameters", {}).items()}


def _members(entry: Mapping[str, Any], *names: str) -> Json:
    return {name: entry[name] for name in names if name in entry}
