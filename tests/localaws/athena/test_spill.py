"""Queries that need more memory than the limit spill to a private directory, up to a limit."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess

from localaws.athena.limits import Limits
from localaws.athena.pool import WorkerPool
from trino_duckdb import QueryError, types

ROWS = 2_000_000
SAMPLE = 1000
LARGE_SORT = f"""
    SELECT x, c1 FROM (
        SELECT *, row_number() OVER (ORDER BY c1) AS place
        FROM (SELECT x, md5(x::VARCHAR) AS c1 FROM range({ROWS}) AS r(x))
    ) WHERE place % {SAMPLE} = 0 ORDER BY place"""
"""Every thousandth row of some 100 MB in order, in DuckDB's SQL, as workers get it."""


def job(output: Path) -> dict[str, Any]:
    return {
        "files": [],
        "setup": [],
        "sql": LARGE_SORT,
        "names": ["x", "digest"],
        "types": [types.to_json(kind) for kind in (types.BIGINT, types.VARCHAR)],
        "output": str(output),
    }


@pytest.fixture
def pool(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[WorkerPool]:
    made = WorkerPool(1, tmp_path / "spill", Limits(memory="80MB", spill=request.param))
    yield made
    made.close()


@pytest.mark.parametrize("pool", ["1GB"], indirect=True)
def test_a_sort_larger_than_the_memory_limit_is_complete_and_in_order(pool, tmp_path) -> None:
    assert pool.run("query", job(tmp_path / "rows.csv")) == {"rows": ROWS // SAMPLE}
    with (tmp_path / "rows.csv").open() as file:
        digests = [digest for _, digest in csv.reader(file)][1:]
    assert len(digests) == ROWS // SAMPLE
    assert digests == sorted(digests)
    assert [*(tmp_path / "spill" / "worker-0").iterdir()] == []


@pytest.mark.parametrize("pool", ["5MB"], indirect=True)
def test_beyond_the_spill_limit_the_query_fails_and_says_what_to_do(pool, tmp_path) -> None:
    with pytest.raises(
        QueryError, match=r"80MB of memory and 5MB of disk\. Filter by a date"
    ) as no:
        pool.run("query", job(tmp_path / "rows.csv"))
    assert no.value.code == "EXCEEDED_LOCAL_MEMORY_LIMIT"
    assert [*(tmp_path / "spill" / "worker-0").iterdir()] == []


def test_the_spill_directories_are_private_and_emptied_at_start(tmp_path: Path) -> None:
    root = tmp_path / "aws"
    left = root / "athena" / "scratch" / "spill" / "worker-0" / "duckdb_temp_storage-0.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of a server that was killed")
    with LocalAwsProcess(root) as process:
        athena = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        process.client("s3").create_bucket(Bucket="out")
        assert athena.rows("select 1") == [["1"]]
        assert not left.exists()
        spill = root / "athena" / "scratch" / "spill"
        workers = sorted(spill.iterdir())
        assert [each.name for each in workers] == ["worker-0", "worker-1"]
        for folder in (spill, *workers):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
