"""The local Athena and the library name an object whose stored bytes are gone."""

from __future__ import annotations

import pytest
from tests.clickstream.lake.builders import store_rows
from tests.support.damage import blob_path
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena, aws_errors, raw
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.raw import RawRange
from clickstream.tables import HITS

HOUR = Hour.parse("2026-11-20T05")


def test_query_names_the_missing_data_file(lake: Lake, local_aws: LocalAwsProcess) -> None:
    store_rows(lake, HITS, HOUR, {})
    [task] = iceberg_tables.load(lake, HITS).iceberg.scan().plan_files()
    uri = task.file.file_path
    blob_path(local_aws.root, lake.bucket, uri.split("/", 3)[3]).unlink()
    with pytest.raises(DamagedObject, match=f"The stored bytes of {uri} are missing"):
        athena.query(lake, "select count(*) from hits")


def test_the_library_calls_missing_bytes_that_s3_reports_damage(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    raw.store(lake, HOUR, RawRange("web-1", "file", 0, 8, "combined"), b"a line\n")
    [item] = raw.list_raw(lake, HOUR)
    blob_path(local_aws.root, lake.bucket, item.key).unlink()
    with (
        pytest.raises(DamagedObject, match=lake.uri(item.key)) as refused,
        aws_errors.translate_errors(),
        aws_errors.translate_errors(),
    ):
        raw.read(lake, item)
    assert str(refused.value).count("run: clickstream verify --deep") == 1


def test_read_of_a_table_names_the_missing_data_file(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    store_rows(lake, HITS, HOUR, {})
    loaded = iceberg_tables.load(lake, HITS)
    [task] = loaded.iceberg.scan().plan_files()
    uri = task.file.file_path
    blob_path(local_aws.root, lake.bucket, uri.split("/", 3)[3]).unlink()
    with pytest.raises(DamagedObject, match=uri), aws_errors.translate_errors():
        loaded.read(HOUR, HOUR)
