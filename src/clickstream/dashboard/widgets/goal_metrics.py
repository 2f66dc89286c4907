"""Names the metrics of the main goal: after orders, or after the site's own goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clickstream.dashboard.questions.metrics import METRICS, Metric

_Texts = Mapping[str, tuple[str, str]]
"""The label and the definition of each metric."""

_ORDER: _Texts = {
    "conversions": ("Orders", "Number of visits with at least one order. Each visit counts once."),
    "conversion_rate": ("Order rate", "Share of visits with at least one order."),
}
_OF_SHOP: _Texts = {
    "conversions": (
        "Visits with an order",
        (
            "Number of visits with at least one order, as the log shows them. Each visit counts "
            "once. Orders are counted by the shop: also those without a visit, such as by phone, "
            "and each order of a visit."
        ),
    ),
    "conversion_rate": _ORDER["conversion_rate"],
}
"""The texts of a site whose shop counts the orders."""

_OTHER: _Texts = {
    "conversions": (
        "Visits with {goal}",
        "Number of visits that met the goal {goal}. Each visit counts once.",
    ),
    "conversion_rate": ("Rate of {goal}", "Share of visits that met the goal {goal}."),
}


def named_metric(name: str, goal: str, is_order: bool, has_shop: bool) -> Metric:
    """Return a metric that names the main goal in its label and definition.

    With `has_shop`, the shop counts orders, and the goal is a visit with an order.
    """
    metric = METRICS[name]
    if not metric.is_of_goal or not goal:
        return metric
    if is_order:
        label, definition = (_OF_SHOP if has_shop else _ORDER)[name]
    else:
        label, definition = (text.format(goal=goal) for text in _OTHER[name])
    return replace(metric, label=label, definition=definition)
