"""The Iceberg catalog in Glue, which detects commits whose response was lost.

`Lake.catalog` is one.
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.credentials import Credentials
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.io import FileIO
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

from clickstream.lake.iceberg.file_io import LakeFiles

# pyiceberg logs a line for each table that it loads; they would fill most of a day's log.
logging.getLogger("pyiceberg.io").setLevel(logging.WARNING)
# It warns of each commit that it retries because another process was faster, which is normal. If
# the last attempt fails as well, StaleHour says so.
logging.getLogger("pyiceberg.table").addFilter(
    lambda record: not record.getMessage().startswith("Commit failed due to a concurrent update")
)


class LakeCatalog(GlueCatalog):
    """A Glue catalog that recognizes its own commit when the response to it was lost.

    Glue may have accepted a commit whose response never arrived. The request is then sent again and
    refused, because the table has changed: by that same commit. pyiceberg would delete the files of
    a commit that it believes refused, and so damage the table.
    """

    def __init__(
        self, name: str, glue: Any, s3: Any, credentials: Credentials, **properties: str
    ) -> None:
        """`glue` and `s3` are boto3's clients, and `credentials` those of their session."""
        super().__init__(name, client=glue, **properties)
        self._files = LakeFiles(dict(self.properties), s3, credentials)

    def _load_file_io(
        self,
        properties: Properties = EMPTY_DICT,  # noqa: ARG002
        location: str | None = None,  # noqa: ARG002
    ) -> FileIO:
        """Return the files of all tables, which share connections and cache."""
        return self._files

    def _is_s3tables_database(self, database_name: str) -> bool:  # noqa: ARG002
        """Return False: our database is not in S3 Tables. Otherwise each commit would ask Glue."""
        return False

    def load_table(self, identifier: str | Identifier) -> Table:
        """Return the current table."""
        try:
            return super().load_table(identifier)
        except FileNotFoundError:  # deleted meanwhile, after more commits of other processes
            return super().load_table(identifier)

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        """Commit, or detect by the snapshots of the commit that it is done already.

        Raises CommitStateUnknownException if that can't be determined.
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
        """Return the table after a commit that ended in an error."""
        try:
            return self.load_table(table.name())
        except Exception:
            raise CommitStateUnknownException(str(error)) from error
