"""The HTTP version of a request, as a position in PROTOCOLS."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.core import dictionary_encoding

PROTOCOLS = ("HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3")
"""HTTP versions (RFC 9110, 2.5), as session parts store them."""

_VERSION = re.compile(r"(?:HTTP/)?(\d)(?:\.(\d))?", re.IGNORECASE)


def protocol_codes(logged: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return the position in PROTOCOLS of each logged version, -1 if it is unknown or null.

    Logs have `HTTP/2.0`, `HTTP/2` and `2` for the same version.
    """
    column = dictionary_encoding.combine_chunks(logged.dictionary_encode())
    positions = [*map(_position, column.dictionary.to_pylist()), -1]
    return np.array(positions, np.int8)[dictionary_encoding.codes_of(column)]


def _position(text: str) -> int:
    match = _VERSION.fullmatch(text)
    if not match:
        return -1
    major, minor = match.groups()
    name = f"HTTP/{major}" if major >= "2" else f"HTTP/{major}.{minor or 0}"
    return PROTOCOLS.index(name) if name in PROTOCOLS else -1
