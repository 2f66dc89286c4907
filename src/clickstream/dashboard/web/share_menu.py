"""Values for the pages about share links: the menu, the link just made, and the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from clickstream.core.errors import InputError
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.access.shares import LONGEST_NAME, Share, Shares
from clickstream.dashboard.ask.view import TABS
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.web.navigation import shown_tabs, tab_label
from clickstream.dashboard.widgets.page import PageContext

JUST_SHARED, JUST_WITHDRAWN = "shared", "withdrawn"
"""URL parameters with the id of the link that was just made, or withdrawn."""

DAYS = (7, 30, 90, 365)
USUAL_DAYS = 30


@dataclass(frozen=True)
class ShownLink:
    """A share link and its address."""

    share: Share
    address: str


@dataclass(frozen=True)
class ShownLinks:
    """The share links that one identity can see."""

    shares: Shares
    identity: Identity

    def all(self) -> list[ShownLink]:
        """Return the links, the latest first. Raises InputError if the file is damaged."""
        entries = self.shares.file.read().entries
        latest_first = sorted(entries, key=attrgetter("created_at"), reverse=True)
        return [self._shown(share) for share in latest_first]

    def link(self, share_id: str) -> ShownLink | None:
        """Return a link by its id; None if it does not exist."""
        try:
            share = self.shares.file.read().entry(share_id)
        except InputError:  # the list of links reports it
            return None
        return self._shown(share) if share else None

    def _shown(self, share: Share) -> ShownLink:
        return ShownLink(share, self.identity.shares_at + self.shares.path(share))


@dataclass(frozen=True)
class ShareRow:
    """A row of the list."""

    link: ShownLink
    pages: str
    created: str
    until: str
    left: str
    has_expired: bool


def share_menu(page: PageContext) -> dict[str, Any]:
    """Build the values of the form that makes a link, and of the line about a new one."""
    return {
        "pages_text": lambda tabs: pages_text(page, tabs),
        "share_days": [
            (days, page.formats.plural("{number} day", "{number} days", days)) for days in DAYS
        ],
        "usual_days": USUAL_DAYS,
        "longest_share_name": LONGEST_NAME,
    }


def list_values(
    page: PageContext, links: ShownLinks, now: datetime, withdrawn: str
) -> dict[str, Any]:
    """Build the values of the list's template; `withdrawn` is the id of a link to undo."""
    problem, rows, undo = "", [], None
    try:
        rows = [_row(page, link, now) for link in links.all()]
        undo = links.shares.file.read().deleted_entry(withdrawn)
    except InputError as error:
        problem = error.printed
    return {
        **share_menu(page),
        "problem": problem,
        "rows": rows,
        "undo": undo,
        "pages": [(tab, tab_label(page, tab)) for tab in shown_tabs(page)],
    }


def _row(page: PageContext, link: ShownLink, now: datetime) -> ShareRow:
    share, formats = link.share, page.formats
    return ShareRow(
        link,
        pages_text(page, share.tabs),
        formats.day(share.created_at.date(), with_year=True),
        formats.day(share.expires_at.date(), with_year=True),
        _left(share, formats, now),
        now >= share.expires_at,
    )


def _left(share: Share, formats: Formats, now: datetime) -> str:
    """Format how many days a link is still valid."""
    remaining = share.expires_at - now.astimezone(UTC)
    if remaining.total_seconds() <= 0:
        return "expired"
    if not remaining.days:
        return "less than a day left"
    return formats.plural("{number} day left", "{number} days left", remaining.days)


def pages_text(page: PageContext, tabs: Sequence[str]) -> str:
    """Name the pages that a link opens."""
    if len(tabs) == len(TABS):
        return "All pages"
    return ", ".join(tab_label(page, tab) for tab in TABS if tab in tabs)
