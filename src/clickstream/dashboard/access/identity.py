"""The identity of a page's reader, and what the reader may do.

The guard of the application sets `request.state.identity` before a route runs: the login of
`access.guard`, a share link, a proxy, or the login of Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

READ_ONLY = (
    "You can view these pages but not change anything. Log in with an "
    "account that may make changes."
)
NO_VISITS = (
    "Single visits are shown only to accounts that may make changes. Log in with such an account."
)
NO_PAGE = "There is no such page."


@dataclass(frozen=True)
class SharedWith:
    """The person for whom a share link was made, and when it ends (UTC)."""

    name: str
    until: datetime


@dataclass(frozen=True)
class Identity:
    """An account, or another reader of the pages.

    `account` is the name on notes. A read-only identity can't add or delete them and can't ask
    Athena. `can_log_out` means that the session is the dashboard's own. `tabs` are the tabs that it
    may open, None for all. Without `sees_entries`, pages have no notes and no incidents.
    `shares_at` is the address for share links, such as https://dashboard.example; if it is empty,
    no link can be made. `shared` is set for the reader of a share link.
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
    def sees_visits(self) -> bool:
        """Whether it may see single visits, which may be of one person, and their log lines."""
        return not self.is_read_only and self.shared is None

    @property
    def can_share(self) -> bool:
        """Whether it may make and withdraw share links."""
        return bool(self.shares_at) and not self.is_read_only


NOBODY = Identity("", is_read_only=True)
"""The identity for pages that are rendered without a request."""


def find_identity(request: Request) -> Identity | None:
    """Return the identity of the reader; None if no guard has set it."""
    identity = getattr(request.state, "identity", None)
    return identity if isinstance(identity, Identity) else None


def identity_of(request: Request) -> Identity:
    """Return the identity of the reader. Raises HTTPException 401 if no guard has set it."""
    if identity := find_identity(request):
        return identity
    raise HTTPException(HTTPStatus.UNAUTHORIZED, "Log in first.")


def require_writer(request: Request) -> None:
    """Refuse a read-only identity a request that changes something or costs a query."""
    if identity_of(request).is_read_only:
        raise HTTPException(HTTPStatus.FORBIDDEN, READ_ONLY)


def require_sharer(request: Request) -> None:
    """Refuse a request about share links from an identity that can't make them."""
    require_writer(request)
    if not identity_of(request).can_share:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)


def require_visits(request: Request) -> None:
    """Refuse single visits to an identity that may not see them."""
    if not identity_of(request).sees_visits:
        raise HTTPException(HTTPStatus.FORBIDDEN, NO_VISITS)


def require_tab(request: Request, tab: str) -> None:
    """Answer 404 for a tab, its panels and its files if the identity may not open it."""
    if not identity_of(request).opens(tab):
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)
