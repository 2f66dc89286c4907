"""Dates with a number of days added: ``date_add('day', 1, x)`` and ``x - interval '1' day``."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlglot import exp

WHOLE = re.compile(r"-?\d{1,6}")


def shifted(node: exp.Expr) -> tuple[exp.Expr, int]:
    """Split an expression into a part without added days and the number of added days."""
    node = node.unnest()
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date_add":
        unit, count, base = node.expressions if len(node.expressions) == 3 else (node, node, node)
        days = _whole(count) if unit.name.lower() == "day" else None
    elif isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        base, interval = node.this, node.expression
        days = _whole(interval.this) if interval.text("unit").upper() == "DAY" else None
        days = -days if days is not None and isinstance(node, exp.Sub) else days
    else:
        return node, 0
    if days is None:
        return node, 0
    inner, more = shifted(base)
    return inner, more + days


def _whole(node: exp.Expr) -> int | None:
    is_negative = isinstance(node, exp.Neg)
    text = node.this.name if is_negative else node.name
    if not WHOLE.fullmatch(text):
        return None
    return -int(text) if is_negative else int(text)


def date_of(node: exp.Expr) -> date | None:
    """Return the value of a date literal, also with added days; None for anything else."""
    literal, days = shifted(node)
    if not (isinstance(literal, exp.Cast) and literal.is_type("date")):
        return None
    if not isinstance(literal.this, exp.Literal):
        return None
    try:
        return date.fromisoformat(literal.this.name) + timedelta(days)
    except (ValueError, OverflowError):
        return None


def date_literal(value: date) -> exp.Expr:
    """Build the literal of a date: DATE '2026-11-20'."""
    return exp.cast(exp.Literal.string(value.isoformat()), "date")
