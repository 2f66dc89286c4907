"""Pointers of Iceberg tables: the metadata file that Glue names is the current state of a table.

Restores use this. pyiceberg keeps no history of pointers in Glue, so the file of a moment is found
among the versions of the metadata files in S3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter, itemgetter

from pyiceberg.catalog.glue import _construct_table_input
from pyiceberg.serializers import FromInputFile

from clickstream.lake.client import Lake
from clickstream.lake.object_versions import KeyHistory, read_version

_METADATA = re.compile(r"(?P<table>.+)/metadata/(?P<number>\d+)-[^/]+\.metadata\.json")
POINTER = "metadata_location"


def current_pointers(lake: Lake) -> dict[str, str]:
    """Return the metadata files of the tables in Glue by table; views have none."""
    pages = lake.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database)
    entries = [entry for page in pages for entry in page["TableList"]]
    locations = {entry["Name"]: entry.get("Parameters", {}).get(POINTER, "") for entry in entries}
    return {table: location for table, location in locations.items() if location}


def set_pointer(lake: Lake, table: str, location: str | None) -> None:
    """Let Glue name a metadata file as the state of a table, or forget the table without one.

    The columns and properties of the entry are those of the file.
    """
    if location is None:
        lake.glue.delete_table(DatabaseName=lake.database, Name=table)
        return
    metadata = FromInputFile.table_metadata(lake.catalog._files.new_input(location))
    entry = _construct_table_input(table, location, metadata.properties, metadata)
    if table in current_pointers(lake):
        lake.glue.update_table(DatabaseName=lake.database, TableInput=entry, SkipArchive=True)
    else:
        lake.glue.create_table(DatabaseName=lake.database, TableInput=entry)


@dataclass(frozen=True)
class MetadataFile:
    """A metadata file of a table with its history; `number` counts the commits of the table."""

    directory: str
    number: int
    history: KeyHistory


def metadata_file(history: KeyHistory) -> MetadataFile | None:
    """Return the metadata file of a history, or None if it is another object."""
    match = _METADATA.fullmatch(history.key)
    return MetadataFile(match["table"], int(match["number"]), history) if match else None


@dataclass(frozen=True)
class PointerHistory:
    """The metadata files of all tables, and pointers that are known from elsewhere.

    `known_uris` are those of Glue now, and those that earlier restores replaced.
    """

    lake: Lake
    files: Sequence[MetadataFile]
    known_uris: frozenset[str]

    def at(self, moment: datetime) -> dict[str, str]:
        """Return the pointers of all tables that existed at a moment.

        A table's file is the newest that was committed. Others are left by processes that were
        killed or overtaken between the write of their file and its commit.
        """
        pointers = {}
        for directory, files in self._tables.items():
            states = [(file.number, file.history.at(moment), file) for file in files]
            existing = [(number, then.written_at, file) for number, then, file in states if then]
            newest = [file for *_, file in sorted(existing, key=itemgetter(0, 1), reverse=True)]
            committed = next((file for file in newest if self._is_committed(file)), None)
            chosen = committed or (newest[0] if newest and not self._is_known(files) else None)
            if chosen:
                pointers[directory.rsplit("/", 1)[1]] = self.lake.uri(chosen.history.key)
        return pointers

    def _is_known(self, files: Iterable[MetadataFile]) -> bool:
        """Return whether a pointer to one of the files is known; not if a table is lost in Glue."""
        return any(self.lake.uri(file.history.key) in self.known_uris for file in files)

    def _is_committed(self, file: MetadataFile) -> bool:
        """Return whether Glue named a file at some time: a later commit lists the earlier ones."""
        uri = self.lake.uri(file.history.key)
        later = [
            candidate
            for candidate in self._tables[file.directory]
            if candidate.number == file.number + 1
        ]
        return uri in self.known_uris or any(uri in self._earlier(candidate) for candidate in later)

    def _earlier(self, file: MetadataFile) -> set[str]:
        """Return the metadata files that a metadata file lists as earlier states of its table."""
        if file.history.key not in self._logs:
            body = next(
                version for version in reversed(file.history.versions) if not version.is_deletion
            )
            log = json.loads(read_version(self.lake, body)).get("metadata-log", ())
            self._logs[file.history.key] = {entry["metadata-file"] for entry in log}
        return self._logs[file.history.key]

    @cached_property
    def _logs(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _tables(self) -> Mapping[str, Sequence[MetadataFile]]:
        """The files by the directory of their table; of this lake's database only."""
        prefix = f"warehouse/{self.lake.database}.db/"
        own = [file for file in self.files if file.directory.startswith(prefix)]
        own.sort(key=attrgetter("directory"))
        return {name: [*group] for name, group in groupby(own, key=attrgetter("directory"))}
