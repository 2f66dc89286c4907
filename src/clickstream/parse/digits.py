"""Decimal numbers in a block of bytes, many at once, from where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAX_DIGITS = 18
"""Digits that surely fit 64 bits."""


def fixed(block: Bytes, start: Positions, width: int) -> tuple[npt.NDArray[Any], Flags]:
    """The number of exactly `width` digits at each position, and whether it is one."""
    number: npt.NDArray[Any] = np.zeros(len(start), np.int64 if width > 4 else np.int32)
    is_number = np.ones(len(start), np.bool_)
    for place in range(width):
        digit = block[start + place] - np.uint8(ord("0"))  # what is no digit wraps past 9
        is_number &= digit <= 9
        number = number * 10 + digit
    return number, is_number


def between(block: Bytes, start: Positions, end: Positions) -> tuple[npt.NDArray[np.int64], Flags]:
    """The number between the positions, and whether it is one of 1 to MAX_DIGITS digits."""
    length = end - start
    number = np.zeros(len(start), np.int64)
    is_number = (length > 0) & (length <= MAX_DIGITS)
    longest = int(length[is_number].max(initial=0))
    has = np.flatnonzero(is_number)
    for place in range(longest):
        has = has[length[has] > place]
        digit = block[start[has] + place] - np.uint8(ord("0"))
        is_number[has] &= digit <= 9
        number[has] = number[has] * 10 + digit
    return number, is_number
