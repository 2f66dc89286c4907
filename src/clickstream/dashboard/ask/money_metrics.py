"""The metrics of money: orders, sales and refunds by the date of the order or the refund.

Amounts are hundredths of the currency that all sources of sales have.
"""

from __future__ import annotations

from clickstream.dashboard.ask.fact_views import DEMOGRAPHICS, ITEMS, MONEY, PAIRS
from clickstream.dashboard.ask.intervals import SHARE_MINIMUM
from clickstream.dashboard.ask.metric_type import Metric

_HOW_MUCH = "How much is sold?"
_TOGETHER = "What is bought together?"
_LATER = "The shop can change an order later; the next pull reads its date again."

MONEY_METRICS = (
    Metric(
        "orders",
        MONEY,
        "Orders",
        "coalesce(sum(orders), 0)",
        "Paid orders of all sources of sales: web, phone, counter and others.",
        "How many orders does the shop have?",
        _LATER,
        is_additive=True,
    ),
    Metric(
        "net_sales",
        MONEY,
        "Net sales",
        "coalesce(sum(net_cents), 0)",
        (
            "Totals of the paid orders in the range, less the refunds in the range. A refund "
            "counts at its own date, and for the channel and the place of its order."
        ),
        _HOW_MUCH,
        _LATER,
        format="cents",
        is_additive=True,
    ),
    Metric(
        "sales_squares",
        MONEY,
        "Net sales, squared",
        "coalesce(sum(cast(net_cents as double) * net_cents), 0)",
        "Sum over all orders and refunds of their squared amounts.",
        "How far does chance move net sales?",
        "Only comparisons of net sales use it: large orders change them most.",
        format="amount",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "gross_sales",
        MONEY,
        "Gross sales",
        "coalesce(sum(gross_cents), 0)",
        "Totals of the paid orders in the range, before refunds.",
        _HOW_MUCH,
        _LATER,
        format="cents",
        is_additive=True,
    ),
    Metric(
        "average_order",
        MONEY,
        "Average order",
        "cast(sum(gross_cents) as double) / nullif(sum(orders), 0)",
        "Average total of the paid orders in the range, before refunds.",
        "How large are orders?",
        "A few very large orders raise it.",
        format="cents",
    ),
    Metric(
        "refunds",
        MONEY,
        "Refunds",
        "coalesce(sum(refunds), 0)",
        "Refunds in the range, also of orders of earlier dates.",
        "How often is money paid back?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "refunds_paid",
        MONEY,
        "Refunded",
        "coalesce(sum(refunded_cents), 0)",
        "Sum of the refunds in the range, also of orders of earlier dates.",
        "How much is paid back?",
        format="cents",
        good="down",
        is_additive=True,
    ),
    Metric(
        "sales_counted",
        MONEY,
        "Orders with refunds",
        "count(distinct coalesce(order_id, refund_id))",
        "Different orders with a payment or a refund in the range.",
        "Is a group large enough to be shown?",
        good="neither",
    ),
    Metric(
        "web_orders",
        MONEY,
        "Web orders",
        "coalesce(sum(web_orders), 0)",
        "Paid orders on the web or in the app.",
        "How many orders come from the website?",
        _LATER,
        is_additive=True,
    ),
    Metric(
        "matched_orders",
        MONEY,
        "Orders with a visit",
        "coalesce(sum(matched_orders), 0)",
        "Paid orders whose visit is known, by the number on their confirmation page.",
        "Of how many orders do we know the visit?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "matched_share",
        MONEY,
        "With a visit",
        "cast(sum(matched_orders) as double) / nullif(sum(web_orders), 0)",
        "Share of the web orders whose visit is known.",
        "How complete are sales by channel, page and place?",
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
        size_sql="sum(web_orders)",
    ),
    Metric(
        "items_sold",
        ITEMS,
        "Sold",
        "coalesce(sum(quantity), 0)",
        "Sum of the quantities in paid orders.",
        "Which items sell best?",
        is_additive=True,
    ),
    Metric(
        "item_sales",
        ITEMS,
        "Sales",
        "coalesce(sum(amount_cents - discount_cents), 0)",
        "Sum of the lines of paid orders, less their own discounts.",
        "Which items bring in the money?",
        "Discounts of whole orders, deliveries, tips and refunds belong to no item.",
        format="cents",
        is_additive=True,
    ),
    Metric(
        "item_orders",
        ITEMS,
        "Orders",
        "count(distinct sales_source || ' ' || order_id)",
        "Paid orders with the item.",
        "Which items are in most orders?",
    ),
    Metric(
        "pair_orders",
        PAIRS,
        "Orders with both",
        "sum(orders)",
        (
            "Paid orders in the range with both items. Only pairs that are in clearly more orders "
            "than by chance are listed."
        ),
        _TOGETHER,
    ),
    Metric(
        "lift",
        PAIRS,
        "Lift",
        "max(lift)",
        (
            "Orders with both items, divided by the number to expect by chance, if the orders of "
            "two or more items were filled by how often each item is in such orders."
        ),
        _TOGETHER,
        "A lift above 1 does not prove that one item sells the other.",
        format="decimal",
        good="neither",
    ),
    Metric(
        "measured",
        DEMOGRAPHICS,
        "Value",
        "max(value)",
        "Current value of a measure of a place, such as people, from the newest year.",
        "How many people live there?",
        format="decimal",
        good="neither",
    ),
)
