"""The metrics of sales by UTC date: what the source had, and what the lake has.

Amounts are hundredths of the currency of the source. Sums over sources of different currencies have
no meaning, so questions ask by currency.
"""

from __future__ import annotations

from clickstream.dashboard.questions.fact_views import SALES
from clickstream.dashboard.questions.metric_type import Format, Metric
from clickstream.dashboard.texts import mark

_AS_READ = mark("The source may have changed since; the next pull compares it again.")
_IS_SAME = mark("Does the lake have what the shop has?")
_HOW_MUCH = mark("How much was sold?")


def _sum(
    name: str,
    column: str,
    label: str,
    definition: str,
    answers: str,
    limits: str = "",
    kind: Format = "count",
) -> Metric:
    return Metric(
        name,
        SALES,
        label,
        f"coalesce(sum({column}), 0)",
        definition,
        answers,
        limits,
        format=kind,
        good="neither",
        is_additive=True,
    )


SALES_METRICS = (
    Metric(
        "sales_dates",
        SALES,
        mark("Dates"),
        "count(*)",
        mark("Number of UTC dates that the lake has, summed over the sources of sales."),
        _IS_SAME,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "reconciled_dates",
        SALES,
        mark("Reconciled"),
        "count(*) filter (where is_reconciled)",
        mark(
            "Dates on which no row of the source is missing, no sum differs, and no row was "
            "rejected."
        ),
        _IS_SAME,
        good="neither",
        is_additive=True,
    ),
    _sum(
        "source_orders",
        "source_orders",
        mark("Orders at the source"),
        mark("Orders that the source had when its dates were read, in any state."),
        _IS_SAME,
        _AS_READ,
    ),
    _sum(
        "sales_orders",
        "orders",
        mark("Orders in the lake"),
        mark("Orders in the table orders, in any state."),
        _IS_SAME,
    ),
    _sum(
        "source_order_items",
        "source_order_items",
        mark("Lines at the source"),
        mark("Lines of orders that the source had when its dates were read."),
        _IS_SAME,
        _AS_READ,
    ),
    _sum(
        "sales_order_items",
        "order_items",
        mark("Lines"),
        mark("Lines of orders in the lake."),
        _IS_SAME,
    ),
    _sum(
        "source_refunds",
        "source_refunds",
        mark("Refunds at the source"),
        mark("Refunds that the source had when its dates were read."),
        _IS_SAME,
        _AS_READ,
    ),
    _sum("sales_refunds", "refunds", mark("Refunds"), mark("Refunds in the lake."), _IS_SAME),
    _sum(
        "sales_rejected_rows",
        "rejected",
        mark("Rejected rows"),
        mark("Rows of the source that can't be used; the table sales_rejects has the reasons."),
        mark("Which sales can't be used?"),
    ),
    _sum(
        "gross_cents",
        "gross_cents",
        mark("Gross"),
        mark("Sum of the totals of paid orders in the lake."),
        _HOW_MUCH,
        kind="amount",
    ),
    _sum(
        "refunded_cents",
        "refunded_cents",
        mark("Refunded"),
        mark("Sum of the refunds in the lake, by the date of the refund."),
        mark("How much was paid back?"),
        kind="amount",
    ),
    _sum(
        "net_cents",
        "net_cents",
        mark("Net"),
        mark("Gross less the refunds."),
        _HOW_MUCH,
        kind="amount",
    ),
    _sum(
        "sales_missing_rows",
        "missing_rows",
        mark("Missing rows"),
        mark("Rows of the source that are neither in a table nor rejected."),
        _IS_SAME,
    ),
    Metric(
        "missing_cents",
        SALES,
        mark("Missing amounts"),
        "coalesce(sum(abs(missing_gross_cents) + abs(missing_items_cents) "
        "+ abs(missing_refunded_cents) + abs(missing_spend_cents)), 0)",
        mark(
            "Differences between the sums that were read at the source and those of the tables, "
            "each without its sign."
        ),
        _IS_SAME,
        format="amount",
        good="neither",
        is_additive=True,
    ),
    _sum(
        "sales_differing_orders",
        "differing_orders",
        mark("Orders that differ"),
        mark("Orders whose parts do not give their total."),
        mark("Which orders do not agree with themselves?"),
    ),
    _sum(
        "differing_cents",
        "differing_cents",
        mark("Differences"),
        mark("Sum of the differences of these orders, each without its sign."),
        mark("Which orders do not agree with themselves?"),
        kind="amount",
    ),
    Metric(
        "sales_unchecked_orders",
        SALES,
        mark("Orders without parts"),
        "coalesce(sum(case when differing_orders is null then orders end), 0)",
        mark("Orders of dates on which the source has no parts that could give the totals."),
        mark("Which orders do not agree with themselves?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "newest_sales",
        SALES,
        mark("Newest date"),
        "cast(max(event_date) as timestamp(6))",
        mark("Newest UTC date that the lake has."),
        mark("How recent are the sales?"),
        format="moment",
        good="neither",
    ),
    Metric(
        "sales_published",
        SALES,
        mark("Published"),
        "max(published_at)",
        mark(
            "Time at which a date was last published. A pull that finds no change publishes none."
        ),
        mark("How recent are the sales?"),
        format="moment",
        good="neither",
    ),
)
