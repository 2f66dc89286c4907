"""Marks of sent mails: `digest/2026-W47.json` says whether the mail of a week was sent.

A mark is claimed before a mail is sent and changed by compare-and-swap, so only one of several
processes sends it. It holds no addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clickstream.lake import aws_errors
from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore, Stored


@dataclass(frozen=True)
class DigestMark:
    """The state of the mail of a week.

    `run` is the run that is sending or has sent it, `at` when it began or ended (aware).
    `recipients` are those that the mail server accepted, `refused` those that it refused.
    """

    state: Literal["sending", "sent"]
    run: str
    at: datetime
    recipients: int = 0
    refused: int = 0
    message_id: str = ""


_MARKS = RecordStore("digest/", DigestMark)
key_of = _MARKS.key
"""Returns the key of the mark of a week such as 2026-W47."""


@aws_errors.translate_errors()
def read_mark(lake: Lake, week: str) -> Stored[DigestMark] | None:
    """Return the mark of a week; None if its mail was never sent."""
    return _MARKS.read(lake, week)


@aws_errors.translate_errors()
def write_mark(
    lake: Lake, week: str, mark: DigestMark, former: Stored[DigestMark] | None
) -> Stored[DigestMark] | None:
    """Replace the former mark (None: not existing yet); None if another process changed it."""
    etag = _MARKS.swap(lake, week, mark, former.etag if former else None)
    return Stored(mark, etag) if etag else None


@aws_errors.translate_errors()
def remove_mark(lake: Lake, week: str, former: Stored[DigestMark]) -> bool:
    """Remove a mark; return False if another process changed it before."""
    return _MARKS.remove(lake, week, former.etag)
