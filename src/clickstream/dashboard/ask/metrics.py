"""All metrics of the dashboard, each defined once.

Panels, CSV files, the SQL behind a number and docs/metrics.md are built from these tables. All SQL
runs unchanged on Athena and on DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.ask.bot_metrics import BOT_METRICS
from clickstream.dashboard.ask.fact_views import COHORTS, CREDITS, PEOPLE, SALES, SPEND
from clickstream.dashboard.ask.log_metrics import LOG_METRICS
from clickstream.dashboard.ask.metric_type import Format, Good, Metric
from clickstream.dashboard.ask.money_metrics import MONEY_METRICS
from clickstream.dashboard.ask.response_metrics import RESPONSE_METRICS
from clickstream.dashboard.ask.visit_metrics import VISIT_METRICS

# The metrics of sales by UTC date: what the source had, and what the lake has.
#
# Amounts are hundredths of the currency of the source. Sums over sources of different currencies
# have no meaning, so questions ask by currency.

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
    _sum(
        "sales_differing_refunds",
        "differing_refunds",
        "Refunds that differ",
        "Refunds whose order is missing, is later, or is refunded by more than its total.",
        "Which refunds do not fit their orders?",
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


# The metrics of the search for suspected machines: see docs/people.md.

_BY_DATE = "A visitor who comes on two dates counts on both."

PEOPLE_METRICS = (
    Metric(
        "searched_dates",
        PEOPLE,
        "Dates",
        "count(visitors)",
        "Number of UTC dates whose visitors were searched for suspected machines.",
        "Which dates were searched for machines?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "people_by_date",
        PEOPLE,
        "People",
        "coalesce(sum(visitors - suspected), 0)",
        "Visitors of each searched date who are not suspected to be machines.",
        "How many people came?",
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "fewest_people",
        PEOPLE,
        "At least",
        "coalesce(sum(lowest), 0)",
        "Lower end of the 95 % interval of the number of people of each searched date.",
        "How few people can it have been?",
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "most_people",
        PEOPLE,
        "At most",
        "coalesce(sum(highest), 0)",
        "Upper end of the 95 % interval of the number of people of each searched date.",
        "How many people can it have been?",
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "suspected_machines",
        COHORTS,
        "Left out",
        "coalesce(sum(suspected), 0)",
        "Visitors of the cohort who are left out of all figures of people.",
        "Which visitors are probably machines?",
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_members",
        COHORTS,
        "Visitors",
        "coalesce(sum(visitors), 0)",
        "Visitors who have the properties of the cohort, and no more proof than it names.",
        "How large is the group?",
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_proved",
        COHORTS,
        "Proved",
        "coalesce(sum(proved), 0)",
        "Visitors who arrived in the same way and have proved to be people.",
        "How many people came in the same way?",
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_explained",
        COHORTS,
        "Explained",
        "coalesce(sum(explained), 0)",
        "Members of the cohort that these people explain: they stay in all figures.",
        "How many of the group can be people?",
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "undecided_dates",
        COHORTS,
        "Undecided",
        "count(*) filter (where not is_decided)",
        "Dates on which people could also explain the cohort.",
        "Which groups can be people?",
        good="neither",
        is_additive=True,
    ),
)


# The metrics of credit: what the visits before orders brought, by one model.
#
# A question about credits has a filter by one model: with none, it would count each order for all.

_WHO_BRINGS = "What brings orders?"
_NO_CAUSE = "Credit is not cause: some of these people would have ordered anyway."

CREDIT_METRICS = (
    Metric(
        "credited_sales",
        CREDITS,
        "Net sales",
        "coalesce(sum(credit_cents), 0)",
        (
            "Net sales of the orders and refunds in the range, shared by the model among the "
            "visits of each customer in the days before the order. The shares sum to the net sales."
        ),
        _WHO_BRINGS,
        _NO_CAUSE,
        format="cents",
        is_additive=True,
    ),
    Metric(
        "credited_orders",
        CREDITS,
        "Orders",
        "coalesce(sum(credited_orders), 0)",
        "Orders, shared by the model among the visits before them.",
        _WHO_BRINGS,
        _NO_CAUSE,
        format="decimal",
        is_additive=True,
    ),
    Metric(
        "new_customers",
        CREDITS,
        "New customers",
        "coalesce(sum(case when is_new_customer then credited_orders end), 0)",
        (
            "Shared orders on the date of a customer's first order, as far back as the facts are "
            "kept. Orders without an id or a mail address of the customer are not among them."
        ),
        "What brings people who never ordered?",
        _NO_CAUSE,
        format="decimal",
        is_additive=True,
    ),
    Metric(
        "credited_paths",
        CREDITS,
        "Orders with a visit",
        "coalesce(sum(case when touch = 1 then orders end), 0)",
        "Orders whose visit is known, and that the model shares.",
        "Of how many orders do we know the visits?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "single_touches",
        CREDITS,
        "After one visit",
        "coalesce(sum(case when touches = 1 then orders end), 0)",
        "Orders whose customer is known to have come once in the days before.",
        "For how many orders do all models agree?",
        "Visits before the last change of the visitor keys are not known.",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cut_paths",
        CREDITS,
        "Perhaps with earlier visits",
        "coalesce(sum(case when touch = 1 and is_window_cut then orders end), 0)",
        (
            "Orders with days before them in which visits are not known, because the visitor keys "
            "changed or an hour is incomplete."
        ),
        "How complete are the visits before orders?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "modelled_paths",
        CREDITS,
        "With removal effects",
        "coalesce(sum(case when touch = 1 and has_effects then orders end), 0)",
        "Orders that enough orders precede for the models Markov and Shapley.",
        "Which orders do all models share?",
        good="neither",
        is_additive=True,
    ),
)


# The metrics of what campaigns cost, as their platforms report it.
#
# Amounts are hundredths of the currency that all sources of sales have.

_LATER = "Platforms correct the newest dates; the next pull reads them again."

COST_METRICS = (
    Metric(
        "ad_cost",
        SPEND,
        "Cost",
        "coalesce(sum(spend_cents), 0)",
        "What campaigns cost by the reports of their platforms, on dates of the platforms.",
        "How much does advertising cost?",
        _LATER,
        format="cents",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "ad_clicks",
        SPEND,
        "Clicks",
        "coalesce(sum(clicks), 0)",
        "Clicks on advertisements, as the platforms count them.",
        "How many clicks do the platforms charge for?",
        _LATER,
        good="neither",
        is_additive=True,
    ),
)


__all__ = ["METRICS", "Format", "Good", "Metric"]

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        *VISIT_METRICS,
        *RESPONSE_METRICS,
        *PEOPLE_METRICS,
        *LOG_METRICS,
        *BOT_METRICS,
        *SALES_METRICS,
        *MONEY_METRICS,
        *CREDIT_METRICS,
        *COST_METRICS,
    )
}
"""Each metric by its name."""
