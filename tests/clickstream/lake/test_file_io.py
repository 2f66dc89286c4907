"""Files that describe a table are put and got whole, once each; what is half written is not put."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, log_an_hour, through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, breaks_off, passes
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import Lake, objects
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.publish import build_hour
from clickstream.settings import Settings
from clickstream.tables import HITS

KEY = "warehouse/x/hits/metadata/made-up.avro"


def test_no_file_that_describes_a_table_is_asked_for_twice(
    lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    """Nor is one that the same process has put, nor whether it is there, nor how long it is."""
    asked: Counter[str] = Counter()

    def noted(exchange: Exchange) -> Fault:
        if "/metadata/" in exchange.handler.path:
            asked[exchange.handler.path] += 1
            assert not exchange.name.startswith("HEAD"), exchange.name
        return passes

    log_an_hour(lake_settings, FIRST)
    children.pull_and_build(children.open_lake(lake_settings), str(FIRST))
    with FaultsProxy(local_aws.endpoint, noted) as proxy:
        lake = children.open_lake(through(lake_settings, proxy))
        build_hour(lake, FIRST, "again")
    assert len(asked) > 20
    assert set(asked.values()) == {1}


def test_a_file_whose_bytes_break_off_is_read_again(
    lake_settings: Settings, local_aws: LocalAwsProcess, lake: Lake
) -> None:
    met: set[str] = set()

    def once_each(exchange: Exchange) -> Fault:
        is_new = "/metadata/" in exchange.handler.path and exchange.handler.path not in met
        met.add(exchange.handler.path)
        return breaks_off if is_new else passes

    there = iceberg_tables.load(lake, HITS).iceberg.metadata
    with FaultsProxy(local_aws.endpoint, once_each) as proxy:
        disturbed = children.open_lake(through(lake_settings, proxy))
        assert iceberg_tables.load(disturbed, HITS).iceberg.metadata == there


@pytest.fixture
def uri(lake: Lake) -> str:
    return lake.uri(KEY)


def files_of(lake: Lake) -> FileIO:
    return iceberg_tables.load(lake, HITS).iceberg.io


def test_what_another_process_has_put_is_found(
    lake: Lake, reopen: Callable[[], Lake], uri: str
) -> None:
    theirs, ours = files_of(reopen()), files_of(lake)
    assert not ours.new_input(uri).exists()
    with pytest.raises(FileNotFoundError, match="made-up"):
        ours.new_input(uri).open()
    with theirs.new_output(uri).create() as stream:
        assert stream.write(b"first, ") == 7
        stream.write(b"then")
        assert stream.tell() == 11
        assert objects.get(lake, KEY) is None
    found = ours.new_input(uri)
    assert (found.exists(), len(found), found.open().read()) == (True, 11, b"first, then")
    assert found.to_input_file().open().read() == b"first, then"


def test_what_fails_on_the_way_is_not_put(lake: Lake, uri: str) -> None:
    file = files_of(lake).new_output(uri)

    def fail() -> None:
        with file.create() as stream:
            stream.write(b"half of")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    abandoned = file.create()
    abandoned.write(b"the start of")
    del abandoned
    assert objects.get(lake, KEY) is None
    assert not file.exists()


def test_a_file_that_is_closed_twice_is_put_once(lake: Lake, uri: str) -> None:
    with files_of(lake).new_output(uri).create() as stream:
        stream.write(b"all")
        stream.close()
        objects.delete(lake, [KEY])
    assert objects.get(lake, KEY) is None


def test_a_commit_can_be_read_by_a_process_that_remembers_nothing(
    lake: Lake, reopen: Callable[[], Lake]
) -> None:
    def manifests(of: Lake) -> list[ManifestFile]:
        snapshot = iceberg_tables.load(of, HITS).iceberg.current_snapshot()
        return snapshot.manifests(files_of(of)) if snapshot else []

    loaded = iceberg_tables.load(lake, HITS)
    loaded.replace(FIRST, FIRST, HITS.arrow_schema().empty_table())
    assert manifests(lake) == manifests(reopen())
