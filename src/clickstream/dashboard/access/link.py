"""One-time login links: whoever starts the dashboard gets in without a password.

A link is made by the process that prints it and used in the dashboard's process. What they share is
a file per link, named by the hash of its token: the directory holds no token that would log in.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from clickstream.dashboard.access import private_files
from clickstream.dashboard.access.accounts import Accounts

PATH = "/login/once/"
VALID_SECONDS = 24 * 3600


def login_link(directory: Path, base_url: str, clock: Callable[[], float] = time.time) -> str:
    """Make a link that logs in once within 24 hours, as the account `owner`.

    `directory` is that of the dashboard, `base_url` is where it answers.
    """
    Accounts(directory).ensure_owner()
    links = _links(directory)
    private_files.create_directory(links)
    _remove_expired(links, clock())
    # 128 bits. The link fits into a row of a terminal, and a double click selects all of the token.
    token = secrets.token_hex(16)
    private_files.replace(links / _name_of(token), f"{clock() + VALID_SECONDS:.0f}\n")
    return f"{base_url.rstrip('/')}{PATH}{token}"


def use_token(directory: Path, token: str, clock: Callable[[], float] = time.time) -> bool:
    """Whether the token is that of an unused link; it is used from now on."""
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
    """Delete links that can't be used any more, so that restarts do not pile them up."""
    for path in links.glob("[0-9a-f]*"):
        with contextlib.suppress(OSError, ValueError):
            if int(path.read_text(encoding="utf-8")) <= now:
                path.unlink()
