"""Digests of several texts, which tell whether what they describe has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest_texts(texts: Iterable[str], size: int = 8) -> str:
    """Return the BLAKE2b digest of texts in their order, of `size` bytes, in hexadecimal digits."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=size).hexdigest()
