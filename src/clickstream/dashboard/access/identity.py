"""Who asks for a page, and what they may do there.

Whatever guards the application sets `request.state.identity` before a route runs: the login of
`access.guard`, a share link, or the login of Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException, Request

READ_ONLY = "This needs an account that may change things; you may only read here."


@dataclass(frozen=True)
class Identity:
    """An account, or somebody else who may read the pages.

    `account` is the name that notes and saved views carry. A read-only identity can't add or delete
    them and can't ask Athena. `can_log_out` is whether the session is one of the dashboard's own.
    """

    account: str
    is_read_only: bool = False
    can_log_out: bool = False


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
