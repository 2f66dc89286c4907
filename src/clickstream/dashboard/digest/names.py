"""Shortens names from the logs for a mail, and puts them on one line."""

from __future__ import annotations

from clickstream.wording import printable

LONGEST_NAME = 60


def shown_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name without line breaks and invisible characters, cut to a length.

    Visitors choose the names of pages and campaigns. A name must not begin a header or a line, or
    change the direction of writing.
    """
    safe = printable(text)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"
