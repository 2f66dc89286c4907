"""The Iceberg catalog in Glue, and the files of its tables in S3, made to last through faults."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.io import (
    AWS_ACCESS_KEY_ID,
    AWS_REGION,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    S3_CONNECT_TIMEOUT,
    S3_ENDPOINT,
    S3_REQUEST_TIMEOUT,
    FileIO,
    InputFile,
    OutputFile,
)
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

# Each table that is loaded tells of its files; a day's log would be mostly that.
logging.getLogger("pyiceberg.io").setLevel(logging.WARNING)

ATTEMPTS = 5
"""How often a request is made before it has failed, the first time included."""


class LakeFiles(PyArrowFileIO):
    """Files in S3. A small one is a single request, and each request is tried several times.

    pyiceberg itself opens an upload for every file, which makes three requests of one, and Arrow
    makes three of a deletion: it looks for the file before, and keeps up its directory after.
    """

    def __init__(self, properties: Properties, s3: Any) -> None:
        """`s3` is boto3's client."""
        super().__init__(properties)
        self._s3 = s3

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file; one that is gone already is no error. Raises OSError if S3 refuses."""
        uri = location if isinstance(location, str) else location.location
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3.delete_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"Can't delete {uri}: {error}") from error

    def _initialize_s3_fs(self, netloc: str | None) -> S3FileSystem:  # noqa: ARG002
        given = self.properties
        return S3FileSystem(
            access_key=given.get(AWS_ACCESS_KEY_ID),
            secret_key=given.get(AWS_SECRET_ACCESS_KEY),
            session_token=given.get(AWS_SESSION_TOKEN),
            region=given[AWS_REGION],
            endpoint_override=given.get(S3_ENDPOINT),
            connect_timeout=float(given[S3_CONNECT_TIMEOUT]),
            request_timeout=float(given[S3_REQUEST_TIMEOUT]),
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
            allow_delayed_open=True,
        )


class LakeCatalog(GlueCatalog):
    """A Glue catalog that knows its own commit again when the answer to it was lost.

    Glue may have taken a commit whose answer never came. The request is then made again and
    refused, for the table has changed: by the very commit that seems to fail. pyiceberg would
    remove the files of a commit that it takes for refused, and so damage the table.
    """

    def __init__(self, name: str, glue: Any, s3: Any, **properties: str) -> None:
        """`glue` and `s3` are boto3's clients."""
        super().__init__(name, client=glue, **properties)
        self._files = LakeFiles(dict(self.properties), s3)

    def _load_file_io(
        self,
        properties: Properties = EMPTY_DICT,  # noqa: ARG002
        location: str | None = None,  # noqa: ARG002
    ) -> FileIO:
        """The files of every table, through the same connections: no table has ways of its own."""
        return self._files

    def load_table(self, identifier: str | Identifier) -> Table:
        """The table as it stands now."""
        try:
            return super().load_table(identifier)
        except FileNotFoundError:  # others committed so often meanwhile that its file is gone
            return super().load_table(identifier)

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        """Commit, or find that it is done already, by the snapshots that the commit adds.

        Raises CommitStateUnknownException when that can't be found out.
        """
        try:
            return super().commit_table(table, requirements, updates)
        except Exception as error:
            adds = {u.snapshot.snapshot_id for u in updates if isinstance(u, AddSnapshotUpdate)}
            now = self._after(table, error) if adds else table
            if not adds or any(now.snapshot_by_id(snapshot) is None for snapshot in adds):
                raise
            return CommitTableResponse(
                metadata=now.metadata, metadata_location=now.metadata_location
            )

    def _after(self, table: Table, error: Exception) -> Table:
        """The table as it stands after a commit that ended in an error."""
        try:
            return self.load_table(table.name())
        except Exception:
            raise CommitStateUnknownException(str(error)) from error
