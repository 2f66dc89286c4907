"""Counts with their noun, as the messages of the command line and of the tasks print them."""

from __future__ import annotations


def quantity(number: int, noun: str, plural: str = "") -> str:
    """A count and its noun: `1 hour`, `0 hours`, `1,200 hours`.

    `plural` is needed only where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
