"""Definition of each table of the lake: its columns with type, unit, privacy class and meaning.

The Iceberg schema, the comments in Glue, the data dictionary and the tests are built from it.
"""

from clickstream.core.text_digests import digest_texts
from clickstream.tables.hour_ledger import BALANCE, HOUR_LEDGER
from clickstream.tables.people import OF_DATES
from clickstream.tables.requests import HITS, RAW_OBJECTS, REJECTS
from clickstream.tables.sessions import SESSION_CHANGES, SESSION_PARTS
from clickstream.tables.table_type import Column, Table

__all__ = [
    "BALANCE",
    "ENGAGED_SECONDS",
    "HITS",
    "HOUR_LEDGER",
    "OF_DATES",
    "RAW_OBJECTS",
    "REJECTS",
    "SCHEMA",
    "SESSION_CHANGES",
    "SESSION_PARTS",
    "TABLES",
    "Column",
    "Table",
]

ENGAGED_SECONDS = 10
"""A session that lasts longer than this is engaged, as in GA4."""

TABLES = (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER, *OF_DATES)

"""The tables of every lake; those of sales are in `tables.sales`."""

SCHEMA = digest_texts(
    (str((column.name, column.type, column.required)) for t in TABLES for column in t.columns), 6
)
"""Digest of all columns. Rows that were staged, or cached, with another one are not used.

A column that is added later is optional: opening a lake adds it to the existing tables, and rows of
earlier files read null in it.
"""
