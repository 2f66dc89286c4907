"""Fact files: the rows of each fact view and UTC date as Parquet in S3, and their manifest.

`pipeline.publish.facts` writes them after each publication, the dashboard copies them. Readers use
the files of one manifest: a file never changes, and the manifest is replaced by compare-and-swap.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from clickstream.core.errors import DamagedObject, InputError
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.objects import Listed
from clickstream.lake.records import RecordStore, Stored

FACT_VIEWS = (
    "session_facts",
    "page_view_facts",
    "goal_facts",
    "session_error_facts",
    "hour_facts",
    "source_facts",
    "bot_facts",
    "bot_page_facts",
    "error_facts",
    "reject_facts",
    "place_facts",
    "people_facts",
    "cohort_facts",
    "agent_facts",
)
"""The views of include/sql whose rows become fact files, in every lake."""

SALES_FACT_VIEWS = (
    "sales_facts",
    "order_facts",
    "refund_facts",
    "item_facts",
    "touch_facts",
    "demographic_facts",
    "store_facts",
    "spend_facts",
    "location_facts",
)
"""The fact views of a lake with `[[sales]]`."""

ALL_FACT_VIEWS = (*FACT_VIEWS, *SALES_FACT_VIEWS)

COMPUTED_VIEWS = ("money_facts", "attribution")
"""Views of facts without files: their SQL runs on the copied fact views, in this order."""

PREFIX = "facts/"
MANIFEST_KEY = f"{PREFIX}manifest.json"
MANIFEST_FORMAT: Literal[1] = 1

REMEDY_FOR_FACTS = "Compute all facts again from the tables: clickstream facts --all"


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

    `version` increases by one with each change. `changed_at` is aware. `time_zone` is the one of
    the local dates and hours in the rows.
    """

    version: int
    changed_at: datetime
    time_zone: str
    files: Mapping[str, Mapping[date, FactFile]]
    format: Literal[1] = MANIFEST_FORMAT


_MANIFESTS = RecordStore(PREFIX, Manifest)


def write_manifest(lake: Lake, manifest: Manifest, etag: str | None) -> Stored[Manifest] | None:
    """Replace the manifest that has `etag`; None if another process has replaced it before."""
    new = _MANIFESTS.swap(lake, "manifest", manifest, etag)
    return Stored(manifest, new) if new else None


def write_file(lake: Lake, view: str, day: date, rows: pa.Table, source_version: str) -> FactFile:
    """Store the rows of a view and date, sorted; equal rows give equal bytes, and the same key."""
    leading = [name for name in ("local_date", "local_hour") if name in rows.column_names]
    order = [*leading, *(name for name in rows.column_names if name not in leading)]
    sink = io.BytesIO()
    in_order = rows.sort_by([(name, "ascending") for name in order])
    pq.write_table(in_order, sink, compression="zstd", store_schema=False)
    body = sink.getvalue()
    file = FactFile(f"{PREFIX}{view}/{day}-{_digest(body)}.parquet", rows.num_rows, source_version)
    objects.put(lake, file.key, body)
    return file


def unreferenced(lake: Lake, before: datetime) -> list[Listed]:
    """Return the fact files that were written before `before` and that the manifest lacks.

    Files are listed before the manifest is read, so a file that is added in between is kept.
    """
    old = [item for item in objects.listed(lake, PREFIX) if item.modified_at < before]
    stored = read_manifest(lake)
    files = stored.value.files if stored else {}
    referenced = {file.key for days in files.values() for file in days.values()} | {MANIFEST_KEY}
    return [item for item in old if item.key not in referenced]


def manifest_written_at(lake: Lake) -> datetime | None:
    """Return when the manifest was last written (aware), without reading it; None without one."""
    return next((item.modified_at for item in objects.listed(lake, MANIFEST_KEY)), None)


def read_manifest(lake: Lake) -> Stored[Manifest] | None:
    """Return the current manifest; None before the first refresh.

    Raises InputError for another format, DamagedObject for bytes that are no manifest.
    """
    try:
        return _MANIFESTS.read(lake, "manifest")
    except ValidationError as error:
        for fault in error.errors():
            if fault["loc"] == ("format",):
                raise InputError(
                    f"{MANIFEST_KEY} has format {fault['input']}, this version reads "
                    f"{MANIFEST_FORMAT}; use the version of clickstream that wrote it."
                ) from None
        raise DamagedObject(
            f"The stored bytes of {MANIFEST_KEY} are damaged; they name the dashboard's fact "
            f"files. Delete the object. {REMEDY_FOR_FACTS}"
        ) from None


def manifest_etag(lake: Lake) -> str | None:
    """Return the ETag of the current manifest, which shows whether it has changed."""
    return objects.etag_of(lake, MANIFEST_KEY)


def read_file(lake: Lake, file: FactFile) -> pa.Table | None:
    """Return the rows of a fact file; None if it is deleted because a newer manifest lacks it.

    Raises DamagedObject if its bytes do not have the digest in its key.
    """
    body = read_body(lake, file)
    return None if body is None else pq.read_table(io.BytesIO(body))


def read_body(lake: Lake, file: FactFile) -> bytes | None:
    """Return the bytes of a fact file, like `read_file`."""
    stored = objects.get(lake, file.key)
    if stored is None:
        return None
    if not file.key.endswith(f"-{_digest(stored.body)}.parquet"):
        raise DamagedObject(
            f"The stored bytes of {lake.uri(file.key)} are damaged; the dashboard reads facts of "
            f"one date from them. {REMEDY_FOR_FACTS}"
        )
    return stored.body


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()
