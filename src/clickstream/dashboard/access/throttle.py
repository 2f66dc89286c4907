"""Delays logins after failed ones, by account and by address."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_FAILURES = 5
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 300
FORGET_SECONDS = 3600
"""Seconds without a failure after which an account or address has no delay again."""

MAX_ENTRIES = 10_000


@dataclass
class _Failures:
    """The number of failed logins, and the time at which the next one is checked."""

    count: int = 0
    free_at: float = 0.0
    last_at: float = 0.0


class Throttle:
    """Counts failed logins in memory; a restart clears the counts.

    A login counts as failed from its start until it succeeds, so parallel logins gain nothing.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._entries: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, account: str, address: str) -> int:
        """Start a login: return 0, or the seconds to wait before the next one is checked."""
        keys = _keys(account, address)
        with self._lock:
            now = self._clock()
            self._forget_old(now)
            known = [self._entries[key] for key in keys if key in self._entries]
            wait = max([entry.free_at - now for entry in known], default=0.0)
            if wait > 0:
                return math.ceil(wait)
            for key in keys:
                self._count(key, now)
            return 0

    def succeed(self, account: str, address: str) -> None:
        """Remove the count of `begin`, and clear the account's failures.

        The address keeps its earlier failures, which may belong to other accounts.
        """
        of_account, of_address = _keys(account, address)
        with self._lock:
            self._entries.pop(of_account, None)
            if entry := self._entries.get(of_address):
                entry.count -= 1
                entry.free_at = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def _count(self, key: tuple[str, str], now: float) -> None:
        entry = self._entries.setdefault(key, _Failures())
        self._entries.move_to_end(key)
        entry.count += 1
        entry.last_at = now
        if entry.count >= FREE_FAILURES:
            doublings = min(entry.count - FREE_FAILURES, 16)
            entry.free_at = now + min(FIRST_WAIT_SECONDS * 2**doublings, LONGEST_WAIT_SECONDS)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def _forget_old(self, now: float) -> None:
        """Delete entries without a recent failure; the oldest come first."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if now - entry.last_at < FORGET_SECONDS:
                return
            del self._entries[key]


def _keys(account: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return keys of limited size: no account name is longer than 64 characters."""
    return ("account", account[:65]), ("address", address)
