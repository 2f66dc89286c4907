"""Compile the fact views for `clickstream open` and `try`, from Athena's SQL to DuckDB's.

`make docs` runs it, and a test compares the result. src/clickstream/logs/fact_views.sql has the
macros that the views call, and a temporary view for each fact view, over the tables of a lake as
relations such as "table hits". So a start compiles nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.lake.views import AthenaView, read_views
from clickstream.tables import ENGAGED_SECONDS, TABLES
from trino_duckdb import QueryError, TableColumns, ViewText, compile_statement
from trino_duckdb.calls import FUNCTIONS_SQL
from trino_duckdb.compiler import SETTINGS

ROOT = Path(__file__).parents[1]
COMPILED = ROOT / "src" / "clickstream" / "logs" / "fact_views.sql"
ZONE = "Antarctica/Troll"
"""The zone with which the views are compiled; in the file, it is a name in braces."""
KEY_DAYS = 12_345
"""The setting of a lake, which no fact view may depend on."""

HEADER = """-- Fact views for log files, in DuckDB's SQL. `make docs` compiles include/sql to it.
-- {time_zone} is the zone of the log. The line above a view names the column of its dates.
"""


class Catalog:
    """The tables and views of a lake, whose types are known to be right."""

    def __init__(self) -> None:
        values = {"key_days": KEY_DAYS, "engaged_seconds": ENGAGED_SECONDS, "time_zone": ZONE}
        self.views = {view.name: view for view in read_views(ROOT / "include" / "sql", values)}
        self._tables = {table.name for table in TABLES}

    def find(self, schema: str, name: str, _version: object) -> ViewText | TableColumns:
        """Return a table or view. Raises QueryError (TABLE_NOT_FOUND)."""
        if name in self._tables:
            return TableColumns(())
        if name not in self.views:
            raise QueryError("TABLE_NOT_FOUND", f"Table '{name}' does not exist")
        return ViewText(schema, self.views[name].sql, ())


def compile_views() -> str:
    """Return the text of the file."""
    catalog = Catalog()
    views = "\n".join(compile_view(catalog, catalog.views[name]) for name in FACT_VIEWS)
    if str(KEY_DAYS) in views:
        raise ValueError("A fact view depends on the days of a visitor key.")
    settings = "".join(f"{setting};\n" for setting in SETTINGS)
    return f"{HEADER}{settings}{''.join(macros_of(views))}{views}"


def compile_view(catalog: Catalog, view: AthenaView) -> str:
    """Return the statement that creates a view, below a line with its name and its date column."""
    if not view.filter_by:
        raise ValueError(f"The view {view.name} has no filter_by in its description.")
    compiled = compile_statement(view.sql, "lake", catalog, is_checked=False)
    sql = compiled.over({scan.number: f'"table {scan.table}"' for scan in compiled.scans})
    sql = sql.replace(f"'{ZONE}'", "'{time_zone}'")
    return (
        f"-- view {view.name} by {view.filter_by.column}\ncreate temp view {view.name} as {sql};\n"
    )


def macros_of(sql: str) -> Iterator[str]:
    """Yield the macros that a statement calls, and those that these call, in their order."""
    statements = re.findall(r"^create macro .*?;$", FUNCTIONS_SQL, re.MULTILINE | re.DOTALL)
    macros = {statement.split()[2].partition("(")[0]: statement for statement in statements}
    called: set[str] = set()
    texts = [sql]
    while texts:
        new = {*re.findall(r"\btrino_\w+", texts.pop().lower())} & macros.keys() - called
        called |= new
        texts += [macros[name] for name in new]
    yield from (f"{text}\n" for name, text in macros.items() if name in called)


if __name__ == "__main__":
    COMPILED.write_text(compile_views(), encoding="utf-8")
