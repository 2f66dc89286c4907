"""Marks of sent mails: `digest/2026-W47.json` says whether the mail of a week was sent.

A mark is claimed before a mail is sent and changed by compare-and-swap, so only one of several
processes sends it. It holds no addresses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from clickstream.lake import aws_errors, objects
from clickstream.lake.client import Lake

PREFIX = "digest/"


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

    def to_json(self) -> bytes:
        """Return the mark as it is stored."""
        return json.dumps(asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}).encode()

    @classmethod
    def from_json(cls, body: bytes) -> DigestMark:
        """Read a stored mark."""
        stored = json.loads(body)
        return cls(**stored | {"at": datetime.fromisoformat(stored["at"])})


@dataclass(frozen=True)
class StoredMark:
    """A mark, and the ETag that the next change needs."""

    mark: DigestMark
    etag: str


def key_of(week: str) -> str:
    """Return the key of the mark of a week such as 2026-W47."""
    return f"{PREFIX}{week}.json"


@aws_errors.translate_errors()
def read_mark(lake: Lake, week: str) -> StoredMark | None:
    """Return the mark of a week; None if its mail was never sent."""
    found = objects.get(lake, key_of(week))
    return None if found is None else StoredMark(DigestMark.from_json(found.body), found.etag)


@aws_errors.translate_errors()
def write_mark(
    lake: Lake, week: str, mark: DigestMark, former: StoredMark | None
) -> StoredMark | None:
    """Replace the former mark (None: not existing yet); None if another process changed it."""
    etag = objects.swap(lake, key_of(week), mark.to_json(), former.etag if former else None)
    return None if etag is None else StoredMark(mark, etag)


@aws_errors.translate_errors()
def remove_mark(lake: Lake, week: str, former: StoredMark) -> bool:
    """Remove a mark; return False if another process changed it before."""
    return objects.remove(lake, key_of(week), former.etag)
