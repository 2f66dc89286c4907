"""Local accounts of the dashboard, in `accounts.json` of its directory.

Several processes may change the file; a reader notices a change when it next uses an account.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickstream.core.errors import InputError, UnusableDashboardFile
from clickstream.dashboard.entries import private_files

OWNER = "owner"
"""The account that one-time links log in to."""

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_HASHES_AT_ONCE = threading.Semaphore(2)
"""A hash takes 32 MB and about 0.1 s of a processor; further logins wait for a free slot."""


@dataclass(frozen=True)
class PasswordHash:
    """The stored form of a password: scrypt's parameters, salt and result."""

    salt: bytes
    digest: bytes
    n: int = 2**15
    r: int = 8
    p: int = 1

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Hash a password with a new salt."""
        salt = secrets.token_bytes(16)
        return cls(salt, _scrypt(password, salt, cls.n, cls.r, cls.p))

    def matches(self, password: str) -> bool:
        """Whether the password matches; takes the same time in both cases."""
        digest = _scrypt(password, self.salt, self.n, self.r, self.p)
        return hmac.compare_digest(digest, self.digest)

    def as_json(self) -> dict[str, Any]:
        """Return the values to store."""
        texts = {name: b64encode(getattr(self, name)).decode() for name in ("salt", "digest")}
        return asdict(self) | texts

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PasswordHash:
        """Parse stored values."""
        return cls(**{**stored, **{n: b64decode(stored[n]) for n in ("salt", "digest")}})


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Hash by scrypt, which needs slightly more than 128 n r bytes of memory."""
    # Keyboards encode é in one or two characters: both are the same password.
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    with _HASHES_AT_ONCE:
        return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r * p)


_NOBODY = PasswordHash(secrets.token_bytes(16), secrets.token_bytes(64))
"""Matches no password. Checked for unknown names, so that the time does not reveal them."""


@dataclass(frozen=True)
class Account:
    """An account; without a password, only a one-time link can log in to it.

    A session contains `session_version` and ends when the account's version changes.
    """

    name: str
    created_at: datetime
    session_version: str
    password: PasswordHash | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the account as it is stored."""
        return {
            "name": self.name,
            "created_at": self.created_at.isoformat(),
            "session_version": self.session_version,
            "password": self.password and self.password.as_json(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Account:
        """Parse a stored account."""
        hashed = stored["password"]
        return cls(
            stored["name"],
            datetime.fromisoformat(stored["created_at"]),
            stored["session_version"],
            hashed and PasswordHash.from_json(hashed),
        )


class Accounts:
    """The accounts in the dashboard's directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "accounts.json"
        self._known: tuple[tuple[int, ...], dict[str, Account]] = ((), {})

    def list(self) -> list[Account]:
        """Return all accounts, sorted by name."""
        return sorted(self._read().values(), key=lambda account: account.name)

    def get(self, name: str) -> Account | None:
        """Return the account with a name."""
        return self._read().get(name)

    def add(self, name: str, password: str | None) -> None:
        """Add an account. Raises InputError if the name is taken or a value is not allowed."""
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is not a valid account name; use 1 to 64 letters, digits and "
                ". _ @ + -, a letter or digit first."
            )
        hashed = None if password is None else _hash_allowed(password)

        def change(accounts: dict[str, Account]) -> None:
            if name in accounts:
                raise InputError(
                    f"The account {name} exists already; change its password by "
                    f"`clickstream dashboard user password {name}`."
                )
            accounts[name] = Account(name, datetime.now(UTC), _new_version(), hashed)

        self._change(change)

    def ensure_owner(self) -> None:
        """Add the account of the one-time links, without a password, unless it exists."""

        def change(accounts: dict[str, Account]) -> None:
            account = Account(OWNER, datetime.now(UTC), _new_version())
            accounts.setdefault(OWNER, account)

        self._change(change)

    def remove(self, name: str) -> None:
        """Remove an account, which ends its sessions. Raises InputError if it does not exist."""
        self._change(lambda accounts: accounts.pop(_existing(accounts, name).name))

    def set_password(self, name: str, password: str) -> None:
        """Set an account's password and end its sessions. Raises InputError for an unknown name."""
        hashed = _hash_allowed(password)

        def change(accounts: dict[str, Account]) -> None:
            account = _existing(accounts, name)
            accounts[name] = replace(account, password=hashed, session_version=_new_version())

        self._change(change)

    def end_sessions(self, name: str) -> None:
        """End all sessions of an account, if it exists."""

        def change(accounts: dict[str, Account]) -> None:
            if account := accounts.get(name):
                accounts[name] = replace(account, session_version=_new_version())

        self._change(change)

    def verify(self, name: str, password: str) -> Account | None:
        """Return the account if the password is right; takes the same time for unknown names."""
        account = self.get(name)
        hashed = account.password if account else None
        if len(password) > MAX_PASSWORD_CHARACTERS:
            return None
        is_right = (hashed or _NOBODY).matches(password)
        return account if hashed and is_right else None

    def _read(self) -> dict[str, Account]:
        """Return the accounts by name; read the file again only after a change."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        known_state, accounts = self._known
        if state != known_state:
            accounts = self._parse()
            self._known = (state, accounts)
        return accounts

    def _parse(self) -> dict[str, Account]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            accounts = [Account.from_json(account) for account in stored["accounts"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnusableDashboardFile(
                f"Can't read the accounts in {self._path}: {error!r}. Restore the file, or delete "
                "it and add the accounts again."
            ) from None
        return {account.name: account for account in accounts}

    def _change(self, change: Callable[[dict[str, Account]], object]) -> None:
        """Change the accounts while no other process can change them."""
        with private_files.exclusive_access(self._directory):
            before = self._parse() if self._path.exists() else {}
            accounts = dict(before)
            change(accounts)
            if accounts != before:
                stored = {"accounts": [account.as_json() for account in accounts.values()]}
                private_files.replace(self._path, json.dumps(stored, indent=2) + os.linesep)


def _existing(accounts: Mapping[str, Account], name: str) -> Account:
    if name in accounts:
        return accounts[name]
    names = ", ".join(sorted(accounts)) or "none"
    raise InputError(f"There is no account {name!r}; the accounts are: {names}.")


def _hash_allowed(password: str) -> PasswordHash:
    """Hash a password. Raises InputError if its length is not allowed."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InputError(
            f"The password has {len(password)} characters; use at least "
            f"{MIN_PASSWORD_CHARACTERS}, such as four words, and at most {MAX_PASSWORD_CHARACTERS}."
        )
    return PasswordHash.of(password)


def _new_version() -> str:
    """Return a session version that no account had before, not even one with this name."""
    return secrets.token_hex(8)
