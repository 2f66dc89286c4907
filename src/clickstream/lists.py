"""Lists in messages, shortened: a message about 1,420 hours names three of them."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3
"""How many items of a long list a message names."""


def shorten(items: Iterable[object], shown: int = SHOWN) -> str:
    """Join items as text, like `A, B, C and 1,417 more`; `none` for no items.

    One item more than `shown` is named as well, since "and 1 more" is no shorter.
    """
    texts = [str(item) for item in items]
    if len(texts) <= shown + 1:
        return ", ".join(texts) or "none"
    return f"{', '.join(texts[:shown])} and {len(texts) - shown:,} more"
