"""Share links, which open some pages to a partner until a date, without an account.

A link's address contains a signed token; `shares.json` in the dashboard's directory stores what the
link opens. Both must agree, so a link ends when it expires, when it is withdrawn, and when the
session secret is deleted.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

from itsdangerous import Signer

from clickstream.core.errors import InputError
from clickstream.dashboard.access.sessions import read_secret
from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.entries.entry_file import EntryFile, EntryKind, parse_line

PREFIX = "/shared/"
LONGEST_NAME = 40
LONGEST_QUERY = 4000
MOST_SHARES = 200
MOST_DAYS = 366
UNDO_DAYS = 7
_SALT = "clickstream.dashboard.share"
_TOKEN = re.compile(r"(?P<id>[0-9a-f]{16})\.(?P<expires>[1-9][0-9]{9,11})\.[A-Za-z0-9_-]{43}")
_DOUBLE_CLICK = timedelta(seconds=10)


@dataclass(frozen=True)
class Share:
    """A share link: the name of its reader, the tabs that it opens, and its first view.

    `query` begins with a question mark, as `View.query` does. `expires_at` has whole seconds.
    """

    id: str
    name: str
    tabs: tuple[Tab, ...]
    start: Tab
    query: str
    created_by: str
    created_at: datetime
    expires_at: datetime

    @classmethod
    def create(
        cls, name: str, days: int, tabs: Collection[str], view: View, account: str, now: datetime
    ) -> Share:
        """Build a new link. It starts with `view` if it opens that tab.

        Raises InputError that names the wrong value.
        """
        line = parse_line(name, "The name of the link", LONGEST_NAME)
        if not 1 <= days <= MOST_DAYS:
            raise InputError(f"A link is valid for 1 to {MOST_DAYS} days, not for {days}.")
        if len(view.query) > LONGEST_QUERY:
            raise InputError(
                f"The view's URL has {len(view.query):,} characters; a link can begin with "
                f"{LONGEST_QUERY:,}. Remove some filters."
            )
        opened = _known_tabs(tabs)
        start, query = (view.tab, view.query) if view.tab in opened else (opened[0], "?")
        second = now.astimezone(UTC).replace(microsecond=0)
        until = second + timedelta(days=days)
        return cls(secrets.token_hex(8), line, opened, start, query, account, second, until)

    def as_json(self) -> dict[str, Any]:
        """Return the link as it is stored, without its token."""
        return {
            "id": self.id,
            "name": self.name,
            "tabs": [*self.tabs],
            "start": self.start,
            "query": self.query,
            "created_by": self.created_by,
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Share:
        """Parse a stored link."""
        tabs = _known_tabs(stored["tabs"])
        start = next((tab for tab in tabs if tab == stored["start"]), None)
        query, times = str(stored["query"]), [stored["created_at"], stored["expires_at"]]
        created_at, expires_at = map(datetime.fromisoformat, times)
        has_zones = created_at.tzinfo and expires_at.tzinfo
        if start is None or not query.startswith("?") or not has_zones:
            raise ValueError(f"the link {str(stored['id'])[:40]!r} has a wrong start or no zone")
        return cls(
            str(stored["id"]),
            parse_line(stored["name"], "The name of the link", LONGEST_NAME),
            tabs,
            start,
            query,
            str(stored["created_by"]),
            created_at,
            expires_at,
        )


def _known_tabs(tabs: Collection[str]) -> tuple[Tab, ...]:
    """Return the tabs of a link in the order of the bar. Raises InputError without any."""
    opened = tuple(tab for tab in TABS if tab in tabs)
    if not opened or not {*tabs} <= {*TABS}:
        raise InputError(f"A link opens one or more of these pages: {', '.join(TABS)}.")
    return opened


def _find_equal(shares: Sequence[Share], share: Share) -> Share | None:
    """Find the link that a double click, which sends a form twice, has already made."""
    values_of = attrgetter("name", "tabs", "start", "query", "created_by")
    for existing in shares:
        is_alike = values_of(existing) == values_of(share)
        has_times = existing.expires_at - existing.created_at == share.expires_at - share.created_at
        if is_alike and has_times and abs(existing.created_at - share.created_at) < _DOUBLE_CLICK:
            return existing
    return None


SHARES = EntryKind(
    "shares.json", "link", "links", MOST_SHARES, Share.from_json, _find_equal, UNDO_DAYS
)


class ShareEnd(Enum):
    """Why a link that was signed here is no longer valid."""

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Shares:
    """The share links in the dashboard's directory."""

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self.file = EntryFile(directory, SHARES)
        self._directory = directory
        self._clock = clock

    def version(self) -> str:
        """Return the version of the links."""
        return self.file.version()

    def add(self, share: Share) -> Share:
        """Store a link, and return it; for a double click, return the first link.

        Raises InputError if there are too many links.
        """
        self.file.add(share, self._clock())
        return _find_equal(self.file.read().entries, share) or share

    def withdraw(self, share_id: str) -> None:
        """End a link at once, in all processes. Raises InputError if it does not exist."""
        self.file.delete(share_id, self._clock())

    def restore(self, share_id: str) -> None:
        """Undo a withdrawal. Raises InputError if the link does not exist."""
        self.file.restore(share_id, self._clock())

    def path(self, share: Share) -> str:
        """Return the path of the link's address, with a leading slash."""
        text = f"{share.id}.{share.expires_at.timestamp():.0f}"
        return PREFIX + self._signer.sign(text).decode()

    def find(self, token: str) -> Share | ShareEnd | None:
        """Return the link of a token, or why it has ended; None if it was not signed here.

        Raises InputError if the file of the links can't be read.
        """
        parts = _TOKEN.fullmatch(token)
        # Base64 can write one signature in several ways: only the canonical one is accepted.
        signed = f"{parts['id']}.{parts['expires']}" if parts else ""
        if not parts or not secrets.compare_digest(self._signer.sign(signed).decode(), token):
            return None
        now = self._clock()
        share = self.file.read().entry(parts["id"])
        if now.timestamp() >= int(parts["expires"]) or (share and now >= share.expires_at):
            return ShareEnd.EXPIRED
        return share or ShareEnd.WITHDRAWN

    @cached_property
    def _signer(self) -> Signer:
        secret = read_secret(self._directory)
        return Signer(secret, _SALT, key_derivation="hmac", digest_method=hashlib.sha256)
