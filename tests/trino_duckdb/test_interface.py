"""A compiled statement reads files in place of its tables, and changes nothing else."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from trino_duckdb import TableColumns, compile_statement, types


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
