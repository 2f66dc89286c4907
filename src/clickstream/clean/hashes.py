"""Keyed hashes of texts: the ids of visitors and of networks."""

from __future__ import annotations

from hashlib import blake2b

_DIGEST_BYTES = 12


class Hasher:
    """Computes ids under one key: 24 hex digits of BLAKE2b (RFC 7693).

    `first` is the common start of all identities; it is hashed once.
    """

    def __init__(self, key: bytes, first: bytes = b"") -> None:
        self._begun = blake2b(first, key=key, digest_size=_DIGEST_BYTES)

    def __call__(self, identity: bytes) -> str:
        """Return the id of an identity, which is a concatenation of `hashed_form` of texts."""
        hashed = self._begun.copy()
        hashed.update(identity)
        return hashed.hexdigest()


def hashed_form(text: str | None) -> bytes:
    """Return the bytes of a text to hash: its length in 8 bytes, then its UTF-8.

    With the length, different lists of texts never give the same bytes when their forms are
    concatenated. None is 8 bytes 0xff, which differs from an empty text.
    """
    if text is None:
        return b"\xff" * 8
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw
