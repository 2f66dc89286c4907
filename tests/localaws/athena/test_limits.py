"""A statement can't take more of the machine than its limits, and says which one it met."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess

from localaws.athena.limits import Limits
from localaws.athena.pool import WorkerPool
from trino_duckdb import QueryError, types

MEGABYTE = 1 << 20
DEEP = {
    "parentheses": f"select {'(' * 3000}1{')' * 3000}",
    "sum": f"select {'+'.join(['1'] * 20_000)}",
    "not": f"select {'not ' * 5000}true",
    "subqueries": f"select * from {'(select * from ' * 800}(select 1 as x){')' * 800}",
    "arrays": f"select {'array[' * 3000}1{']' * 3000}",
}
LARGE = {
    "array_agg": "select cardinality(array_agg(x * 10000 + y)) from unnest(sequence(1, 10000)) t(x)"
    " cross join unnest(sequence(1, 10000)) u(y) cross join unnest(sequence(1, 4)) v(z)",
    "nested": "select cardinality(transform(sequence(1, 10000), x -> sequence(1, 10000)))",
    "join": "select length(array_join("
    "transform(sequence(1, 10000), x -> rpad('x', 200000, 'y')), ''))",
}


def large_queries() -> Iterator[object]:
    """The first in `make test`, the others, which take 10 s of CPU time each, in the deep tier."""
    for name, sql in LARGE.items():
        marks = [] if name == "array_agg" else [pytest.mark.deep]
        yield pytest.param(sql, id=name, marks=marks)


@contextmanager
def peak_memory(process: LocalAwsProcess) -> Iterator[list[int]]:
    """The largest number of megabytes that a process of the server has, once the block is over."""
    peak, is_over = [0], threading.Event()

    def watch() -> None:
        server = psutil.Process(process.pid)
        while not is_over.wait(0.02):
            for one in [server, *server.children(recursive=True)]:
                try:
                    peak[0] = max(peak[0], one.memory_info().rss // MEGABYTE)
                except psutil.NoSuchProcess:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


@pytest.mark.parametrize("sql", DEEP.values(), ids=DEEP)
def test_a_statement_that_is_nested_too_deeply_is_refused_by_name(
    athena: AthenaClient, sql: str
) -> None:
    status = athena.run(sql)["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("STACK_OVERFLOW: statement is too large")
    assert athena.rows("select 1") == [["1"]]


@pytest.mark.parametrize("sql", large_queries())
def test_no_query_needs_more_than_the_memory_of_its_process(tmp_path: Path, sql: str) -> None:
    with LocalAwsProcess(tmp_path) as process:
        process.client("s3").create_bucket(Bucket="out")
        athena = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        with peak_memory(process) as peak:
            status = athena.run(sql)["Status"]
        assert peak[0] * MEGABYTE < Limits().process_bytes + 256 * MEGABYTE
        if status["State"] == "FAILED":
            assert status["StateChangeReason"].startswith("EXCEEDED_LOCAL_MEMORY_LIMIT")
        assert athena.rows("select 1") == [["1"]]  # the next query has a fresh process


def test_a_query_that_takes_too_long_is_ended_and_says_so(tmp_path: Path) -> None:
    pool = WorkerPool(1, tmp_path / "spill", Limits(seconds=0.5))
    job = {
        "files": [],
        "setup": [],
        "sql": "select sum(a.range * b.range) as n from range(1000000) a, range(1000000) b",
        "names": ["n"],
        "types": [types.to_json(types.UNKNOWN)],
        "output": str(tmp_path / "rows.csv"),
    }
    began = time.process_time()
    with pytest.raises(QueryError, match=r"maximum run time limit of 0\.01m") as ended:
        pool.run("query", job)
    assert ended.value.code == "EXCEEDED_TIME_LIMIT"
    assert time.process_time() - began < 5
    assert pool.run("next", {**job, "sql": "select 1 as n"}) == {"rows": 1}
    pool.close()


def test_the_time_limit_can_be_set(tmp_path: Path) -> None:
    with LocalAwsProcess(tmp_path, "--query-minutes", "0.02") as process:
        process.client("s3").create_bucket(Bucket="out")
        athena = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        status = athena.run(
            "select count(*) from unnest(sequence(1, 10000)) t(x) "
            "cross join unnest(sequence(1, 10000)) u(y) "
            "cross join unnest(sequence(1, 10000)) v(z) where (x * y + z) % 7 = 3"
        )["Status"]
        assert status["StateChangeReason"].startswith("EXCEEDED_TIME_LIMIT: Query exceeded")
        assert athena.rows("select 1") == [["1"]]
