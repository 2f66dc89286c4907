"""One-time login links: the user who starts the dashboard gets in without a password.

The process that prints a link makes it; the dashboard's process uses it. They share one file per
link, named by the hash of its token, so the directory contains no token that logs in.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.entries import private_files

PATH = "/login/once/"
VALID_SECONDS = 24 * 3600


def login_link(directory: Path, base_url: str, clock: Callable[[], float] = time.time) -> str:
    """Make a link that logs in once within 24 hours, as the account `owner`.

    `directory` is that of the dashboard, `base_url` its address.
    """
    Accounts(directory).ensure_owner()
    links = _links(directory)
    private_files.create_directory(links)
    _remove_expired(links, clock())
    # 128 bits. The link fits into one terminal row, and a double click selects the whole token.
    token = secrets.token_hex(16)
    private_files.replace(links / _name_of(token), f"{clock() + VALID_SECONDS:.0f}\n")
    return f"{base_url.rstrip('/')}{PATH}{token}"


def use_token(directory: Path, token: str, clock: Callable[[], float] = time.time) -> bool:
    """Use up the token of an unused link; return whether it was valid."""
    path = _links(directory) / _name_of(token)
    try:
        expires_at = int(path.read_text(encoding="utf-8"))
        path.unlink()  # of several requests at once, one succeeds
    except FileNotFoundError:
        return False
    return clock() < expires_at


def _links(directory: Path) -> Path:
    return directory / "links"


def _name_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _remove_expired(links: Path, now: float) -> None:
    """Delete links that can't be used any more, so that they do not accumulate."""
    for path in links.glob("[0-9a-f]*"):
        with contextlib.suppress(OSError, ValueError):
            if int(path.read_text(encoding="utf-8")) <= now:
                path.unlink()
