"""What the reader of a log's figures must know about them, in sentences."""

from __future__ import annotations

from typing import NamedTuple


class LogNotes(NamedTuple):
    """Sentences about the figures of a log; each is empty if there is nothing to say.

    `zone` says whose times are shown. `proxy` is advice about a proxy in front of the site; its
    last lines are those of a settings file.
    """

    zone: str = ""
    proxy: str = ""


NO_LOG_NOTES = LogNotes()
