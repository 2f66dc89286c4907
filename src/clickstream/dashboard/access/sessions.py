"""Login sessions: a signed cookie with an account and the version of its sessions.

The server stores nothing per session. A session ends 14 days after its last use, when the account's
password changes, when the account logs out anywhere, or when the account is removed.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from clickstream.dashboard.access.accounts import Account, Accounts
from clickstream.dashboard.entries import private_files

VALID_SECONDS = 14 * 24 * 3600
RENEW_AFTER_SECONDS = 24 * 3600
_SALT = "clickstream.dashboard.session"


class _ClockSigner(TimestampSigner):
    """A signer that reads the time from a given clock."""

    def __init__(self, *arguments: Any, clock: Callable[[], float], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def read_secret(directory: Path) -> str:
    """Return the secret that signs sessions and share links; create it at the first use."""
    private_files.create_directory(directory)
    return private_files.create_once(directory / "session_secret", secrets.token_urlsafe(32))


@dataclass(frozen=True)
class LoginSession:
    """A valid session; one that is due for renewal gets a new cookie with the next response."""

    account: Account
    is_due_for_renewal: bool


class SessionCookies:
    """Makes and reads session cookies with the secret in the dashboard's directory."""

    def __init__(
        self, directory: Path, accounts: Accounts, clock: Callable[[], float] = time.time
    ) -> None:
        secret = read_secret(directory)
        self._accounts = accounts
        self._clock = clock
        options = {"digest_method": hashlib.sha256, "key_derivation": "hmac", "clock": clock}
        self._signer = URLSafeTimedSerializer(
            secret, salt=_SALT, signer=_ClockSigner, signer_kwargs=options
        )
        # All ports of a machine share cookies, so two dashboards need different names.
        tag = hashlib.blake2b(secret.encode(), digest_size=4, person=b"cookie name").hexdigest()
        self.cookie_name = f"clickstream_{tag}"

    def start(self, account: Account) -> str:
        """Return the cookie value of a session that begins now."""
        value = self._signer.dumps([account.name, account.session_version])
        return value if isinstance(value, str) else value.decode()

    def read(self, value: str | None) -> LoginSession | None:
        """Return the session of a cookie value; None if it is forged, too old or ended."""
        try:
            (name, version), used_at = self._signer.loads(
                value or "", max_age=VALID_SECONDS, return_timestamp=True
            )
        except (BadData, TypeError, ValueError):
            return None
        account = self._accounts.get(name) if isinstance(name, str) else None
        if not account or account.session_version != version:
            return None
        age = datetime.fromtimestamp(self._clock(), UTC) - used_at
        return LoginSession(account, is_due_for_renewal=age.total_seconds() > RENEW_AFTER_SECONDS)

    def set_cookie(self, account: Account, is_https: bool) -> str:
        """Return the Set-Cookie header that starts or renews a session."""
        return self._cookie(self.start(account), VALID_SECONDS, is_https)

    def delete_cookie(self, is_https: bool) -> str:
        """Return the Set-Cookie header that removes the cookie from the browser."""
        return self._cookie("", 0, is_https)

    def _cookie(self, value: str, max_age: int, is_https: bool) -> str:
        # Lax, not Strict: the owner may come from a bookmark, a mail or the link in a terminal.
        cookie = f"{self.cookie_name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax"
        return f"{cookie}; Secure" if is_https else cookie
