"""Definition of each table of the lake: its columns with type, unit, privacy class and meaning.

The Iceberg schema, the comments in Glue, the data dictionary and the tests are built from it.
"""

from clickstream.tables.dates import (
    OF_DATES,
    PEOPLE_ESTIMATES,
    SUSPECTED_COHORTS,
    SUSPECTED_VISITORS,
    VISITOR_COUNTS,
)
from clickstream.tables.hour_ledger import BALANCE, HOSTS_SEPARATOR, HOUR_LEDGER
from clickstream.tables.requests import HITS, RAW_OBJECTS, REJECTS
from clickstream.tables.sessions import COMPARED, SESSION_CHANGES, SESSION_PARTS, UNSTITCHED_PARTS
from clickstream.tables.table_type import ARROW, FIRST_COLUMNS_VERSION, Column, Privacy, Table, Type

__all__ = [
    "ARROW",
    "BALANCE",
    "COLUMNS_VERSION",
    "COMPARED",
    "ENGAGED_SECONDS",
    "FIRST_COLUMNS_VERSION",
    "HITS",
    "HOSTS_SEPARATOR",
    "HOUR_LEDGER",
    "LAYOUT_VERSION",
    "OF_DATES",
    "PEOPLE_ESTIMATES",
    "RAW_OBJECTS",
    "REJECTS",
    "SESSION_CHANGES",
    "SESSION_PARTS",
    "SUSPECTED_COHORTS",
    "SUSPECTED_VISITORS",
    "TABLES",
    "UNSTITCHED_PARTS",
    "VISITOR_COUNTS",
    "Column",
    "Privacy",
    "Table",
    "Type",
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

COLUMNS_VERSION = max(one.since for table in TABLES for one in table.columns)
"""Version of the tables, and of their optional columns.

A new optional column is `since` the next version, and so is the table of new columns. An existing
lake gets them when a process opens the lake to write, and each published hour records the version
of its rows in the ledger.
"""
