"""The metrics of credit: what the visits before orders brought, by one model.

A question about credits has a filter by one model: with none, it would count each order for all.
"""

from __future__ import annotations

from clickstream.dashboard.questions.fact_views import CREDITS
from clickstream.dashboard.questions.metric_type import Metric

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
