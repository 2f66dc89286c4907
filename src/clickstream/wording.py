"""Counts and lists as the messages of the command line and of the tasks print them."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3
"""How many items of a long list a message names."""


def quantity(number: int, noun: str, plural: str = "") -> str:
    """A count and its noun: `1 hour`, `0 hours`, `1,200 hours`.

    `plural` is needed only where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def shorten(items: Iterable[object], shown: int = SHOWN) -> str:
    """Join items as text, like `A, B, C and 1,417 more`; `none` for no items.

    One item more than `shown` is named as well, since "and 1 more" is no shorter.
    """
    texts = [str(item) for item in items]
    if len(texts) <= shown + 1:
        return ", ".join(texts) or "none"
    return f"{', '.join(texts[:shown])} and {len(texts) - shown:,} more"
