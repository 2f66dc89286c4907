"""Definition of each table of the lake: its columns with type, unit, privacy class and meaning.

The Iceberg schema, the comments in Glue, the data dictionary and the tests are built from it.
"""

from clickstream.tables.dates import OF_DATES
from clickstream.tables.hour_ledger import BALANCE, HOUR_LEDGER
from clickstream.tables.requests import HITS, RAW_OBJECTS, REJECTS
from clickstream.tables.sessions import SESSION_CHANGES, SESSION_PARTS
from clickstream.tables.table_type import FIRST_COLUMNS_VERSION, Column, Table

__all__ = [
    "BALANCE",
    "COLUMNS_VERSION",
    "ENGAGED_SECONDS",
    "FIRST_COLUMNS_VERSION",
    "HITS",
    "HOUR_LEDGER",
    "LAYOUT_VERSION",
    "OF_DATES",
    "RAW_OBJECTS",
    "REJECTS",
    "SESSION_CHANGES",
    "SESSION_PARTS",
    "TABLES",
    "Column",
    "Table",
]

LAYOUT_VERSION = 3
"""Version of the tables' layout, stored as a property of each table of the lake.

Increase it if a column is removed, renamed or retyped, or if it becomes required. A lake of another
version is refused, and its hours are built again in a new database. A new optional column does not
change the layout: see COLUMNS_VERSION. Tables of version 1 lack the property.
"""

ENGAGED_SECONDS = 10
"""A session that lasts longer than this is engaged, as in GA4."""

TABLES = (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER, *OF_DATES)

"""The tables of every lake; those of sales are in `tables.sales`."""

COLUMNS_VERSION = max(one.since for table in TABLES for one in table.columns)
"""Version of the tables, and of their optional columns.

A new optional column is `since` the next version, and so is the table of new columns. An existing
lake gets them when a process opens the lake to write, and each published hour records the version
of its rows in the ledger.
"""
