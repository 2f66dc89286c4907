"""The rows of order_touches, journeys and attribution_changes. Pure functions.

`match_day` calls this for the touches and journeys of a date, and `pipeline.sales.matches` for what
a new match of the date has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from clickstream.insight.credit import MODELS, Effects, shares, split
from clickstream.insight.markov import Outcomes, Path
from clickstream.sales.matching import OrderToMatch
from clickstream.sales.visits import VisitPath

Row = Mapping[str, Any]
SEPARATOR = " > "
"""What is between the channels of a path."""


def of_date(day: date) -> dict[str, Any]:
    """Return the columns of a date's rows that have no hour."""
    return {"event_date": day, "hour_at": datetime(day.year, day.month, day.day)}


def touch_rows(
    order: OrderToMatch, path: VisitPath, effects: Effects | None
) -> Iterator[dict[str, Any]]:
    """Yield the touches of an order with their shares of its credit."""
    touches = path.touches
    by_model = shares(touches, effects)
    for index, (visit, touch) in enumerate(zip(path.visits, touches, strict=True)):
        yield {
            **of_date(order.day),
            "sales_source": order.key.source,
            "order_id": order.key.order_id,
            "touch": index + 1,
            "touches": len(touches),
            **visit.arrival._asdict(),
            "days_before": touch.days_before,
            "is_window_cut": path.is_cut,
            "total_cents": order.total_cents,
            "currency": order.currency,
            **{f"{name}_share": of and of[index] for name, of in by_model.items()},
        }


def journey_rows(
    day: date, with_orders: Iterable[Path], ended: Mapping[Path, int]
) -> list[dict[str, Any]]:
    """Return the rows of the journeys that ended on a date, with orders or in nothing."""
    counted = [
        *((path, True, number) for path, number in Counter(with_orders).items()),
        *((path, False, number) for path, number in ended.items()),
    ]
    return [
        {**of_date(day), "path": SEPARATOR.join(path), "has_order": has_order, "journeys": number}
        for path, has_order, number in counted
    ]


def outcomes_of(rows: Iterable[Row]) -> dict[Path, Outcomes]:
    """Return how the journeys of some rows of the table ended, by path."""
    outcomes: dict[Path, Outcomes] = {}
    for row in rows:
        path = tuple(row["path"].split(SEPARATOR))
        orders, nothing = outcomes.get(path, Outcomes(0, 0))
        number = row["journeys"]
        has_order = row["has_order"]
        outcomes[path] = Outcomes(orders + number * has_order, nothing + number * (not has_order))
    return outcomes


class CreditCell(NamedTuple):
    """What has a credit: an order, a model and a channel."""

    sales_source: str
    order_id: str
    model: str
    channel: str | None


def changed_credits(
    before: Sequence[Row], after: Sequence[Row], stored: Sequence[Row]
) -> list[dict[str, Any]]:
    """Return what differs between the credits of two sets of touches of the same date.

    Only orders that have touches in both, or have lost them, are compared: a new order has changed
    nothing. `stored` are the changes so far. The last one of a cell has its credit before: if a
    publication was killed after it stored its changes, `before` has not followed them.
    """
    if not before:
        return []
    old, new = credits_of(before), credits_of(after)
    orders = {(cell.sales_source, cell.order_id) for cell in old}
    for row in sorted(stored, key=lambda row: row["changed_at"]):
        if (row["sales_source"], row["order_id"]) in orders:
            cell = CreditCell(*(row[name] for name in CreditCell._fields))
            old[cell] = row["cents_after"]
    currency = {(row["sales_source"], row["order_id"]): row["currency"] for row in before}
    changes = []
    for cell in sorted({*old, *new}, key=str):
        order = (cell.sales_source, cell.order_id)
        cents = {"cents_before": old.get(cell, 0), "cents_after": new.get(cell, 0)}
        if order in orders and cents["cents_before"] != cents["cents_after"]:
            changes.append({**cell._asdict(), **cents, "currency": currency[order]})
    return changes


def credits_of(touches: Sequence[Row]) -> dict[CreditCell, int]:
    """Return the credits of the totals of orders, by order, model and channel."""
    orders: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(touches, key=lambda row: row["touch"]):
        orders.setdefault((row["sales_source"], row["order_id"]), []).append(row)
    credit_of: Counter[CreditCell] = Counter()
    for (source, order_id), rows in orders.items():
        for model in MODELS:
            weights = [row[f"{model}_share"] for row in rows]
            if None not in weights:
                for row, cents in zip(rows, split(rows[0]["total_cents"], weights), strict=True):
                    credit_of[CreditCell(source, order_id, model, row["channel"])] += cents
    return dict(credit_of)
