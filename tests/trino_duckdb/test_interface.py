"""The package exports its names, and a process loads only the libraries that it uses."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

import trino_duckdb
from trino_duckdb import TableColumns, compile_statement, types

COMPILING = "CompiledStatement, Condition, QueryError, Relations, Scan, TableColumns, ViewText"
RUNNING = "QueryError, check_types, explain_failure, prepare_connection, renderer, types"


@each_case("name", trino_duckdb.__all__)
def test_every_exported_name_exists(name: str) -> None:
    assert getattr(trino_duckdb, name)


def test_other_names_do_not_exist() -> None:
    assert not hasattr(trino_duckdb, "explain")


@pytest.mark.parametrize(
    ("names", "unused"),
    [(f"compile_statement, {COMPILING}", "duckdb"), (RUNNING, "sqlglot")],
)
def test_a_process_does_not_load_a_library_that_it_does_not_use(names: str, unused: str) -> None:
    program = f"import sys; from trino_duckdb import {names}; print({unused!r} in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


class OneTable:
    """A catalog with one table of one column."""

    def find(self, _schema: str, _name: str, _version: object) -> TableColumns:
        return TableColumns([("scan1", types.VARCHAR)])


@given(st.lists(st.sampled_from(["scan1", "'", '"', "(", " ", ";", "--"])).map("".join))
def test_a_select_replaces_the_view_of_a_scan_and_changes_no_text(text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    compiled = compile_statement(f"select scan1, {literal} from t", "default", OneTable())
    assert [scan.view for scan in compiled.scans] == ["scan1"]
    rows = duckdb.connect().execute(compiled.over({"scan1": "select 'a row'"})).fetchall()
    assert rows == [("a row", text)]
