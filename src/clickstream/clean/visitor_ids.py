"""Visitor ids: a keyed hash of site, client address and user agent, which nobody can undo.

Without the key an id can't be tied to an address, not even by trying all addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from clickstream.errors import InputError

_DIGEST_BYTES = 12
_KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)


@dataclass(frozen=True)
class VisitorKeys:
    """The key of an hour, and the one the hour before was hashed with if that was another.

    Keys have 16 to 64 bytes; InputError is raised for others.
    """

    now: bytes
    before: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse a key that BLAKE2b can't take or that could be guessed."""
        for key in (self.now, self.before or self.now):
            if len(key) not in _KEY_BYTES:
                raise InputError(
                    f"A visitor key of {len(key)} bytes was given; make one of 16 to 64 random "
                    "bytes."
                )


class Hasher:
    """Makes ids under one key: 24 hex digits of BLAKE2b (RFC 7693), over hashed forms of texts.

    `first` is what every identity begins with; it is hashed once.
    """

    def __init__(self, key: bytes, first: bytes = b"") -> None:
        self._begun = blake2b(first, key=key, digest_size=_DIGEST_BYTES)

    def __call__(self, identity: bytes) -> str:
        """The id of an identity: the hashed forms of some texts, one after the other."""
        hashed = self._begun.copy()
        hashed.update(identity)
        return hashed.hexdigest()


def hashed_form(text: str | None) -> bytes:
    """A text as it is hashed: after its length, so that texts can't run into each other.

    None has no length, which tells it from an empty text. Lists of texts that differ never have
    the same bytes when their forms are joined, whatever their lengths.
    """
    if text is None:
        return b"\xff" * 8
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw
