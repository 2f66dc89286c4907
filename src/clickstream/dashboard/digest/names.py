"""Names from the logs, as a mail may show them: on one line, and short."""

from __future__ import annotations

from clickstream.wording import printable

LONGEST_NAME = 60


def shown_name(text: str, longest: int = LONGEST_NAME) -> str:
    """A name without line breaks and invisible characters, cut to a length.

    Names of pages and campaigns are whatever a visitor sent: they must not begin a header, a line
    or another direction of writing.
    """
    safe = printable(text)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"
