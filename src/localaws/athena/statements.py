"""Statements other than queries: views, SHOW and DESCRIBE. Others are refused by name."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.athena import table_text
from localaws.athena.tables import QueryTables, is_view
from localaws.errors import AwsError
from localaws.glue import GlueCatalogStore
from trino_duckdb import QueryError, Type, compile_statement, not_supported, types

QUERY_WORDS = ("SELECT", "WITH", "VALUES", "(", "TABLE")
LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.DOTALL)
NAME = r'((?:[\w$]+|"[^"]+"|`[^`]+`)(?:\s*\.\s*(?:[\w$]+|"[^"]+"|`[^`]+`))*)'
CREATE_VIEW = re.compile(
    rf"CREATE\s+(OR\s+REPLACE\s+)?VIEW\s+{NAME}\s+AS\s+(.*)", re.IGNORECASE | re.DOTALL
)
DROP_VIEW = re.compile(rf"DROP\s+VIEW\s+(IF\s+EXISTS\s+)?{NAME}", re.IGNORECASE)
SHOW_TABLES = re.compile(rf"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+{NAME})?", re.IGNORECASE)
SHOW_COLUMNS = re.compile(rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{NAME}", re.IGNORECASE)
SHOW_CREATE_TABLE = re.compile(rf"SHOW\s+CREATE\s+TABLE\s+{NAME}", re.IGNORECASE)
SHOW_PARTITIONS = re.compile(rf"SHOW\s+PARTITIONS\s+{NAME}", re.IGNORECASE)
DESCRIBE = re.compile(rf"DESC(?:RIBE)?\s+{NAME}", re.IGNORECASE)
OTHER_STATEMENTS = frozenset(
    "ALTER ANALYZE CALL COMMIT CREATE DEALLOCATE DELETE DESC DESCRIBE DROP EXECUTE EXPLAIN GRANT "
    "INSERT LOAD MERGE MSCK OPTIMIZE PREPARE REFRESH RESET REVOKE ROLLBACK SET SHOW START "
    "TRUNCATE UNLOAD UPDATE USE VACUUM".split()
)
WRITES_ROWS = re.compile(r"CREATE\s+TABLE\b.*\bAS\b|UNLOAD\b", re.IGNORECASE | re.DOTALL)
"""Statements that clients build around a SELECT to read its rows as Parquet."""

DESCRIBE_COLUMNS = ("col_name", "data_type", "comment")
CELL_WIDTH = 20


@dataclass(frozen=True)
class Lines:
    """Result of a statement that is not a query: lines of text under column names."""

    columns: Sequence[str]
    lines: Sequence[str]


def plain(sql: str) -> str:
    """Return a statement without leading comments and the final semicolon."""
    match = LEADING.match(sql)
    return sql[match.end() if match else 0 :].rstrip().rstrip(";").rstrip()


def is_query(sql: str) -> bool:
    """Whether a statement is a query, which DuckDB runs."""
    return plain(sql).upper().startswith(QUERY_WORDS)


def statement_type(sql: str) -> str:
    """Return DML, DDL or UTILITY, as Athena classifies statements."""
    if is_query(sql):
        return "DML"
    first = plain(sql).split(None, 1)[:1]
    words = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN")
    return "UTILITY" if first and first[0].upper() in words else "DDL"


class Statements:
    """Runs statements that are not queries on the catalog."""

    def __init__(self, glue: GlueCatalogStore, database: str, tables: QueryTables) -> None:
        self._glue = glue
        self._database = database
        self._tables = tables
        self._handlers: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Lines]]] = [
            (DROP_VIEW, self._drop_view),
            (SHOW_COLUMNS, self._show_columns),
            (SHOW_CREATE_TABLE, self._show_create_table),
            (SHOW_PARTITIONS, self._show_partitions),
            (SHOW_TABLES, self._show_tables),
            (DESCRIBE, self._describe),
        ]

    def run(self, sql: str) -> Lines:
        """Run a statement.

        Raises QueryError; for an unknown statement with its first words (NOT_SUPPORTED).
        """
        text = plain(sql)
        if match := CREATE_VIEW.fullmatch(text):
            return self._create_view(match, sql)
        for pattern, handler in self._handlers:
            if match := pattern.fullmatch(text):
                return handler(match)
        raise _refusal(text)

    def _name(self, text: str) -> tuple[str, str]:
        parts = [part.strip().strip('"`').lower() for part in text.split(".")]
        return (parts[-2] if len(parts) > 1 else self._database), parts[-1]

    def _create_view(self, match: re.Match[str], sql: str) -> Lines:
        database, name = self._name(match[2])
        query = match[3].strip()
        columns = self._view_columns(query, sql)
        table = view_input(name, self._database, query, columns)
        body = {"DatabaseName": database, "TableInput": table}
        try:
            self._glue.call("CreateTable", body)
        except AwsError as error:
            if error.code == "EntityNotFoundException":
                raise QueryError(
                    "SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist"
                ) from None
            if error.code != "AlreadyExistsException":
                raise
            if not match[1]:
                raise QueryError(
                    "ALREADY_EXISTS", f"line 1:1: View already exists: '{name}'"
                ) from None
            self._require_view(database, name)
            self._glue.call("UpdateTable", body)
        return Lines((), ())

    def _view_columns(self, query: str, sql: str) -> list[tuple[str, Type]]:
        """Return the columns of the view's query.

        Spaces replace the text before the query, so that errors have positions in the statement.
        """
        start = sql.index(query)
        padded = re.sub(r"[^\n]", " ", sql[:start]) + query
        compiled = compile_statement(padded, self._database, self._tables)
        names = [name and name.lower() for name, _ in compiled.columns]
        for position, name in enumerate(names, 1):
            if name is None:
                raise QueryError(
                    "MISSING_COLUMN_NAME", f"Column name not specified at position {position}"
                )
            if names.count(name) > 1:
                raise QueryError(
                    "DUPLICATE_COLUMN_NAME", f"Column name '{name}' specified more than once"
                )
        return [(name.lower(), kind) for name, kind in compiled.labels()]

    def _require_view(self, database: str, name: str) -> None:
        if not is_view(self._tables.entry(database, name)):
            raise QueryError("INVALID_VIEW", f"'{database}.{name}' is a table, not a view")

    def _drop_view(self, match: re.Match[str]) -> Lines:
        database, name = self._name(match[2])
        try:
            self._require_view(database, name)
        except QueryError as error:
            is_missing = error.code in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND")
            if not (is_missing and match[1]):
                raise
            return Lines((), ())
        self._glue.call("DeleteTable", {"DatabaseName": database, "Name": name})
        return Lines((), ())

    def _show_tables(self, match: re.Match[str]) -> Lines:
        database = self._name(match[1])[1] if match[1] else self._database
        try:
            names = sorted(table["Name"] for table in _tables(self._glue, database))
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist") from None
        return Lines(("tab_name",), names)

    def _columns(self, database: str, name: str) -> list[dict[str, Any]]:
        table = self._tables.entry(database, name)
        return [*table_text.current_columns(table), *table.get("PartitionKeys", [])]

    def _show_columns(self, match: re.Match[str]) -> Lines:
        database, name = self._name(match[1])
        names = [column["Name"].ljust(CELL_WIDTH) for column in self._columns(database, name)]
        return Lines(("field",), names)

    def _describe(self, match: re.Match[str]) -> Lines:
        """DESCRIBE prints two sections for an Iceberg table, and padded cells for a view."""
        database, name = self._name(match[1])
        entry = self._tables.entry(database, name)
        if not is_view(entry):
            table = self._tables.iceberg(entry)
            return Lines(DESCRIBE_COLUMNS, [*table_text.describe(entry, table)])
        lines = []
        for column in self._columns(database, name):
            cells = (column["Name"], column.get("Type", ""), column.get("Comment") or "")
            lines.append("\t".join(cell.ljust(CELL_WIDTH) for cell in cells))
        return Lines(DESCRIBE_COLUMNS, lines)

    def _show_create_table(self, match: re.Match[str]) -> Lines:
        entry = self._require_table(match[1], "its SQL is in the Glue catalog")
        text = table_text.show_create(entry, self._tables.iceberg(entry))
        return Lines(("createtab_stmt",), [*text])

    def _show_partitions(self, match: re.Match[str]) -> Lines:
        entry = self._require_table(match[1], "it has no partitions")
        text = table_text.show_partitions(entry, self._tables.iceberg(entry))
        return Lines(("partition",), [*text])

    def _require_table(self, text: str, advice: str) -> dict[str, Any]:
        database, name = self._name(text)
        entry = self._tables.entry(database, name)
        if is_view(entry):
            raise QueryError("INVALID_TABLE", f"'{database}.{name}' is a view; {advice}")
        return entry


def _refusal(text: str) -> QueryError:
    """Build the error for an unsupported statement, with its first words."""
    words = re.findall(r"\w+", text)[:2]
    if words and words[0].upper() in OTHER_STATEMENTS:
        error = not_supported(f"the statement {' '.join(words).upper()}")
        if WRITES_ROWS.match(text):
            advice = "Send the SELECT alone; with awswrangler, set ctas_approach=False"
            return QueryError(error.code, f"{error.message}. {advice}")
        return error
    return QueryError("SYNTAX_ERROR", f"mismatched input '{words[0] if words else text}'")


def _tables(glue: GlueCatalogStore, database: str) -> Iterator[dict[str, Any]]:
    """Yield the tables and views of a database, page by page. Raises AwsError."""
    request = {"DatabaseName": database}
    while True:
        answer = glue.call("GetTables", request)
        yield from answer["TableList"]
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def view_input(
    name: str, database: str, query: str, columns: Sequence[tuple[str, Type]]
) -> dict[str, Any]:
    """Build Glue's ``TableInput`` of a view, as Athena writes it."""
    definition = {
        "originalSql": query,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": types.trino_name(kind)} for column, kind in columns],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [
                {"Name": column, "Type": types.glue_name(kind)} for column, kind in columns
            ],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }
