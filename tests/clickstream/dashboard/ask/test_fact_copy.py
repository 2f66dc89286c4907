"""The local copy after any order of refreshes, kills and vanished files."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.clickstream.dashboard.strategies import hours, visits
from tests.support.examples import examples

from clickstream.core.errors import InputError
from clickstream.dashboard.ask import fact_copy
from clickstream.dashboard.ask.fact_copy import FILE_NAME, FactCopy
from clickstream.lake import Lake, objects
from clickstream.lake.fact_files import (
    FACT_VIEWS,
    MANIFEST_KEY,
    FactFile,
    read_manifest,
)

MOMENT = datetime(2026, 11, 2, 9)


class Killed(Exception):
    """Stands for the end of the process."""


def contents(copy: FactCopy) -> dict[str, list[tuple[object, ...]]]:
    with copy.snapshot() as snapshot:
        tables = {row[0] for row in snapshot.cursor.execute("show tables").fetchall()}
        return {
            view: sorted(snapshot.cursor.execute(f"from {view}").fetchall(), key=repr)
            for view in FACT_VIEWS
            if view in tables
        }


def afresh(store: FactStore) -> dict[str, list[tuple[object, ...]]]:
    with TemporaryDirectory() as directory:
        copy = FactCopy(Path(directory), store.read_file)
        copy.update(store.manifest)
        found = contents(copy)
        copy.close()
    return found


def without_empty(tables: dict[str, list[tuple[object, ...]]]) -> dict[str, object]:
    return {view: rows for view, rows in tables.items() if rows}


states = st.lists(
    st.tuples(
        st.lists(visits, max_size=6), st.lists(hours, max_size=4, unique_by=lambda h: h.hour_at)
    ),
    min_size=1,
    max_size=3,
)


@examples(times=0.5)
@given(states, st.lists(st.integers(0, 12), max_size=4), st.booleans(), st.integers(1, 21))
def test_after_any_refreshes_and_kills_the_copy_equals_one_made_afresh(
    steps, kills, reopens, rows_of_a_batch
) -> None:
    store = FactStore({})
    batches = patch.object(fact_copy, "ROWS_OF_A_BATCH", rows_of_a_batch)
    with batches, TemporaryDirectory() as directory:
        fuse = {"left": -1}

        def read(file: FactFile) -> pa.Table | None:
            if fuse["left"] == 0:
                raise Killed
            fuse["left"] -= 1
            return store.files.get(file.key)

        copy = FactCopy(Path(directory), read)
        for number, (some, published) in enumerate(steps):
            store.put(fact_tables(some, published))
            before = contents(copy)
            fuse["left"] = kills[number] if number < len(kills) else -1
            try:
                copy.update(store.manifest)
            except Killed:
                assert contents(copy) == before
                if reopens:
                    copy.close()
                    copy = FactCopy(Path(directory), read)
                    assert contents(copy) == before
        fuse["left"] = -1
        copy.update(store.manifest)
        found = without_empty(contents(copy))
        copy.close()
    assert found == without_empty(afresh(store))


def test_a_reader_keeps_its_version_while_the_copy_is_updated(tmp_path) -> None:
    store = FactStore(fact_tables([Visit(MOMENT)]))
    copy = FactCopy(tmp_path, store.read_file)
    copy.update(store.manifest)
    with copy.snapshot() as early:
        store.put(fact_tables([Visit(MOMENT), Visit(MOMENT)]))
        assert copy.update(store.manifest)
        assert early.cursor.execute("select count(*) from session_facts").fetchone() == (1,)
        assert early.state.version < store.manifest.version
    with copy.snapshot() as late:
        assert late.cursor.execute("select count(*) from session_facts").fetchone() == (2,)
    copy.close()


def test_the_old_version_stays_when_a_file_has_been_replaced_meanwhile(tmp_path) -> None:
    store = FactStore(fact_tables([Visit(MOMENT)]))
    copy = FactCopy(tmp_path, store.read_file)
    copy.update(store.manifest)
    before = contents(copy)
    store.put(fact_tables([Visit(MOMENT), Visit(MOMENT)]))
    store.files.clear()
    assert not copy.update(store.manifest)
    assert contents(copy) == before
    copy.close()


def test_a_first_copy_holds_only_the_files_of_a_batch_in_memory(tmp_path) -> None:
    days = [MOMENT + timedelta(days=number) for number in range(20)]
    store = FactStore(fact_tables([Visit(day) for day in days]))
    sizes, allocated = [], []

    def read(file: FactFile) -> pa.Table:
        allocated.append(pa.total_allocated_bytes())
        rows = store.files[file.key]
        large = rows.take(pa.array([0] * 5000)) if len(rows) else rows
        sizes.append(large.nbytes)
        return large

    copy = FactCopy(tmp_path, read)
    with patch.object(fact_copy, "ROWS_OF_A_BATCH", 5000):
        copy.update(store.manifest)
    copy.close()
    assert sum(sizes) > 20 * max(sizes)
    assert max(allocated) - allocated[0] < 5 * max(sizes)


def test_the_same_manifest_reads_no_file_again(tmp_path) -> None:
    store = FactStore(fact_tables([Visit(MOMENT)]))
    copy = FactCopy(tmp_path, store.read_file)
    assert copy.update(store.manifest)
    store.files.clear()
    assert not copy.update(store.manifest)
    copy.close()


def test_only_files_that_differ_are_read(tmp_path) -> None:
    later = datetime(2026, 11, 3, 9)
    store = FactStore(fact_tables([Visit(MOMENT), Visit(later)]))
    read: list[str] = []

    def reading(file: FactFile) -> pa.Table | None:
        read.append(file.key)
        return store.files.get(file.key)

    copy = FactCopy(tmp_path, reading)
    copy.update(store.manifest)
    read.clear()
    store.put(fact_tables([Visit(MOMENT), Visit(later, device="mobile")]))
    copy.update(store.manifest)
    assert {key.split("/")[1] for key in read} == {"session_facts"}
    assert len(read) == 1
    copy.close()


LATER = datetime(2026, 11, 3, 9)
MOODS = "select mood from session_facts order by session_date"


def test_a_view_with_another_column_is_made_afresh(tmp_path: Path) -> None:
    store = FactStore(fact_tables([Visit(MOMENT), Visit(LATER)]))
    copy = FactCopy(tmp_path, store.read_file)
    copy.update(store.manifest)
    tables = fact_tables([Visit(MOMENT), Visit(LATER)])
    for key in [key for key in tables if key[0] == "session_facts"]:
        renamed = ["mood" if name == "device" else name for name in tables[key].column_names]
        tables[key] = tables[key].rename_columns(renamed)
    store.put(tables)
    copy.update(store.manifest)
    assert contents(copy) == afresh(store)
    copy.close()


def test_a_copy_closes_while_a_question_runs(tmp_path) -> None:
    copy, is_running = FactCopy(tmp_path), Event()

    def running(number: int) -> int:
        is_running.set()
        return number

    def ask() -> None:
        with copy.snapshot() as snapshot:
            snapshot.cursor.create_function("running", running, ["BIGINT"], "BIGINT")
            snapshot.cursor.execute("select sum(running(range)) from range(10000000)")

    with ThreadPoolExecutor() as pool:
        question = pool.submit(ask)
        is_running.wait()
        copy.close()
        with pytest.raises(duckdb.Error):
            question.result()
    FactCopy(tmp_path).close()


def test_a_second_process_is_refused_with_what_to_do(tmp_path) -> None:
    copy = FactCopy(tmp_path, FactStore({}).read_file)
    program = (
        "from pathlib import Path; from clickstream.dashboard.ask.fact_copy import FactCopy;"
        f"FactCopy(Path({str(tmp_path)!r}), lambda file: None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    copy.close()
    assert "Another process has the dashboard's copy" in done.stderr
    assert "set [dashboard] directory" in done.stderr


def test_a_damaged_copy_is_made_afresh(tmp_path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all")
    store = FactStore(fact_tables([Visit(MOMENT)]))
    copy = FactCopy(tmp_path, store.read_file)
    assert copy.update(store.manifest)
    assert len(contents(copy)["session_facts"]) == 1
    copy.close()


def test_only_its_owner_may_read_the_copy(tmp_path) -> None:
    copy = FactCopy(tmp_path / "new", FactStore({}).read_file)
    copy.close()
    assert (tmp_path / "new" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_a_manifest_of_another_format_is_refused(lake: Lake) -> None:
    objects.put(lake, MANIFEST_KEY, b'{"format": 99}')
    with pytest.raises(InputError, match="has format 99"):
        read_manifest(lake)


def test_a_manifest_of_another_lake_with_the_same_version_replaces_the_copy(tmp_path) -> None:
    one, other = (FactStore(fact_tables([Visit(MOMENT)] * number)) for number in (1, 2))
    other.manifest = replace(other.manifest, changed_at=other.manifest.changed_at.replace(hour=1))
    copy = FactCopy(tmp_path, one.read_file)
    copy.update(one.manifest)
    copy.close()
    copy = FactCopy(tmp_path, other.read_file)
    assert copy.update(other.manifest)
    assert len(contents(copy)["session_facts"]) == 2
    copy.close()
