"""What the reader of a log's figures must know about them, in sentences."""

from __future__ import annotations

from typing import NamedTuple


class LogNotes(NamedTuple):
    """Sentences about the figures of a log; each is empty if there is nothing to say.

    `zone` says whose times are shown, `proxy` by which addresses visitors are counted, and
    `warning` why many visitors count as one.
    """

    zone: str = ""
    proxy: str = ""
    warning: str = ""


NO_LOG_NOTES = LogNotes()
