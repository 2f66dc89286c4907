"""The metrics of sales by UTC date: what the source had, and what the lake has.

Amounts are hundredths of the currency of the source. Sums over sources of different currencies have
no meaning, so questions ask by currency.
"""

from __future__ import annotations

from clickstream.dashboard.questions.fact_views import SALES
from clickstream.dashboard.questions.metric_type import Format, Metric

_AS_READ = "The source may have changed since; the next pull compares it again."
_IS_SAME = "Does the lake have what the shop has?"
_HOW_MUCH = "How much was sold?"


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
        "Dates",
        "count(*)",
        "Number of UTC dates that the lake has, summed over the sources of sales.",
        _IS_SAME,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "reconciled_dates",
        SALES,
        "Reconciled",
        "count(*) filter (where is_reconciled)",
        (
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
        "Orders at the source",
        "Orders that the source had when its dates were read, in any state.",
        _IS_SAME,
        _AS_READ,
    ),
    _sum(
        "sales_orders",
        "orders",
        "Orders in the lake",
        "Orders in the table orders, in any state.",
        _IS_SAME,
    ),
    _sum(
        "source_order_items",
        "source_order_items",
        "Lines at the source",
        "Lines of orders that the source had when its dates were read.",
        _IS_SAME,
        _AS_READ,
    ),
    _sum("sales_order_items", "order_items", "Lines", "Lines of orders in the lake.", _IS_SAME),
    _sum(
        "source_refunds",
        "source_refunds",
        "Refunds at the source",
        "Refunds that the source had when its dates were read.",
        _IS_SAME,
        _AS_READ,
    ),
    _sum("sales_refunds", "refunds", "Refunds", "Refunds in the lake.", _IS_SAME),
    _sum(
        "sales_rejected_rows",
        "rejected",
        "Rejected rows",
        "Rows of the source that can't be used; the table sales_rejects has the reasons.",
        "Which sales can't be used?",
    ),
    _sum(
        "gross_cents",
        "gross_cents",
        "Gross",
        "Sum of the totals of paid orders in the lake.",
        _HOW_MUCH,
        kind="amount",
    ),
    _sum(
        "refunded_cents",
        "refunded_cents",
        "Refunded",
        "Sum of the refunds in the lake, by the date of the refund.",
        "How much was paid back?",
        kind="amount",
    ),
    _sum("net_cents", "net_cents", "Net", "Gross less the refunds.", _HOW_MUCH, kind="amount"),
    _sum(
        "sales_missing_rows",
        "missing_rows",
        "Missing rows",
        "Rows of the source that are neither in a table nor rejected.",
        _IS_SAME,
    ),
    Metric(
        "missing_cents",
        SALES,
        "Missing amounts",
        "coalesce(sum(abs(missing_gross_cents) + abs(missing_items_cents) "
        "+ abs(missing_refunded_cents) + abs(missing_spend_cents)), 0)",
        (
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
        "Orders that differ",
        "Orders whose parts do not give their total.",
        "Which orders do not agree with themselves?",
    ),
    _sum(
        "differing_cents",
        "differing_cents",
        "Differences",
        "Sum of the differences of these orders, each without its sign.",
        "Which orders do not agree with themselves?",
        kind="amount",
    ),
    Metric(
        "sales_unchecked_orders",
        SALES,
        "Orders without parts",
        "coalesce(sum(case when differing_orders is null then orders end), 0)",
        "Orders of dates on which the source has no parts that could give the totals.",
        "Which orders do not agree with themselves?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "newest_sales",
        SALES,
        "Newest date",
        "cast(max(event_date) as timestamp(6))",
        "Newest UTC date that the lake has.",
        "How recent are the sales?",
        format="moment",
        good="neither",
    ),
    Metric(
        "sales_published",
        SALES,
        "Published",
        "max(published_at)",
        "Time at which a date was last published. A pull that finds no change publishes none.",
        "How recent are the sales?",
        format="moment",
        good="neither",
    ),
)
