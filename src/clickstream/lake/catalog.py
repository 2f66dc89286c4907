"""The Iceberg catalog in Glue, made to last through faults."""

from __future__ import annotations

import logging
from typing import Any

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.io import FileIO
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

from clickstream.lake.file_io import LakeFiles

# Each table that is loaded tells of its files; a day's log would be mostly that.
logging.getLogger("pyiceberg.io").setLevel(logging.WARNING)


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

    def _is_s3tables_database(self, database_name: str) -> bool:  # noqa: ARG002
        """Whether S3 Tables keep the database: ours is in a bucket. Each commit would ask Glue."""
        return False

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
