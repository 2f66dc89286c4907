"""The tables of sales. Amounts are whole hundredths (cents) of a currency; dates are UTC dates."""

from __future__ import annotations

from dataclasses import replace

from clickstream.tables.columns import (
    CURRENCY,
    CUSTOMER,
    DATE_AT,
    EVENT_DATE,
    ROW_NUMBER,
    SALES_SOURCE,
    UTM,
)
from clickstream.tables.locations import LOCATION_CANDIDATES
from clickstream.tables.sales_listings import LISTING_TABLES
from clickstream.tables.sales_matches import MATCH_TABLES
from clickstream.tables.table_type import Column, Table, key

_ORDER_ID = key("order_id", "string", "Id of the order at the source.")

ORDERS = Table(
    "orders",
    "one order, at the UTC date of its time",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        _ORDER_ID,
        key("order_number", "string", "Number of the order that its customer sees."),
        key("ordered_at", "timestamp", "Time of the order, UTC."),
        key(
            "is_ambiguous_time",
            "boolean",
            "Whether the local time occurs twice, because clocks were set back; the first one is "
            "taken.",
        ),
        key("business_date", "date", "Date of the order in the time zone of the shop."),
        Column("store_id", "string", "Id of the store; null if the source has none."),
        key("sold_by", "string", "Where it was sold: web, phone, counter, app or partner."),
        key("status", "string", "State of the order: open, paid, cancelled or test."),
        Column("items_cents", "long", "Sum of the items before discounts; null if not known."),
        key("discount_cents", "long", "Discount of the whole order, as a positive amount."),
        key("tax_cents", "long", "Tax of the order."),
        key("is_tax_included", "boolean", "Whether the amounts of items include the tax."),
        key("shipping_cents", "long", "Price of the delivery."),
        key("tip_cents", "long", "Tip."),
        key("rounding_cents", "long", "Rounding of the total, as the source has it."),
        key("total_cents", "long", "What the customer pays, before refunds."),
        CURRENCY,
        CUSTOMER,
        Column("coupon", "string", "Code of the coupon."),
        key("source_object", "string", "Table or file that the order was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "order_id"),
    ("event_date", "hour_at", "sales_source", "order_id"),
)

ORDER_ITEMS = Table(
    "order_items",
    "one line of an order, at the UTC date of the order",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        _ORDER_ID,
        key("line", "long", "Number of the line in its order."),
        Column("item_id", "string", "Id of the item on the menu; null if the source has none."),
        Column("name_as_sold", "string", "Name of the item in the order."),
        key("quantity", "double", "Number or weight that was sold."),
        Column("price_cents", "long", "Price of one; null if the source has none."),
        key("discount_cents", "long", "Discount of the line, as a positive amount."),
        key("tax_cents", "long", "Tax of the line."),
        key("amount_cents", "long", "Price of the line before its discount."),
        CURRENCY,
        ROW_NUMBER,
    ),
    ("sales_source", "order_id", "line"),
    ("event_date", "hour_at", "sales_source", "order_id"),
)

REFUNDS = Table(
    "refunds",
    "one refund, at the UTC date of its time",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("refund_id", "string", "Id of the refund at the source."),
        Column("order_id", "string", "Id of the order; null if the source does not know it."),
        Column("line", "long", "Line of the order; null for the whole order."),
        key("refunded_at", "timestamp", "Time of the refund, UTC."),
        key("is_ambiguous_time", "boolean", "Whether the local time occurs twice."),
        key("kind", "string", "refund, cancel, void, chargeback or discrepancy."),
        key("amount_cents", "long", "What the customer gets back, with tax, as a positive amount."),
        key("tax_cents", "long", "Tax in this amount."),
        CURRENCY,
        key("source_object", "string", "Table or file that the refund was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "refund_id"),
    ("event_date", "hour_at", "sales_source", "refund_id"),
)

CAMPAIGN_SPEND = Table(
    "campaign_spend",
    "what a campaign cost on one date, by the calendar of its platform",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("platform", "string", "Advertising platform, such as google."),
        Column("account", "string", "Account on the platform; null if the source has none."),
        key("campaign_id", "string", "Id of the campaign on the platform."),
        *UTM,
        key("spend_cents", "long", "What the campaign cost on the date."),
        CURRENCY,
        Column("impressions", "long", "How often it was shown; null if not known."),
        Column("clicks", "long", "Clicks on it; null if not known."),
        key("source_object", "string", "Table or file that the row was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "platform", "campaign_id", "row_number"),
    ("event_date", "hour_at", "sales_source", "campaign_id"),
)

CONSENTS = Table(
    "consents",
    "what a customer agreed to or refused, at the UTC date of its time",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        replace(CUSTOMER, required=True),
        key("purpose", "string", "What the data may be used for, in the words of the source."),
        key("recorded_at", "timestamp", "Time of the statement, UTC."),
        key("is_ambiguous_time", "boolean", "Whether the local time occurs twice."),
        key("state", "string", "granted, denied or withdrawn; the latest of a purpose counts."),
        Column("text_version", "string", "Version of the text that the customer saw."),
        key("source_object", "string", "Table or file that the row was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "customer_key", "purpose", "recorded_at"),
    ("event_date", "hour_at", "sales_source"),
)

SALES_REJECTS = Table(
    "sales_rejects",
    "one row of a source of sales that can't be used",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("of_table", "string", "The table that the row would be in."),
        Column("row_id", "string", "Id of the order, refund or campaign; null without one."),
        key("reason", "string", "Why the row can't be used."),
        Column("column", "string", "The column of the source with the value; null for the row."),
        Column("value", "string", "The wrong value, up to 40 characters; null for the row."),
        key("source_object", "string", "Table or file that the row was read from."),
        ROW_NUMBER,
    ),
    ("sales_source", "of_table", "row_number"),
    ("event_date", "hour_at", "sales_source"),
)

SALES_LEDGER = Table(
    "sales_ledger",
    "one date of a source of sales; a publication writes this row last",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("source_orders", "long", "Orders that the source has, with those that are rejects."),
        key("source_order_items", "long", "Lines of orders that the source has."),
        key("source_refunds", "long", "Refunds that the source has."),
        key("source_campaign_spend", "long", "Rows of campaigns' spending that the source has."),
        key("source_consents", "long", "Consents that the source has."),
        key("orders", "long", "Number of the date's rows in orders."),
        key("order_items", "long", "Number of the date's rows in order_items."),
        key("refunds", "long", "Number of the date's rows in refunds."),
        key("campaign_spend", "long", "Number of the date's rows in campaign_spend."),
        key("consents", "long", "Number of the date's rows in consents."),
        key("rejected", "long", "Number of the date's rows in sales_rejects."),
        key("gross_cents", "long", "Sum of the totals of paid orders."),
        key("refunded_cents", "long", "Sum of the refunds of the date."),
        key("items_cents", "long", "Sum of the lines, less their discounts."),
        key("spend_cents", "long", "Sum of what campaigns cost on the date."),
        Column(
            "differing_orders",
            "long",
            "Orders whose parts do not give their total; null if not checked, because no order of "
            "the date has parts at the source.",
        ),
        Column(
            "differing_cents",
            "long",
            "Sum of these differences, each without its sign; null if not checked.",
        ),
        CURRENCY,
        key(
            "source_digest",
            "string",
            "Digest of the rows at the source, and of the rules by which they were read.",
        ),
        Column(
            "rows_digest",
            "string",
            "Digest of all rows of the date that were published; null by an earlier release.",
        ),
        key("library_version", "string", "Version of clickstream that read the rows."),
        key("published_at", "timestamp", "Time at which the date was published, UTC."),
        key("published_by", "string", "Id of the run that published the date."),
    ),
    ("sales_source",),
    ("event_date", "hour_at", "sales_source"),
)

DATED_TABLES = (ORDERS, ORDER_ITEMS, REFUNDS, CAMPAIGN_SPEND, CONSENTS)
"""The tables of the dated rows of a source; each row of the source is in one, or is a reject."""

OF_SALES_DAYS = (*DATED_TABLES, SALES_REJECTS)
"""The tables whose rows are those of a source and a date."""

SALES_TABLES = (
    *OF_SALES_DAYS,
    SALES_LEDGER,
    *LISTING_TABLES,
    *MATCH_TABLES,
    LOCATION_CANDIDATES,
)
"""The tables of a lake with `[[sales]]`."""
