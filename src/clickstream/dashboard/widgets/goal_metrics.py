"""Names the metrics of the main goal: after orders, or after the site's own goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clickstream.dashboard.formats import Formats
from clickstream.dashboard.questions.metrics import METRICS, Metric
from clickstream.dashboard.texts import mark

_Texts = Mapping[str, tuple[str, str]]
"""The label and the definition of each metric."""

_ORDER: _Texts = {
    "conversions": (
        mark("Orders"),
        mark("Number of visits with at least one order. Each visit counts once."),
    ),
    "conversion_rate": (
        mark("Order rate"),
        mark("Share of visits with at least one order."),
    ),
}
_OF_SHOP: _Texts = {
    "conversions": (
        mark("Visits with an order"),
        mark(
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
        mark("Visits with %(goal)s"),
        mark("Number of visits that met the goal %(goal)s. Each visit counts once."),
    ),
    "conversion_rate": (
        mark("Rate of %(goal)s"),
        mark("Share of visits that met the goal %(goal)s."),
    ),
}


def named_metric(formats: Formats, name: str, goal: str, is_order: bool, has_shop: bool) -> Metric:
    """Return a metric that names the main goal in its label and definition.

    With `has_shop`, the shop counts orders, and the goal is a visit with an order. Texts about
    orders are to translate, as in METRICS; others are already translated.
    """
    metric = METRICS[name]
    if not metric.is_of_goal or not goal:
        return metric
    if is_order:
        label, definition = (_OF_SHOP if has_shop else _ORDER)[name]
    else:
        label, definition = (formats.text(text, goal=goal) for text in _OTHER[name])
    return replace(metric, label=label, definition=definition)
