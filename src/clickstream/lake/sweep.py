"""Sweep: files that nothing refers to any more, such as those of expired snapshots or dead builds.

A file that a commit under way will refer to is a young one. So only what is older than a grace
period counts, and that must be longer than any task and any query takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table as IcebergTable

from clickstream.lake import iceberg_tables, objects
from clickstream.lake.client import Lake
from clickstream.lake.objects import Listed
from clickstream.tables import Table

STAGING = "staging/"
QUERY_RESULTS = "athena-results/"
_READERS = 8


def unreferenced(lake: Lake, table: Table, before: datetime) -> list[Listed]:
    """Objects of a table, last written before `before`, that no snapshot of it refers to.

    They are listed first and the table is loaded after that, so what a commit in between refers to
    is known.
    """
    prefix = iceberg_tables.load(lake, table).iceberg.location().removeprefix(lake.uri("")) + "/"
    old = [item for item in objects.listed(lake, prefix) if item.modified_at < before]
    used = set(referenced(iceberg_tables.load(lake, table).iceberg))
    return [item for item in old if lake.uri(item.key) not in used]


def referenced(table: IcebergTable) -> Iterator[str]:
    """Addresses of all files of a table: metadata, and what its snapshots can reach."""
    yield table.metadata_location
    yield from (entry.metadata_file for entry in table.metadata.metadata_log)
    yield from (file.statistics_path for file in table.metadata.statistics)
    yield from (file.statistics_path for file in table.metadata.partition_statistics)
    manifests: dict[str, ManifestFile] = {}
    for snapshot in table.snapshots():
        yield snapshot.manifest_list
        manifests |= {found.manifest_path: found for found in snapshot.manifests(table.io)}
    yield from manifests
    with ThreadPoolExecutor(_READERS) as pool:
        for entries in pool.map(lambda m: m.fetch_manifest_entry(table.io), manifests.values()):
            yield from (entry.data_file.file_path for entry in entries)


def staged(lake: Lake, before: datetime) -> list[Listed]:
    """Staged rows of hours that no build has touched since `before`: all of an hour, or none."""
    found: list[Listed] = []
    listed = objects.listed(lake, STAGING)
    for _, of_hour in groupby(listed, key=lambda item: item.key.split("/")[1]):
        items = list(of_hour)
        if all(item.modified_at < before for item in items):
            found += items
    return found


def query_results(lake: Lake, before: datetime) -> list[Listed]:
    """Answers of Athena that are older than `before`."""
    listed = objects.listed(lake, QUERY_RESULTS)
    return [item for item in listed if item.modified_at < before]
