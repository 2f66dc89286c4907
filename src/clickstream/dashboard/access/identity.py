"""Who asks for a page, and what they may do there.

Whatever guards the application sets `request.state.identity` before a route runs: the login of
`access.guard`, a share link, a proxy, or the login of Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from fastapi import HTTPException, Request

READ_ONLY = (
    "You can view these pages but not change anything. Log in with an "
    "account that may make changes."
)
NO_PAGE = "There is no such page."


@dataclass(frozen=True)
class SharedWith:
    """Whom a share link is for, and when it ends (UTC)."""

    name: str
    until: datetime


@dataclass(frozen=True)
class Identity:
    """An account, or somebody else who may read the pages.

    `account` is the name that notes and saved views carry. A read-only identity can't add or delete
    them and can't ask Athena. `can_log_out` is whether the session is one of the dashboard's own.
    `tabs` are the tabs that it may open, None for all. Without `sees_entries` pages have no notes
    and no saved views. `shares_at` is where share links lead, such as https://dashboard.example;
    where it is empty, none can be made. `shared` is set for the reader of a share link.
    """

    account: str
    is_read_only: bool = False
    can_log_out: bool = False
    tabs: tuple[str, ...] | None = None
    sees_entries: bool = True
    shares_at: str = ""
    shared: SharedWith | None = None

    def opens(self, tab: str) -> bool:
        """Whether it may open a tab."""
        return self.tabs is None or tab in self.tabs

    @property
    def can_share(self) -> bool:
        """Whether it may make share links and withdraw them."""
        return bool(self.shares_at) and not self.is_read_only


NOBODY = Identity("", is_read_only=True)
"""For pages that nobody has asked for, such as those that are rendered ahead."""


def identity_of(request: Request) -> Identity:
    """Return who asks. Raises HTTPException 401 if no guard has said it."""
    found = getattr(request.state, "identity", None)
    if isinstance(found, Identity):
        return found
    raise HTTPException(HTTPStatus.UNAUTHORIZED, "Log in first.")


def require_writer(request: Request) -> None:
    """Refuse a request that changes something, or costs a query, from a read-only identity."""
    if identity_of(request).is_read_only:
        raise HTTPException(HTTPStatus.FORBIDDEN, READ_ONLY)


def require_sharer(request: Request) -> None:
    """Refuse a request about share links from an identity that can't make them."""
    require_writer(request)
    if not identity_of(request).can_share:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)


def require_tab(request: Request, tab: str) -> None:
    """Hide a tab, its panels and its files from an identity that may not open it."""
    if not identity_of(request).opens(tab):
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)
