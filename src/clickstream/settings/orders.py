"""Section `[orders]`: how orders are matched to visits."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from clickstream.expressions import Expression
from clickstream.settings.base import Section
from clickstream.settings.values import RegularExpression

ORDER_GROUP, AMOUNT_GROUP = "order", "amount"


def _with_groups(text: str) -> str:
    """Refuse an expression without the group of the number, and one with unknown groups."""
    groups = {*Expression(text).groups} if text else {ORDER_GROUP}
    if ORDER_GROUP not in groups:
        message = "it lacks the named group of the number: write it as (?P<order>…)"
        raise PydanticCustomError("order_group", message)
    if unknown := sorted(groups - {ORDER_GROUP, AMOUNT_GROUP}):
        message = "it has the group {group}; the named groups are order and amount"
        raise PydanticCustomError("order_group", message, {"group": unknown[0]})
    return text


OrderExpression = Annotated[RegularExpression, AfterValidator(_with_groups)]


class OrderSettings(Section):
    """How the orders of `[[sales]]` are matched to visits."""

    number: OrderExpression = Field(
        "",
        description="Regular expression that finds the number of an order in the path and query of "
        "the page that confirms it, as the group `(?P<order>…)`, and optionally its amount, as "
        "`(?P<amount>…)`. If empty, no order has a number in the log.",
    )
    match_by_time: bool = Field(
        False,
        description="Whether an order without a number in the log is matched to a sent form of the "
        "same time, if no other order and no other visit fits.",
    )
    time_tolerance_seconds: Annotated[int, Field(ge=0, le=60)] = Field(
        5, description="Seconds by which the times of such a pair may differ."
    )
    window_hours: Annotated[int, Field(ge=1, le=48)] = Field(
        24,
        description="Hours before and after the time of an order within which its confirmation is "
        "looked for.",
    )
    attribution_days: Annotated[int, Field(ge=1, le=30)] = Field(
        7,
        description="Days before the visit of an order within which earlier visits share its "
        "credit. Visitors are recognized for `[privacy] key_days` at most, so a long window is "
        "often cut.",
    )
