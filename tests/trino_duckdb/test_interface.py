"""A compiled statement reads relations in place of its tables, and changes nothing else."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from trino_duckdb import TableColumns, compile_statement, types


class OneTable:
    """A catalog with one table of one column."""

    def find(self, _schema: str, _name: str, _version: object) -> TableColumns:
        return TableColumns([("x", types.parse_type("VARCHAR"))])


@given(st.lists(st.sampled_from(["@scan0", "'", '"', "(", " ", ";", "--"])).map("".join))
def test_a_relation_takes_the_place_of_a_scan_and_changes_no_text(text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    compiled = compile_statement(f"select x, {literal} from t", "default", OneTable())
    assert [scan.table for scan in compiled.scans] == ["t"]
    rows = duckdb.connect().execute(compiled.over({0: "(select 'a row' as x)"})).fetchall()
    assert rows == [("a row", text)]
