"""The public keys of signed agents: snapshots of their key directories (JSON Web Key Sets).

An agent publishes its keys at /.well-known/http-message-signatures-directory of its host
(draft-meunier-http-message-signatures-directory). `step_config` reads the snapshots, and
`signatures` looks keys up.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clickstream.core.errors import UnusableRule

ALGORITHM = "ed25519"
_ED25519_BYTES = 32
_HASHED = {"OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
"""The members of a key that its thumbprint covers, by key type (RFC 7638, 3.2; RFC 8037, 2)."""

_MILLISECONDS_FROM = 10**11
"""RFC 7519 has seconds in `nbf` and `exp`; some directories have milliseconds."""


@dataclass(frozen=True)
class AgentKey:
    """A public key: its 32 bytes, or None if it is not an Ed25519 key, and when it is valid.

    `not_before` and `expires` are Unix seconds, None for no limit.
    """

    public: bytes | None
    not_before: int | None = None
    expires: int | None = None

    def is_valid_at(self, seconds: int, skew: int) -> bool:
        """Whether the key is valid at a time, give or take a skew of the clocks, in seconds."""
        has_begun = self.not_before is None or self.not_before <= seconds + skew
        return has_begun and (self.expires is None or seconds - skew <= self.expires)


AgentKeys = Mapping[str, Mapping[str, AgentKey]]
"""The keys by the host of the agent, as in Signature-Agent, and by their thumbprint (RFC 7638)."""


@dataclass(frozen=True)
class SignatureRules:
    """What signatures are verified by: the keys of agents, and the site's hosts.

    `own_hosts` are as in `hosts.requests_of_site`; without any, the logged host is the site's. A
    signature for another host is not accepted, because its receiver can send the request to this
    site again.
    """

    keys: AgentKeys = field(default_factory=dict)
    own_hosts: tuple[str, ...] = ()


def parse_directory(name: str, text: str) -> dict[str, AgentKey]:
    """Parse the JSON Web Key Set of an agent: {"keys": [{"kty": "OKP", "crv": "Ed25519", …}]}.

    Returns its keys by thumbprint. `name` is that of the file, for errors. Raises UnusableRule for
    a text that is no key set, and for a key that lacks a part.
    """
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError):
        raise _unusable(name, 'it is not JSON of the form {"keys": [...]}') from None
    if not isinstance(keys, list):
        raise _unusable(name, '"keys" is not a list')
    return dict(_parse_key(f"{name}, key {number}", key) for number, key in enumerate(keys, 1))


def _unusable(where: str, problem: str) -> UnusableRule:
    return UnusableRule(f"{where}: {problem}; download the agent's key directory again.")


def _parse_key(where: str, key: Any) -> tuple[str, AgentKey]:
    members = _HASHED.get(str(key.get("kty"))) if isinstance(key, dict) else None
    if members is None or not all(isinstance(key.get(name), str) for name in members):
        raise _unusable(where, "it is not a public key (RFC 7517)")
    is_ed25519 = key["kty"] == "OKP" and key["crv"] == "Ed25519"
    public = _decode(where, key["x"]) if is_ed25519 else None
    limits = (_seconds(where, key.get(name)) for name in ("nbf", "exp"))
    return thumbprint({name: key[name] for name in members}), AgentKey(public, *limits)


def thumbprint(members: Mapping[str, str]) -> str:
    """Return the thumbprint of a key's required members: base64url of their SHA-256 (RFC 7638)."""
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _decode(where: str, text: str) -> bytes:
    try:
        public = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        public = b""
    if len(public) != _ED25519_BYTES:
        raise _unusable(where, f'"x" is not {_ED25519_BYTES} bytes in base64url (RFC 8037)')
    return public


def _seconds(where: str, moment: Any) -> int | None:
    if moment is None:
        return None
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise _unusable(where, '"nbf" or "exp" is not a number')
    return int(moment / 1000 if moment >= _MILLISECONDS_FROM else moment)
