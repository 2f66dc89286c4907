"""Fact files: the rows of each fact view and UTC date as Parquet in S3, and the manifest of them.

`pipeline.facts` writes them after each publication, the dashboard copies them. Readers get the
files of one manifest, whole: a file never changes, and the manifest is replaced by
compare-and-swap.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.errors import InputError
from clickstream.lake import objects
from clickstream.lake.client import Lake

FACT_VIEWS = (
    "session_facts",
    "page_view_facts",
    "goal_facts",
    "hour_facts",
    "source_facts",
    "bot_facts",
    "error_facts",
    "reject_facts",
)
"""The views of include/sql whose rows become fact files."""

PREFIX = "facts/"
MANIFEST_KEY = f"{PREFIX}manifest.json"
MANIFEST_FORMAT = 1


@dataclass(frozen=True)
class FactFile:
    """One file: the rows of a view of one UTC date.

    `source_version` identifies what the rows were computed from: the SQL of the view, and the
    publications of the hours that the date's rows depend on.
    """

    key: str
    rows: int
    source_version: str


@dataclass(frozen=True)
class Manifest:
    """The files that readers see: for each fact view its file of each UTC date.

    `version` grows by one with each change. `changed_at` is aware. `time_zone` is the one of the
    local dates and hours in the rows.
    """

    version: int
    changed_at: datetime
    time_zone: str
    files: Mapping[str, Mapping[date, FactFile]]

    def to_json(self) -> bytes:
        """The manifest as it is stored."""
        views = {
            view: {str(day): asdict(file) for day, file in sorted(files.items())}
            for view, files in self.files.items()
        }
        stored = {
            "format": MANIFEST_FORMAT,
            "version": self.version,
            "changed_at": self.changed_at.isoformat(),
            "time_zone": self.time_zone,
            "views": views,
        }
        return json.dumps(stored, indent=1).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Manifest:
        """Read a stored manifest. Raises InputError for another format."""
        stored = json.loads(body)
        if stored["format"] != MANIFEST_FORMAT:
            raise InputError(
                f"{MANIFEST_KEY} has format {stored['format']}, this version reads "
                f"{MANIFEST_FORMAT}; use the version of clickstream that wrote it."
            )
        files = {
            view: {date.fromisoformat(day): FactFile(**file) for day, file in days.items()}
            for view, days in stored["views"].items()
        }
        changed_at = datetime.fromisoformat(stored["changed_at"])
        return cls(stored["version"], changed_at, stored["time_zone"], files)


@dataclass(frozen=True)
class StoredManifest:
    """A manifest, and the ETag that the next compare-and-swap needs."""

    manifest: Manifest
    etag: str


def read_manifest(lake: Lake) -> StoredManifest | None:
    """The manifest as it is stored now; None before the first refresh."""
    found = objects.get(lake, MANIFEST_KEY)
    return None if found is None else StoredManifest(Manifest.from_json(found.body), found.etag)


def read_file(lake: Lake, file: FactFile) -> pa.Table | None:
    """The rows of a fact file; None if it is gone, because a newer manifest replaced it."""
    found = objects.get(lake, file.key)
    return None if found is None else pq.read_table(io.BytesIO(found.body))
