"""Checks whether requests come from the dashboard's own pages, and paths to open after a login."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

HOME = "/"
_MAX_CHARACTERS = 2000
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
"""Browsers remove tabs and line ends from an address, and read a backslash as a slash."""


def is_same_origin(headers: Headers) -> bool:
    """Whether a page of the dashboard sent a request that changes something.

    Browsers report the sender in Sec-Fetch-Site, older ones only in Origin. A request without both
    is refused, because a page of another site may have sent it.
    """
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")  # none: the user typed the address or reloaded
    origin, host = headers.get("origin"), headers.get("host")
    return bool(origin and host) and origin in (f"http://{host}", f"https://{host}")


def safe_path(path: str) -> str:
    """Return the path if it stays on the dashboard, else the first page.

    The path to open after a login comes from a URL that an attacker may have written.
    """
    is_unsafe = len(path) > _MAX_CHARACTERS or _UNSAFE.search(path) or not _is_text(path)
    if is_unsafe or not path.startswith("/") or path.startswith("//"):
        return HOME
    if path.startswith(("/login", "/logout")):
        return HOME
    return path


def requested_path(scope: Scope) -> str:
    """Return the requested path and query, as a browser writes them."""
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"], errors="replace") + (f"?{query}" if query else "")


def host_name(header: str) -> str:
    """Return the host of a Host header or of a setting, without its port, in lower case."""
    try:
        parsed = urlsplit(f"//{header}")
        _ = parsed.port  # raises ValueError if it is no number
    except ValueError:
        return ""
    is_plain = parsed.netloc == header and "@" not in header
    return (parsed.hostname or "").rstrip(".").lower() if is_plain else ""


def _is_text(path: str) -> bool:
    """Whether the path has no half of a surrogate pair, which headers can't contain."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
