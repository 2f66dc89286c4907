"""Logins that an AWS Application Load Balancer has authenticated and signed.

The load balancer adds the token `x-amzn-oidc-data` to each request. It is a JWT whose base64 keeps
its padding, and whose header has `exp` and `signer`. Source: AWS, "Authenticate users using an
Application Load Balancer", section "User claims encoding and signature verification".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from jwt.types import Options
from starlette.datastructures import Headers
from starlette.types import Scope

from clickstream.dashboard.access.proxies import account_name
from clickstream.dashboard.access.signing_keys import KeyUnavailableError, SigningKeys

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
