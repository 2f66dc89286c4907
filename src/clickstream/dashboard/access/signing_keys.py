"""Public keys of load balancers: fetched by their id, cached, with a limit on fetches."""

from __future__ import annotations

import http.client
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

FETCH_SECONDS = 3
MAX_KEY_BYTES = 4096
MAX_KEYS = 64
FETCHES_PER_MINUTE = 10
"""Limit on fetches, because an attacker can send a new key id with every request."""

RETRY_SECONDS = 60
"""Seconds after which a failed fetch is repeated."""


class KeyUnavailableError(Exception):
    """A key could not be fetched, or the fetched file contains no key for ES256."""


@dataclass
class _Entry:
    """A fetched key, or the reason for the failure, and when the fetch began."""

    asked_at: float
    key: Future[EllipticCurvePublicKey] = field(default_factory=Future)

    def is_over(self, now: float) -> bool:
        """Whether it failed long enough ago to try again."""
        has_failed = self.key.done() and self.key.exception() is not None
        return has_failed and now - self.asked_at >= RETRY_SECONDS


class SigningKeys:
    """The keys below a base URL, each a PEM file named by its id.

    Callers must validate ids, because they become part of a URL. Simultaneous requests for one key
    share one fetch.
    """

    def __init__(self, base_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._base_url = base_url
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._fetches: deque[float] = deque(maxlen=FETCHES_PER_MINUTE)
        self._lock = threading.Lock()

    def get(self, key_id: str) -> EllipticCurvePublicKey:
        """Return the key of an id. Raises KeyUnavailableError after some seconds at the latest."""
        entry, is_new = self._entry(key_id)
        if is_new:
            try:
                entry.key.set_result(_fetch(f"{self._base_url}/{key_id}"))
            except Exception as error:
                entry.key.set_exception(error)
        try:
            return entry.key.result(timeout=2 * FETCH_SECONDS)
        except KeyUnavailableError:
            raise
        except Exception as error:
            raise KeyUnavailableError(f"the key {key_id} can't be fetched: {error!r}") from None

    def __len__(self) -> int:
        return len(self._entries)

    def _entry(self, key_id: str) -> tuple[_Entry, bool]:
        """Return the entry of an id, and whether the caller must fetch its key."""
        with self._lock:
            now = self._clock()
            known = self._entries.get(key_id)
            if known and not known.is_over(now):
                self._entries.move_to_end(key_id)
                return known, False
            self._count_fetch(now)
            entry = self._entries[key_id] = _Entry(now)
            self._entries.move_to_end(key_id)
            if len(self._entries) > MAX_KEYS:
                self._entries.popitem(last=False)
            return entry, True

    def _count_fetch(self, now: float) -> None:
        if len(self._fetches) == FETCHES_PER_MINUTE and now - self._fetches[0] < 60:
            raise KeyUnavailableError(
                f"{FETCHES_PER_MINUTE} keys were asked for within a minute, which is the limit"
            )
        self._fetches.append(now)


def _fetch(url: str) -> EllipticCurvePublicKey:
    """Fetch a key. `http.client` follows no redirect and uses no proxy of the environment."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", parts.path, headers={"Accept": "*/*"})
        with connection.getresponse() as answer:
            if answer.status != HTTPStatus.OK:
                raise KeyUnavailableError(f"{url} answered {answer.status}")
            return _parse(url, answer.read(MAX_KEY_BYTES + 1))
    finally:
        connection.close()


def _parse(url: str, pem: bytes) -> EllipticCurvePublicKey:
    if len(pem) > MAX_KEY_BYTES:
        raise KeyUnavailableError(f"{url} has more than {MAX_KEY_BYTES} bytes")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnavailableError(f"{url} holds no public key") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyUnavailableError(f"{url} holds no key of the curve P-256")
    return key
