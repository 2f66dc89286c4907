"""Find the number and the amount of an order in the target of the page that confirms it.

`Targets` calls this, once for each distinct target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt

from clickstream.clean.request_kinds import KINDS
from clickstream.core.expressions import Expression

LONGEST_NUMBER = 64
"""Characters of the longest order number; clients can send anything."""

_AMOUNT = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,2}))?")
_CONFIRMING = [KINDS.index(kind) for kind in ("page", "redirect", "client_error", "server_error")]


class ShownOrder(NamedTuple):
    """The number of an order as its target has it, and the amount in hundredths."""

    number: str | None = None
    cents: int | None = None


@dataclass(frozen=True)
class OrderRules:
    """The expression with the group `order`, and optionally `amount`; None finds no orders."""

    number: Expression | None = None


def find_order(path: str, parameters: str, rules: OrderRules) -> ShownOrder:
    """Return the order that a target confirms; path and parameters are as logged."""
    if rules.number is None:
        return ShownOrder()
    groups = rules.number.search(f"{path}?{parameters}" if parameters else path) or {}
    number = _decoded(groups.get("order"))
    if not number or len(number) > LONGEST_NUMBER:
        return ShownOrder()
    return ShownOrder(number, _cents(_decoded(groups.get("amount"))))


def can_confirm(
    kind: npt.NDArray[np.integer], is_get: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which requests can confirm an order: views of pages, also those that failed."""
    return is_get & np.isin(kind, _CONFIRMING)


def _decoded(text: str | None) -> str:
    decoded = unquote_plus(text or "", errors="surrogateescape").strip()
    if decoded.isascii():
        return decoded
    return decoded.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _cents(text: str) -> int | None:
    """Return an amount such as 4.5 or 4,50 in hundredths; None for any other text."""
    match = _AMOUNT.fullmatch(text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None
