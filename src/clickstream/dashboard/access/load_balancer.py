"""Logins that an AWS Application Load Balancer has authenticated and signed.

The load balancer adds the token `x-amzn-oidc-data` to each request. It is a JWT whose base64 keeps
its padding, and whose header has `exp` and `signer`. Source: AWS, "Authenticate users using an
Application Load Balancer", section "User claims encoding and signature verification".
"""

from __future__ import annotations

import http.client
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import jwt
from cachetools import LRUCache
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.types import Options
from starlette.datastructures import Headers
from starlette.types import Scope

from clickstream.dashboard.access.proxies import account_name

# Public keys of load balancers: fetched by their id, cached, with a limit on fetches.

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

    def may_be_repeated(self, now: float) -> bool:
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
        self._entries: LRUCache[str, _Entry] = LRUCache(MAX_KEYS)
        self._last_fetches: deque[float] = deque(maxlen=FETCHES_PER_MINUTE)
        self._lock = threading.Lock()

    def get(self, key_id: str) -> EllipticCurvePublicKey:
        """Return the key of an id. Raises KeyUnavailableError after some seconds at the latest."""
        entry, is_new = self._find_or_reserve(key_id)
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

    def _find_or_reserve(self, key_id: str) -> tuple[_Entry, bool]:
        """Return the entry of an id, and whether the caller must fetch its key."""
        with self._lock:
            now = self._clock()
            cached = self._entries.get(key_id)
            if cached and not cached.may_be_repeated(now):
                return cached, False
            if len(self._last_fetches) == FETCHES_PER_MINUTE and now - self._last_fetches[0] < 60:
                raise KeyUnavailableError(
                    f"{FETCHES_PER_MINUTE} keys were asked for within a minute, which is the limit"
                )
            self._last_fetches.append(now)
            entry = self._entries[key_id] = _Entry(now)
            return entry, True


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


log = logging.getLogger(__name__)

HEADER = "x-amzn-oidc-data"
ALGORITHM = "ES256"
MAX_TOKEN_CHARACTERS = 16_384
"""AWS refuses claims of more than 11,000 bytes; base64 makes them a third longer."""

_KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHECKED_HERE: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}


class RefusedTokenError(Exception):
    """A token that does not prove a login at this load balancer."""


class LoadBalancerLogin:
    """The users of one load balancer, identified by its ARN.

    `keys_url` is the address of its public keys, by default at AWS in the region of the ARN.
    """

    def __init__(
        self, arn: str, keys_url: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._arn = arn
        self._clock = clock
        self._keys = SigningKeys(keys_url or keys_url_of(arn))

    def account_of(self, scope: Scope) -> str | None:
        """Return the user in the token. Runs in a thread, because a key may take some seconds."""
        tokens = Headers(scope=scope).getlist(HEADER)
        if not tokens:
            return None
        try:
            return _account(self._claims(tokens))
        except (RefusedTokenError, KeyUnavailableError, jwt.PyJWTError) as error:
            log.warning(
                "A login of the load balancer is refused: %s. The request is treated as one "
                "without a login.",
                error,
            )
            return None

    def _claims(self, tokens: list[str]) -> Mapping[str, Any]:
        """Return the claims of the only token, after every check."""
        if len(tokens) != 1 or len(tokens[0]) > MAX_TOKEN_CHARACTERS:
            raise RefusedTokenError(f"there are several headers {HEADER}, or it is too long")
        token = tokens[0]
        # Fetch no key for a token that names another load balancer as its signer.
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise RefusedTokenError(f"the token is not signed by {ALGORITHM}")
        if header.get("signer") != self._arn:
            raise RefusedTokenError("its signer is not load_balancer of [dashboard]")
        self._check_expiry(header.get("exp"))
        key_id = header.get("kid")
        if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
            raise RefusedTokenError("the id of its key is no UUID")
        claims = jwt.decode(token, self._keys.get(key_id), [ALGORITHM], options=_CHECKED_HERE)
        if "exp" in claims:
            self._check_expiry(claims["exp"])
        return claims

    def _check_expiry(self, expires_at: object) -> None:
        is_number = isinstance(expires_at, int | float) and not isinstance(expires_at, bool)
        if not is_number or not self._clock() < expires_at:  # type: ignore[operator]
            raise RefusedTokenError("it has expired, or does not say when it expires")


def keys_url_of(arn: str) -> str:
    """Return the address at which AWS publishes the public keys of a region's load balancers."""
    _, partition, _, region, *_ = arn.split(":")
    if partition == "aws-us-gov":
        return f"https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}"
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://public-keys.auth.elb.{region}.{suffix}"


def _account(claims: Mapping[str, Any]) -> str:
    """Return the user's name: the mail address unless the provider calls it unverified, else `sub`.

    Many providers omit `email_verified`. The name appears on notes and gives no rights beyond those
    of other users of the load balancer.
    """
    is_unverified = str(claims.get("email_verified", True)).lower() == "false"
    email = None if is_unverified else account_name(claims.get("email"))
    account = email or account_name(claims.get("sub"))
    if account is None:
        raise RefusedTokenError("it names no user in email or sub")
    return account
