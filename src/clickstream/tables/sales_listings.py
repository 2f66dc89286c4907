"""The tables of sales without dates at the source: the lake keeps each version of their rows.

The date of a version is the UTC date on which a pull first found it.
"""

from __future__ import annotations

from dataclasses import replace

from clickstream.tables.columns import CURRENCY, DATE_AT, EVENT_DATE, ROW_NUMBER, SALES_SOURCE
from clickstream.tables.table_type import Column, Table, key

_SINCE = replace(EVENT_DATE, meaning="UTC date on which a pull first found this version.")
_IS_REMOVED = key(
    "is_removed",
    "boolean",
    "Whether the source has lost the row since; then it has its last values.",
)
_DATES = (_SINCE, DATE_AT, SALES_SOURCE)
_FILTERS = ("event_date", "hour_at", "sales_source")

MENU_ITEMS = Table(
    "menu_items",
    "one version of an item on the menu of a source",
    (
        *_DATES,
        key("item_id", "string", "Id of the item at the source."),
        Column("name", "string", "Name of the item."),
        Column("category", "string", "Category of the item, such as Drinks."),
        Column("price_cents", "long", "Price of one; null if not known."),
        Column("cost_cents", "long", "What one costs the shop; null if not known."),
        CURRENCY,
        _IS_REMOVED,
    ),
    ("sales_source", "item_id"),
    _FILTERS,
)

STORES = Table(
    "stores",
    "one version of a store of a source",
    (
        *_DATES,
        key("store_id", "string", "Id of the store at the source."),
        Column("name", "string", "Name of the store."),
        key("kind", "string", "café or online."),
        Column("latitude", "double", "Latitude, in degrees north."),
        Column("longitude", "double", "Longitude, in degrees east."),
        Column("country", "string", "Country, as the source has it."),
        Column("region", "string", "State or region."),
        Column("city", "string", "City."),
        Column("time_zone", "string", "Time zone of the store, as the source has it."),
        Column("opened_on", "date", "First date on which it was open."),
        Column("closed_on", "date", "Date on which it closed; null while it is open."),
        _IS_REMOVED,
    ),
    ("sales_source", "store_id"),
    _FILTERS,
)

DEMOGRAPHICS = Table(
    "demographics",
    "one version of a measure of a place in a year",
    (
        *_DATES,
        key("place_id", "string", "Id of the place; without one its country, region and name."),
        Column("name", "string", "Name of the place."),
        Column("country", "string", "Country, as the source has it."),
        Column("region", "string", "State or region, as the source has it."),
        key("year", "long", "Year of the value."),
        key("measure", "string", "What is measured, such as people."),
        key("value", "double", "The value."),
        _IS_REMOVED,
    ),
    ("sales_source", "place_id", "year", "measure"),
    _FILTERS,
)

LISTING_REJECTS = Table(
    "listing_rejects",
    "one row of a table without dates that can't be used, as of the date of its publication",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("of_table", "string", "The table that the row would be in."),
        Column("row_id", "string", "Id of the item, store or place; null if the row has none."),
        key("reason", "string", "Why the row can't be used."),
        Column("column", "string", "The column of the source with the value; null for the row."),
        Column("value", "string", "The wrong value, up to 40 characters; null for the row."),
        key("source_object", "string", "Table or file that the row was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "of_table", "row_number"),
    _FILTERS,
)

LISTING_LEDGER = Table(
    "listing_ledger",
    "one date on which the tables without dates of a source changed; a publication writes it last",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("menu_items", "long", "Items of the source at the end of the date."),
        key("stores", "long", "Stores of the source at the end of the date."),
        key("demographics", "long", "Measures of places of the source at the end of the date."),
        key("rejected", "long", "Number of the date's rows in listing_rejects."),
        key("source_digest", "string", "Digest of the rows and rejects of the source."),
        key("library_version", "string", "Version of clickstream that read the rows."),
        key("published_at", "timestamp", "Time at which the date was published, UTC."),
        key("published_by", "string", "Id of the run that published the date."),
    ),
    ("sales_source",),
    _FILTERS,
)

VERSIONED_TABLES = (MENU_ITEMS, STORES, DEMOGRAPHICS)
"""The tables with versions, in the order of `sales.fields.LISTINGS`."""

LISTING_TABLES = (*VERSIONED_TABLES, LISTING_REJECTS, LISTING_LEDGER)
"""The tables that a publication of listings writes, in the order of the commits."""
